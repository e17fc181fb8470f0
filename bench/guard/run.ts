/**
 * What the guard adds to a tool call: the bare call and the guarded one, by turns in one run.
 *
 *   node --conditions=@lictor/source bench/guard/run.ts [--calls 200000] [--json FILE] [--against DIR]
 *
 * With `--against DIR`, another checkout that is installed and built (`npx tsc -b`), its guard takes its turns in the same run.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import type * as GuardPackage from '@lictor/guard'
import type * as ServerPackage from '@lictor/guard/server'
import { type Figure, quantile, writeFigures } from '../figures.ts'

/** The packages of one checkout, as far as this bench uses them. */
interface Build {
  readonly name: string
  readonly core: Pick<typeof GuardPackage, 'Edictum' | 'Verdict'>
  readonly server: Pick<typeof ServerPackage, 'EdictumServerClient' | 'ServerAuditSink'>
}

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
/** Each subject takes so many turns; others take theirs between, so that a busy moment of the machine hits all alike. */
const TURNS = 20
const { values } = parseArgs({
  options: { calls: { type: 'string', default: '200000' }, json: { type: 'string' }, against: { type: 'string' } },
})
const calls = Number(values.calls)
const tool = (args: { path: string }): string => args.path
const asyncTool = async (args: { path: string }): Promise<string> => args.path
const folder = mkdtempSync(join(tmpdir(), 'bench-spool-'))

/** A console that takes every batch at once, so that what is measured is this process. */
const takesAll = async (): Promise<Response> => new Response('{"accepted":50,"duplicates":0}')

const limits = { maxAttempts: Number.MAX_SAFE_INTEGER, maxToolCalls: Number.MAX_SAFE_INTEGER }

function serverSink({ server }: Build, options: { spool?: 'each'; spoolFolder?: string } = {}) {
  const client = new server.EdictumServerClient({
    baseUrl: 'http://localhost:1',
    apiKey: 'edk_production_bench',
    agentId: 'bench',
    bundleName: 'bench',
    fetch: takesAll,
  })
  return new server.ServerAuditSink(client, options)
}

function yamlGuard({ core }: Build, contracts: number, options: { auditSink?: GuardPackage.AuditSink } = {}) {
  const guard = core.Edictum.fromYamlString(BUNDLE(contracts), options)
  guard.limits = limits
  return guard
}

interface Subject {
  readonly name: string
  readonly call: (args: { path: string }) => Promise<unknown>
}

const QUEUED = 'guarded, 5 contracts, audit queued for the console'
const EACH = 'guarded, 5 contracts, every event spooled as it happens'
const closers: (() => Promise<void>)[] = []

function queuedSubject(build: Build, name: string): Subject {
  const guard = yamlGuard(build, 5, { auditSink: serverSink(build) })
  closers.push(() => guard.close())
  return { name, call: (args) => guard.run('read_file', args, tool) }
}

function subjectsOf(build: Build): Subject[] {
  const local = yamlGuard(build, 5)
  const hundred = yamlGuard(build, 100)
  const each = yamlGuard(build, 5, { auditSink: serverSink(build, { spool: 'each', spoolFolder: folder }) })
  closers.push(() => each.close())
  const programmatic = new build.core.Edictum({
    limits,
    contracts: [{ contractType: 'pre', tool: 'read_file', name: 'check', check: () => build.core.Verdict.pass() }],
  })
  return [
    { name: 'guarded, 5 contracts, audit in memory', call: (args) => local.run('read_file', args, tool) },
    queuedSubject(build, QUEUED),
    { name: EACH, call: (args) => each.run('read_file', args, tool) },
    { name: 'guarded, 100 contracts of which 5 name the tool', call: (args) => hundred.run('read_file', args, tool) },
    { name: 'guarded, one contract in code', call: (args) => programmatic.run('read_file', args, tool) },
  ]
}

async function measure(subject: Subject, count: number, times: number[]): Promise<void> {
  for (let index = 0; index < count; index++) {
    const args = { path: `/data/report-${index % 100}.csv` }
    const start = process.hrtime.bigint()
    await subject.call(args)
    times.push(Number(process.hrtime.bigint() - start) / 1000)
    // Lets deliveries run between calls, as an agent's own work would.
    if (index % 1000 === 999) await new Promise<void>((resume) => setImmediate(resume))
  }
}

async function loadBuild(name: string, root: string): Promise<Build> {
  const load = (path: string) => import(pathToFileURL(join(resolve(root), 'packages/guard/dist', path)).href)
  return { name, core: await load('index.js'), server: await load('server/index.js') }
}

const own: Build = {
  name: 'this build',
  core: await import('@lictor/guard'),
  server: await import('@lictor/guard/server'),
}
const PEER = `${QUEUED}, other build`
const bareCall: Subject = { name: 'bare call', call: (args) => asyncTool(args) }
// Two builds side by side do the same and nothing else: code that has met guards of many kinds is slower for each of them.
const subjects =
  values.against === undefined
    ? [bareCall, ...subjectsOf(own)]
    : [bareCall, queuedSubject(own, QUEUED), queuedSubject(await loadBuild('other build', values.against), PEER)]

const results = subjects.map((subject) => ({ subject, times: [] as number[] }))
for (const { subject } of results) await measure(subject, WARM_UP, [])
for (let turn = 0; turn < TURNS; turn++) {
  for (const { subject, times } of results) await measure(subject, Math.ceil(calls / TURNS), times)
}
const figured = results.map(({ subject, times }) => ({
  name: subject.name,
  p50: quantile(times, 0.5),
  p99: quantile(times, 0.99),
}))
const bare = figured[0] ?? { name: 'bare call', p50: Number.NaN, p99: Number.NaN }
console.table(
  figured.map(({ name, p50, p99 }) => ({
    what: name,
    'p50 µs': p50.toFixed(2),
    'p99 µs': p99.toFixed(2),
    'p99 over p50': (p99 / p50).toFixed(1),
    'p50 over bare': (p50 - bare.p50).toFixed(2),
  })),
)
const queued = figured.find(({ name }) => name === QUEUED) ?? bare
const peer = figured.find(({ name }) => name === PEER)
const paired: Figure[] = [
  { what: `${QUEUED}, p99 over p50`, value: queued.p99 / queued.p50, unit: 'x', goal: { atMost: 8 } },
  ...(peer === undefined
    ? []
    : [
        {
          what: `${QUEUED}, whole call, over the build it is compared with, p50`,
          value: queued.p50 / peer.p50,
          unit: 'x',
          beside: { what: 'that build, µs', value: peer.p50 },
          goal: { atMost: 0.5 },
        },
      ]),
]
for (const { what, value } of paired) console.log(`${what}: ${value.toFixed(3)}`)
writeFigures(values.json, [
  ...figured.slice(1).map(({ name, p50 }) => ({
    what: `${name}, over the bare call, p50`,
    value: p50 - bare.p50,
    unit: 'µs',
    beside: { what: 'bare call', value: bare.p50 },
  })),
  ...paired,
])
for (const close of closers) await close()
rmSync(folder, { recursive: true, force: true })
