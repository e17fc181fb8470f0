/**
 * What the MCP gateway adds to a call of a tool: a client beside a bare server, beside one behind a program that only passes
 * lines on, beside one behind `lictor mcp wrap` with five contracts, and over HTTP beside one behind `lictor mcp serve`, by turns in
 * one run. Needs `npm run build`.
 *
 *   node --conditions=@lictor/source bench/mcp/run.ts [--calls 2000] [--turns 10] [--json FILE]
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { quantile, writeFigures } from '../figures.ts'
import { residentMemory } from '../processes.ts'

const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '2000' },
    turns: { type: 'string', default: '10' },
    json: { type: 'string' },
  },
})
const calls = Number(values.calls)
const turns = Number(values.turns)
/** Calls that are out at once where it is asked how many a second there may be. */
const AT_ONCE = 32
const WARM_UP = 500

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'lictor-bench-'))
const bundle = join(folder, 'bundle.yaml')
writeFileSync(
  bundle,
  [
    'apiVersion: edictum/v1',
    'kind: ContractBundle',
    'metadata: { name: bench }',
    'defaults: { mode: enforce }',
    'contracts:',
    ...Array.from(
      { length: 5 },
      (_, index) =>
        `  - { id: rule-${index}, type: pre, tool: echo, when: { args.path: { contains: ".secret${index}" } }, then: { effect: deny, message: "{args.path} is secret." } }`,
    ),
    '  - { id: limits, type: session, limits: { max_tool_calls: 100000000, max_attempts: 100000000 }, then: { effect: deny, message: enough } }',
  ].join('\n'),
)
const server = [process.execPath, file('server.ts')]
const lictor = file('../../packages/cli/dist/bin.js')

interface Subject {
  readonly name: string
  readonly child: ChildProcess
  call(): Promise<void>
  readonly times: number[]
  /** Calls a second of each turn. */
  readonly rates: number[]
}

