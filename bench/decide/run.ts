/**
 * What a decision costs, beside the same checks written by hand and beside Cedar (its WebAssembly build, with the policy set
 * parsed in advance), all in one run. Open Policy Agent is absent: its npm engine needs policies compiled by the `opa` binary.
 *
 *   node --conditions=@lictor/source bench/decide/run.ts [--json FILE]
 */
import { parseArgs } from 'node:util'
import * as cedar from '@cedar-policy/cedar-wasm/nodejs'
import {
  type BundleDocument,
  compilePolicy,
  createEnvelope,
  decidePre,
  type Envelope,
  loadBundle,
} from '@lictor/contracts'
import { type Figure, writeFigures } from '../figures.ts'
import { type BenchBundle, type BenchCall, benchBundles, benchCalls } from './bundles.ts'
import { measure, measureOnce, measureTogether, type Timing } from './measure.ts'

interface Row {
  readonly bundle: string
  readonly contracts: number
  readonly applicable: number
  readonly load: Timing
  readonly compile: Timing
  readonly decide: Timing
  readonly byHand: Timing
  readonly cedar: Timing | null
}

/** The goals of the design, by the name of the bundle: microseconds at the median. */
const goals: Readonly<Record<string, number>> = {
  'all for the tool, 5': 1,
  'all for the tool, 100': 5,
  'few for the tool, 1000': 10,
}

const COUNTERS = { attempts: 1, executions: 0, toolExecutions: 0 }
const { values } = parseArgs({ options: { json: { type: 'string' } } })

const envelopes = benchCalls.map((call) =>
  createEnvelope(
    call.tool,
    { command: call.command, path: call.path, amount: call.amount },
    { principal: { role: call.role }, callId: 'bench', timestamp: '2026-01-01T00:00:00Z' },
  ),
)

const rows = benchBundles().map(benchBundle)
const envelope = measure((round) => {
  const call = benchCalls[round % benchCalls.length] as BenchCall
  createEnvelope(call.tool, { command: call.command, path: call.path }, { principal: { role: call.role } })
})
const growth = growthOfBundle()
report(rows)
writeFigures(values.json, figures(rows), { unit: 'microseconds', envelope, growth, rows })

function benchBundle(bundle: BenchBundle): Row {
  const times = Math.max(5, Math.min(50, Math.round(20_000 / bundle.contracts)))
  const loaded = measureOnce(() => load(bundle), times)
  const { document, hash } = load(bundle)
  const compile = measureOnce(() => compilePolicy(document, { version: hash }), times)
  const policy = compilePolicy(document, { version: hash })
  for (const [i, envelope] of envelopes.entries()) {
    if (decidePre(policy, envelope, COUNTERS).action !== 'allow') throw new Error(`${bundle.name}: call ${i} is denied`)
    if (!bundle.byHand(benchCalls[i] as BenchCall)) throw new Error(`${bundle.name}: call ${i} is denied by hand`)
  }
  return {
    bundle: bundle.name,
    contracts: bundle.contracts,
    applicable: bundle.applicable,
    load: loaded,
    compile,
    decide: measure((round) => decidePre(policy, envelopes[round % envelopes.length] as Envelope, COUNTERS)),
    byHand: measure((round) => bundle.byHand(benchCalls[round % benchCalls.length] as BenchCall)),
    cedar: benchCedar(bundle),
  }
}

/** The bundle's texts as one document, joined as a composition joins its layers. */
function load(bundle: BenchBundle): { readonly document: BundleDocument; readonly hash: string } {
  const parts = bundle.yaml.map((text) => loadBundle(text))
  const [first] = parts
  if (first === undefined) throw new Error(`${bundle.name} has no text`)
  const contracts = parts.flatMap(({ document }) => document.contracts)
  return { document: parts.length === 1 ? first.document : { ...first.document, contracts }, hash: first.hash }
}

