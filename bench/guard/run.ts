/**
 * What the guard adds to a tool call: the bare call and the guarded one, by turns in one run.
 *
 *   node --conditions=source bench/guard/run.ts [--calls 200000] [--json FILE]
 */
import { parseArgs } from 'node:util'
import { type AuditSink, Edictum, Verdict } from '@lictor/guard'
import { EdictumServerClient, ServerAuditSink } from '@lictor/guard/server'
import { writeFigures } from '../figures.ts'

const BUNDLE = (contracts: number): string =>
  [
    'apiVersion: edictum/v1',
    'kind: ContractBundle',
    'metadata: { name: bench }',
    'defaults: { mode: enforce }',
    'contracts:',
    ...Array.from({ length: contracts }, (_, index) =>
      [
        `  - id: rule-${index}`,
        '    type: pre',
        `    tool: ${index < 5 ? 'read_file' : `other_${index}`}`,
        '    when:',
        `      args.path: { contains: ".secret${index}" }`,
        '    then: { effect: deny, message: "{args.path} is secret." }',
      ].join('\n'),
    ),
  ].join('\n')

const WARM_UP = 20_000
const { values } = parseArgs({ options: { calls: { type: 'string', default: '200000' }, json: { type: 'string' } } })
const calls = Number(values.calls)
const tool = (args: { path: string }): string => args.path
const asyncTool = async (args: { path: string }): Promise<string> => args.path

/** A console that takes every batch at once, so that what is measured is this process. */
const takesAll = async (): Promise<Response> => new Response('{"accepted":50,"duplicates":0}')

function serverSink(): AuditSink {
  const client = new EdictumServerClient({
    baseUrl: 'http://localhost:1',
    apiKey: 'edk_production_bench',
    agentId: 'bench',
    bundleName: 'bench',
    fetch: takesAll,
  })
  return new ServerAuditSink(client)
}

const limits = { maxAttempts: Number.MAX_SAFE_INTEGER, maxToolCalls: Number.MAX_SAFE_INTEGER }

function yamlGuard(contracts: number, options: { auditSink?: AuditSink } = {}): Edictum {
  const guard = Edictum.fromYamlString(BUNDLE(contracts), options)
  guard.limits = limits
  return guard
}

interface Subject {
  readonly name: string
  readonly call: (args: { path: string }) => Promise<unknown>
}

const local = yamlGuard(5)
const hundred = yamlGuard(100)
const queued = yamlGuard(5, { auditSink: serverSink() })
const programmatic = new Edictum({
  limits,
  contracts: [{ contractType: 'pre', tool: 'read_file', name: 'check', check: () => Verdict.pass() }],
})
const subjects: readonly Subject[] = [
  { name: 'bare call', call: (args) => asyncTool(args) },
  { name: 'guarded, 5 contracts, audit in memory', call: (args) => local.run('read_file', args, tool) },
  { name: 'guarded, 5 contracts, audit queued for the console', call: (args) => queued.run('read_file', args, tool) },
  { name: 'guarded, 100 contracts of which 5 name the tool', call: (args) => hundred.run('read_file', args, tool) },
  { name: 'guarded, one contract in code', call: (args) => programmatic.run('read_file', args, tool) },
]

async function measure(subject: Subject, count: number): Promise<Float64Array> {
  const times = new Float64Array(count)
  for (let index = 0; index < count; index++) {
    const args = { path: `/data/report-${index % 100}.csv` }
    const start = process.hrtime.bigint()
    await subject.call(args)
    times[index] = Number(process.hrtime.bigint() - start) / 1000
    // Lets deliveries run between calls, as an agent's own work would.
    if (index % 1000 === 999) await new Promise<void>((resolve) => setImmediate(resolve))
  }
  return times.sort()
}

const percentile = (sorted: Float64Array, share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN

for (const subject of subjects) await measure(subject, WARM_UP)
const results = []
for (const subject of subjects) results.push({ subject, times: await measure(subject, calls) })
const floor = results[0]?.times ?? new Float64Array()
console.table(
  results.map(({ subject, times }) => ({
    what: subject.name,
    'p50 µs': percentile(times, 0.5).toFixed(2),
    'p99 µs': percentile(times, 0.99).toFixed(2),
    'p50 over bare': (percentile(times, 0.5) - percentile(floor, 0.5)).toFixed(2),
    'p99 over bare': (percentile(times, 0.99) - percentile(floor, 0.99)).toFixed(2),
  })),
)
const median = percentile(floor, 0.5)
writeFigures(
  values.json,
  results.slice(1).flatMap(({ subject, times }) => {
    const isGoal = subject.name.includes('queued')
    return [
      {
        what: `${subject.name}, over the bare call, p50`,
        value: percentile(times, 0.5) - median,
        unit: 'µs',
        beside: { what: 'bare call', value: median },
        ...(isGoal ? { goal: { atMost: 5 } } : {}),
      },
      {
        what: `${subject.name}, over the bare call, p99`,
        value: percentile(times, 0.99) - percentile(floor, 0.99),
        unit: 'µs',
        beside: { what: 'bare call', value: percentile(floor, 0.99) },
        ...(isGoal ? { goal: { atMost: 50 } } : {}),
      },
    ]
  }),
)
await queued.close()
