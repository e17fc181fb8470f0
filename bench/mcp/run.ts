/**
 * What the MCP gateway adds to a call of a tool: a client beside a bare server, beside one behind a program that only passes
 * lines on, and beside one behind `lictor mcp wrap` with five contracts, by turns in one run. Needs `npm run build`.
 *
 *   node --conditions=@lictor/source bench/mcp/run.ts [--calls 2000] [--turns 10] [--json FILE]
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
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

interface Subject {
  readonly name: string
  readonly child: ChildProcessWithoutNullStreams
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
      file('../../packages/cli/dist/bin.js'),
      ...['mcp', 'wrap', '--pins', folder, '--name', 'bench', '--contracts', bundle, '--'],
      ...server,
    ]),
  )
  for (let turn = 0; turn < turns; turn++) for (const subject of subjects) await oneByOne(subject)
  for (let turn = 0; turn < turns; turn++) for (const subject of subjects) await together(subject)
  const [bare, pass, wrap] = subjects as [Subject, Subject, Subject]
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
  ])
} finally {
  for (const { child } of subjects) child.kill()
  rmSync(folder, { recursive: true, force: true })
}
