/**
 * What an adapter adds to a guarded call, beside the guard's own time, by turns in one run; and the processor
 * time of its import in a new process. Tools are made by hand in the form of their frameworks, so that nothing but the adapter is between the two.
 *
 *   node --conditions=@lictor/source bench/adapters/run.ts [--calls 100000] [--starts 20] [--json FILE]
 */
import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { Edictum } from '@lictor/guard'
import { govern as governAi } from '@lictor/guard/ai'
import { govern as governRegistry } from '@lictor/guard/fetch-tools'
import { govern as governLangChain } from '@lictor/guard/langchain'
import { govern as governMcp } from '@lictor/guard/mcp'
import { govern as governOpenAiAgents } from '@lictor/guard/openai-agents'
import { type Figure, quantile, writeFigures } from '../figures.ts'

const BUNDLE = `
apiVersion: edictum/v1
kind: ContractBundle
metadata: { name: bench }
defaults: { mode: enforce }
tools: { read_file: { side_effect: read } }
contracts:
  - { id: pre, type: pre, tool: read_file, when: { args.path: { contains: ".env" } }, then: { effect: deny, message: "No." } }
  - { id: post, type: post, tool: read_file, when: { output.text: { contains: "secret" } }, then: { effect: redact, message: "Gone." } }
`
const WARM_UP = 20_000
/** Each subject takes so many turns; others take theirs between, so that a busy moment of the machine hits all alike. */
const TURNS = 20
const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '100000' },
    starts: { type: 'string', default: '20' },
    json: { type: 'string' },
  },
})
const calls = Number(values.calls)
const starts = Number(values.starts)

interface Args {
  readonly path: string
}

interface Subject {
  readonly name: string
  readonly call: (args: Args, id: string) => Promise<unknown>
}

const read = async ({ path }: Args): Promise<string> => path

function guard(): Edictum {
  const made = Edictum.fromYamlString(BUNDLE, { localEvents: 1000 })
  made.limits = { maxAttempts: Number.MAX_SAFE_INTEGER, maxToolCalls: Number.MAX_SAFE_INTEGER }
  return made
}

function subjects(): [Subject, ...Subject[]] {
  const own = guard()
  const { read_file: ai } = governAi(guard()).tools({ read_file: { execute: (args: Args) => read(args) } })
  const aiCall = ai.execute as (args: Args, options: object) => Promise<unknown>
  const invoke = async (_context: unknown, input: string) => read(JSON.parse(input) as Args)
  const [agents] = governOpenAiAgents(guard()).tools([{ type: 'function', name: 'read_file', invoke }] as const)
  const agentsCall = agents.invoke as (context: object, input: string, details: object) => Promise<unknown>
  const [chain] = governLangChain(guard()).tools([{ name: 'read_file', _call: (args: Args) => read(args) }] as const)
  const chainCall = chain._call as (args: Args, manager?: unknown, config?: object) => Promise<unknown>
  const content = (text: string) => ({ content: [{ type: 'text', text }] })
  const handler = governMcp(guard()).handler('read_file', async (args: Args, _extra: object) =>
    content(await read(args)),
  )
  const registry = governRegistry(guard()).add({ name: 'read_file', description: 'Reads' }, read)
  return [
    { name: 'guard.run', call: (args, toolUseId) => own.run('read_file', args, read, { toolUseId }) },
    { name: 'ai', call: (args, toolCallId) => aiCall(args, { toolCallId }) },
    {
      name: 'openai-agents',
      call: (args, callId) => agentsCall({}, JSON.stringify(args), { toolCall: { callId } }),
    },
    { name: 'langchain', call: (args, id) => chainCall(args, undefined, { toolCall: { id } }) },
    { name: 'mcp, server side', call: (args, requestId) => handler(args, { requestId }) },
    { name: 'fetch-tools', call: ({ path }, toolUseId) => registry.execute('read_file', { path }, { toolUseId }) },
  ]
}

async function measure(subject: Subject, count: number, times: number[]): Promise<void> {
  for (let index = 0; index < count; index++) {
    const args = { path: `/data/report-${index % 100}.csv` }
    const start = process.hrtime.bigint()
    await subject.call(args, `call-${index}`)
    times.push(Number(process.hrtime.bigint() - start) / 1000)
    if (index % 1000 === 999) await new Promise<void>((resume) => setImmediate(resume))
  }
}

const results = subjects().map((subject) => ({ subject, times: [] as number[] }))
for (const { subject } of results) await measure(subject, WARM_UP, [])
for (let turn = 0; turn < TURNS; turn++) {
  for (const { subject, times } of results) await measure(subject, Math.ceil(calls / TURNS), times)
}

/** Milliseconds of processor time that a new process spends on an import of what is built: wall time tells of the machine's load. */
function importTime(entry: string): number {
  const address = JSON.stringify(new URL(`../../packages/guard/dist/${entry}`, import.meta.url).href)
  const code = `const before = process.cpuUsage(); await import(${address}); const { user, system } = process.cpuUsage(before)
    console.log((user + system) / 1000)`
  const times = Array.from({ length: starts }, () =>
    Number(spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' }).stdout),
  )
  return quantile(times, 0.5)
}

const p50 = results.map(({ subject, times }) => ({
  name: subject.name,
  p50: quantile(times, 0.5),
  p99: quantile(times, 0.99),
}))
const [own = { name: 'guard.run', p50: Number.NaN, p99: Number.NaN }, ...adapters] = p50
const guardAlone = importTime('index.js')
const adapterAlone = importTime('adapters/ai.js')
console.table(
  [own, ...adapters].map(({ name, p50, p99 }) => ({ what: name, 'p50 µs': p50.toFixed(2), 'p99 µs': p99.toFixed(2) })),
)
const figures: Figure[] = [
  ...adapters.map(({ name, p50 }) => ({
    what: `${name}, over the guard's own time, p50`,
    value: p50 - own.p50,
    unit: 'µs',
    beside: { what: 'guard.run', value: own.p50 },
    goal: { atMost: 10 },
  })),
  {
    what: 'import @lictor/guard/ai in a new process, processor time, p50',
    value: adapterAlone,
    unit: 'ms',
    beside: { what: 'import @lictor/guard', value: guardAlone },
    goal: { atMost: 25 },
  },
]
for (const { what, value, unit } of figures) console.log(`${what}: ${value.toFixed(2)} ${unit}`)
writeFigures(values.json, figures)