function benchCedar(bundle: BenchBundle): Timing | null {
  const parsed = cedar.preparsePolicySet(bundle.name, { staticPolicies: bundle.cedar })
  if (parsed.type !== 'success') throw new Error(`${bundle.name}: ${JSON.stringify(parsed).slice(0, 500)}`)
  const ask = (call: BenchCall) =>
    cedar.statefulIsAuthorized({
      principal: { type: 'User', id: 'u' },
      action: { type: 'Action', id: call.tool },
      resource: { type: 'Tool', id: call.tool },
      context: {
        command: call.command,
        path: call.path,
        role: call.role,
        amount: call.amount,
        environment: 'production',
      },
      preparsedPolicySetId: bundle.name,
      entities: [],
    })
  const answer = ask(benchCalls[0] as BenchCall)
  if (answer.type !== 'success' || answer.response.decision !== 'allow') {
    throw new Error(`${bundle.name}: Cedar disagrees: ${JSON.stringify(answer).slice(0, 500)}`)
  }
  return measure((round) => ask(benchCalls[round % benchCalls.length] as BenchCall))
}

/** How much dearer a decision is in 10,000 contracts of which ten name the tool than in those ten alone. */
function growthOfBundle(): number {
  const deciderOf = (name: string) => {
    const bundle = benchBundles().find((candidate) => candidate.name === name)
    if (bundle === undefined) throw new Error(`There is no bundle '${name}'`)
    const { document, hash } = load(bundle)
    const policy = compilePolicy(document, { version: hash })
    return (round: number) => decidePre(policy, envelopes[round % envelopes.length] as Envelope, COUNTERS)
  }
  const [ten, many] = measureTogether(deciderOf('few for the tool, 10'), deciderOf('few for the tool, 10000'))
  return many / ten
}

function report(all: readonly Row[]): void {
  const line = (cells: readonly string[]) =>
    console.log(cells.map((cell, i) => (i === 0 ? cell.padEnd(26) : cell.padStart(12))).join(''))
  line(['bundle', 'applicable', 'load ms', 'compile ms', 'p50 µs', 'p99 µs', 'hand p50', 'cedar p50', 'cedar/us'])
  for (const row of all) {
    line([
      row.bundle,
      String(row.applicable),
      (row.load.p50 / 1000).toFixed(2),
      (row.compile.p50 / 1000).toFixed(2),
      row.decide.p50.toFixed(3),
      row.decide.p99.toFixed(3),
      row.byHand.p50.toFixed(3),
      row.cedar === null ? '-' : row.cedar.p50.toFixed(1),
      row.cedar === null ? '-' : `${(row.cedar.p50 / row.decide.p50).toFixed(0)}x`,
    ])
  }
  console.log('\nOpen Policy Agent: not measured, its npm engine needs policies compiled by the opa binary')
  console.log(`createEnvelope: p50 ${envelope.p50.toFixed(3)} µs, p99 ${envelope.p99.toFixed(3)} µs`)
  console.log(`10,000 contracts of which ten name the tool cost ${growth.toFixed(2)}x of ten`)
}

function figures(all: readonly Row[]): Figure[] {
  const decisions = all.flatMap((row): Figure[] => [
    {
      what: `decide, ${row.bundle}, p50`,
      value: row.decide.p50,
      unit: 'µs',
      beside: row.cedar ? { what: 'Cedar', value: row.cedar.p50 } : { what: 'by hand', value: row.byHand.p50 },
      ...(goals[row.bundle] === undefined ? {} : { goal: { atMost: goals[row.bundle] as number } }),
    },
  ])
  const loads = all
    .filter((row) => row.contracts === 1000)
    .map(
      (row): Figure => ({
        what: `load and compile, ${row.bundle}`,
        value: (row.load.p50 + row.compile.p50) / 1000,
        unit: 'ms',
        goal: { atMost: 40 },
      }),
    )
  return [
    ...decisions,
    { what: '10,000 contracts of which ten name the tool, over ten', value: growth, unit: 'x', goal: { atMost: 1.5 } },
    ...loads,
  ]
}
