/**
 * What a tool call of an execution costs beside the model and the tool: a scripted model reads a file of 1 KiB again and again,
 * judged by contracts, each call with its events, its audit event and its entry for a restart committed. One execution alone, by
 * the instants of its own events between calls of one answer; and 32 at once, by the clock.
 *
 *   node --conditions=@lictor/source bench/inner-loop/run.ts [--json FILE]
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { stringify } from 'yaml'
import { quantile, writeFigures } from '../figures.ts'

const ANSWERS = 20
const CALLS = 10
const AT_ONCE = 32
const { values } = parseArgs({ options: { json: { type: 'string' } } })

const folder = mkdtempSync(join(tmpdir(), 'lictor-bench-'))
const script = join(folder, 'script.yaml')
const read = { name: 'read_file', arguments: { path: 'file.txt' } }
writeFileSync(
  script,
  stringify(
    {
      turns: [
        { tool_calls: [{ name: 'write_file', arguments: { path: 'file.txt', content: 'x'.repeat(1024) } }] },
        ...Array.from({ length: ANSWERS }, () => ({ tool_calls: Array.from({ length: CALLS }, () => ({ ...read })) })),
        { text: 'Done.' },
      ],
    },
    { aliasDuplicateObjects: false },
  ),
)
const server = spawn(
  process.execPath,
  ['--conditions=@lictor/source', fileURLToPath(new URL('../server.ts', import.meta.url))],
  {
    env: {
      ...process.env,
      DATABASE_URL: '',
      LICTOR_PORT: '0',
      LICTOR_DATA_DIR: join(folder, 'data'),
      LICTOR_SANDBOX: 'process',
      LICTOR_MODEL_SCRIPT: script,
      LICTOR_MAX_EXECUTIONS: String(AT_ONCE),
    },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  },
)
try {
  const address = await new Promise<string>((resolve, reject) => {
    server.stdout?.once('data', (chunk: Buffer) => resolve(chunk.toString().trim()))
    server.once('exit', (code) => reject(new Error(`The server ended with code ${code}.`)))
  })
  await bench(address)
} finally {
  const ended = new Promise((resolve) => server.once('exit', resolve))
  server.kill('SIGKILL')
  await ended
  rmSync(folder, { recursive: true, force: true })
}

async function bench(address: string): Promise<void> {
  let cookie = ''
  const call = async (path: string, body: object | string): Promise<Record<string, string>> => {
    const answer = await fetch(`${address}${path}`, {
      method: 'POST',
      headers: {
        'content-type': typeof body === 'string' ? 'text/yaml' : 'application/json',
        'x-requested-with': 'bench',
        cookie,
      },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
    cookie = answer.headers.get('set-cookie')?.split(';')[0] ?? cookie
    return (await answer.json()) as Record<string, string>
  }
  const administrator = { email: 'admin@example.com', password: 'correct horse battery' }
  await call('/api/v1/setup', administrator)
  await call('/api/v1/auth/login', administrator)
  const contracts = Array.from(
    { length: 5 },
    (_, index) => `
  - id: rule-${index}
    type: pre
    tool: read_file
    when: { args.path: { ends_with: .secret${index} } }
    then: { effect: deny, message: "No." }`,
  )
  const bundle = 'apiVersion: edictum/v1\nkind: ContractBundle\nmetadata: { name: rules }\ndefaults: { mode: enforce }'
  await call('/api/v1/bundles', { yaml_content: `${bundle}\ncontracts:${contracts.join('')}\n` })
  await call('/api/v1/bundles/rules/1/deploy', { env: 'production' })
  await call('/api/v1/assignment-rules', { priority: 1, pattern: '*', bundle_name: 'rules', env: 'production' })
  const agent = await call(
    '/v1/agents',
    stringify({
      name: 'reader',
      language: 'javascript',
      version: '20',
      instruction: 'Read.',
      tools: ['read_file', 'write_file'],
    }),
  )
  const run = async (): Promise<string> => {
    const begun = await call('/v1/executions', { agent_id: agent.id ?? '', input: 'go' })
    const stream = await fetch(`${address}/v1/executions/${begun.execution_id}/stream`, { headers: { cookie } })
    const text = await stream.text()
    if (!text.includes('"event_type":"execution_completed"')) throw new Error(text.slice(-2_000))
    return text
  }

  await run()
  const alone = (await Promise.all([run()])).flatMap(betweenCalls)
  const started = performance.now()
  const all = await Promise.all(Array.from({ length: AT_ONCE }, run))
  const seconds = (performance.now() - started) / 1000
  const calls = all.reduce((sum, text) => sum + completions(text).length, 0)
  const perSecond = calls / seconds
  const p50 = quantile(alone, 0.5)
  console.log(`one execution: a call p50 ${p50.toFixed(2)} ms, p99 ${quantile(alone, 0.99).toFixed(2)} ms`)
  console.log(
    `${AT_ONCE} at once: ${calls} calls in ${seconds.toFixed(1)} s, start of the instances included: ${Math.round(perSecond)} a second`,
  )
  writeFigures(values.json, [
    { what: 'inner loop, one tool call, p50', value: p50, unit: 'ms', goal: { atMost: 3 } },
    { what: 'inner loop, one tool call, p99', value: quantile(alone, 0.99), unit: 'ms' },
    { what: `tool calls of ${AT_ONCE} executions at once`, value: perSecond, unit: '/s', goal: { atLeast: 300 } },
  ])
}

interface Completion {
  readonly at: number
  readonly answer: number
}

/** When each call was completed, in milliseconds, and how many answers of the model came before. */
function completions(stream: string): Completion[] {
  let answer = 0
  return stream.split('\n').flatMap((line) => {
    const type = /"event_type":"(\w+)"/.exec(line)?.[1]
    if (type === 'llm_interaction') answer++
    if (type !== 'tool_invocation_completed') return []
    const at = /"completed_at":"([^"]+)"/.exec(line)?.[1] ?? ''
    return [{ at: Date.parse(at), answer }]
  })
}

/** From one completed call to the next of the same answer. */
function betweenCalls(stream: string): number[] {
  const all = completions(stream)
  // Instants are whole milliseconds here: the mean of an answer's calls tells more than each of them.
  return [...Map.groupBy(all, ({ answer }) => answer).values()].flatMap((calls) => {
    const [first, last] = [calls[0], calls.at(-1)]
    return first && last && calls.length > 1 ? [(last.at - first.at) / (calls.length - 1)] : []
  })
}