async function start(name: string, command: readonly string[]): Promise<Subject> {
  const [program = '', ...parameters] = command
  const child = spawn(program, parameters, { stdio: 'pipe' })
  child.stderr.resume()
  const waiting = new Map<number, () => void>()
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { id } = JSON.parse(line) as { id?: number }
    if (id === undefined) return
    waiting.get(id)?.()
    waiting.delete(id)
  })
  let nextId = 1
  const request = (method: string, params: object) =>
    new Promise<void>((resolve) => {
      const id = nextId++
      waiting.set(id, resolve)
      child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`)
    })
  await request('initialize', {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'b', version: '1' },
  })
  child.stdin.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
  await request('tools/list', {})
  let count = 0
  const call = () => request('tools/call', { name: 'echo', arguments: { path: `/data/report-${count++ % 100}.csv` } })
  for (let index = 0; index < WARM_UP; index++) await call()
  return { name, child, call, times: [], rates: [] }
}

/** The same server behind `lictor mcp serve`, by one session of one client. */
async function serve(name: string): Promise<Subject> {
  const config = join(folder, 'serve.json')
  writeFileSync(config, JSON.stringify({ listen: { port: 0 }, upstreams: { bench: { command: server } } }))
  const child = spawn(
    process.execPath,
    [lictor, 'mcp', 'serve', '--config', config, '--pins', folder, '--contracts', bundle],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const url = await new Promise<string>((resolve) =>
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (line.includes('"event":"listening"')) resolve((JSON.parse(line) as { url: string }).url)
    }),
  )
  const agent = new Agent({ keepAlive: true })
  let session: string | null = null
  const post = (message: object) =>
    new Promise<string>((resolve, reject) => {
      const headers = {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...(session === null ? {} : { 'mcp-session-id': session }),
      }
      request(url, { method: 'POST', agent, headers }, (response) => {
        const id = response.headers['mcp-session-id']
        if (typeof id === 'string') session = id
        let text = ''
        response.on('data', (chunk: Buffer) => {
          text += chunk.toString()
        })
        response.on('end', () => resolve(text))
      })
        .on('error', reject)
        .end(JSON.stringify({ jsonrpc: '2.0', ...message }))
    })
  const clientInfo = { name: 'b', version: '1' }
  await post({ id: 0, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo } })
  await post({ method: 'notifications/initialized' })
  let count = 0
  const call = async () => {
    const path = `/data/report-${count++ % 100}.csv`
    const text = await post({ id: count, method: 'tools/call', params: { name: 'bench__echo', arguments: { path } } })
    if (!text.includes('"result"') || text.includes('"isError":true')) throw new Error(`A call failed: ${text}`)
  }
  for (let index = 0; index < WARM_UP; index++) await call()
  return { name, child, call, times: [], rates: [] }
}

async function oneByOne({ call, times }: Subject): Promise<void> {
  for (let index = 0; index < calls / turns; index++) {
    const begin = performance.now()
    await call()
    times.push(performance.now() - begin)
  }
}

async function together({ call, rates }: Subject): Promise<void> {
  let left = calls
  const begin = performance.now()
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (left-- > 0) await call()
    }),
  )
  rates.push(calls / ((performance.now() - begin) / 1000))
}

const subjects: Subject[] = []
try {
  subjects.push(
    await start('bare server', server),
    await start('lines passed on', [process.execPath, '--conditions=@lictor/source', file('pass.ts'), ...server]),
    await start('lictor mcp wrap', [
      process.execPath,
      lictor,
      ...['mcp', 'wrap', '--pins', folder, '--name', 'bench', '--contracts', bundle, '--'],
      ...server,
    ]),
    await serve('lictor mcp serve'),
  )
  for (let turn = 0; turn < turns; turn++) for (const subject of subjects) await oneByOne(subject)
  for (let turn = 0; turn < turns; turn++) for (const subject of subjects) await together(subject)
  const [bare, pass, wrap, served] = subjects as [Subject, Subject, Subject, Subject]
  const memory = residentMemory(wrap.child)
  const p50 = ({ times }: Subject) => quantile(times, 0.5)
  const rate = ({ rates }: Subject) => quantile(rates, 0.5)
  for (const one of subjects)
    console.log(
      `${one.name.padEnd(18)} p50 ${p50(one).toFixed(3)} ms, p99 ${quantile(one.times, 0.99).toFixed(3)} ms, ${Math.round(rate(one))} calls/s`,
    )
  console.log(`lictor mcp wrap: ${memory} MiB`)
  writeFigures(values.json, [
    {
      what: 'call through lictor mcp wrap, p50',
      value: p50(wrap),
      unit: 'ms',
      beside: { what: 'lines passed on', value: p50(pass) },
    },
    {
      what: 'added to a call of a bare server, p50',
      value: p50(wrap) - p50(bare),
      unit: 'ms',
      beside: { what: 'bare server', value: p50(bare) },
      goal: { atMost: 1 },
    },
    {
      what: 'a call through lictor mcp wrap over lines passed on, p50',
      value: p50(wrap) / p50(pass),
      unit: 'x',
      goal: { atMost: 1.3 },
    },
    {
      what: 'calls a second through lictor mcp wrap',
      value: rate(wrap),
      unit: 'calls/s',
      beside: { what: 'lines passed on', value: rate(pass) },
      goal: { atLeast: 2000 },
    },
    { what: 'memory of lictor mcp wrap after the calls', value: memory, unit: 'MiB' },
    { what: 'call through lictor mcp serve, p50', value: p50(served), unit: 'ms' },
    { what: 'calls a second through lictor mcp serve', value: rate(served), unit: 'calls/s' },
    { what: 'memory of lictor mcp serve after the calls', value: residentMemory(served.child), unit: 'MiB' },
  ])
} finally {
  for (const { child } of subjects) child.kill()
  rmSync(folder, { recursive: true, force: true })
}
