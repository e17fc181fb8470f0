import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { root } from '../support/server.ts'
import { reportText, runDifferential } from './differential/compare.ts'
import { RECOGNISERS, readDifferences } from './differential/differences.ts'
import { installPublished } from './differential/install.ts'
import type { Outcome } from './differential/outcome.ts'
import { productWorker, type Worker } from './differential/worker.ts'

const differences = readDifferences(readFileSync(join(root, 'docs/parity.md'), 'utf8'))

it('the table of differences and the suite name the same rows', () => {
  expect(differences.map(({ id }) => id).sort()).toEqual(Object.keys(RECOGNISERS).sort())
})

describe.each([
  { version: '0.16.0', pairs: 3000, seed: 1 },
  { version: '0.19.0', pairs: 500, seed: 50_001 },
])('bundles and calls made from a seed, and edictum $version', ({ version, pairs, seed }) => {
  it('are decided alike, but for the differences that the documentation names', async (context) => {
    const python = installPublished(version)
    if (!python && process.env.CI)
      throw new Error(`edictum[yaml]==${version} could not be installed, and CI runs its suite.`)
    if (!python) return context.skip('Python or the package registry is missing')
    const report = await runDifferential({ version, python, pairs, seed, differences })
    expect(report.mismatches, reportText(version, report)).toEqual([])
    // A run in which little was loaded, or nothing was equal, would say nothing.
    expect(report.decided).toBeGreaterThan(pairs * 0.8)
    expect(report.equal).toBeGreaterThan(pairs * 0.5)
  }, 1_200_000)
})

/** What a call came to, in the words of the file of cases. */
interface CaseOutcome {
  readonly run: { readonly k: string; readonly v: unknown; readonly s?: string; readonly n?: string }
  readonly asked: readonly string[]
  readonly audit: readonly Readonly<Record<string, unknown>>[]
  readonly evaluate: Readonly<Record<string, unknown>>
}

interface RecordedCase {
  readonly id: string
  readonly what: string
  readonly bundle: string
  readonly call: Readonly<Record<string, unknown>>
  readonly environment_variables: Readonly<Record<string, string>>
  readonly python: CaseOutcome
  readonly product: CaseOutcome
}

const casesFile = join(root, '../shared/cases/differential.json')
const cases: readonly RecordedCase[] = existsSync(casesFile) ? JSON.parse(readFileSync(casesFile, 'utf8')) : []

/** What is right where it is not what Python said. */
const RULED: Readonly<Record<string, (one: RecordedCase) => CaseOutcome>> = {
  'file-tool-number': ({ python }) => withMessage(python, 'out'),
  'emoji-escape': ({ product }) => product,
}

describe.skipIf(cases.length === 0)('calls that were once decided otherwise than in Python', () => {
  let worker: Worker
  beforeAll(() => {
    worker = productWorker()
  })
  afterAll(() => worker?.close())

  it.each(cases.map((one) => [one.id, one.what, one] as const))('%s: %s', async (id, _, one) => {
    const { call, environment_variables: environment, bundle } = one
    const sent = { bundle, environment, call: { principal: null, ...call, answer: call.approval } }
    const outcome = await worker.judge(JSON.stringify(sent))
    expect(asCase(outcome)).toEqual(plain(RULED[id]?.(one) ?? one.python))
  })
})

/** The same outcome with a text of ours in place of an error of the interpreter. */
function withMessage(outcome: CaseOutcome, message: string): CaseOutcome {
  return {
    ...outcome,
    run: { ...outcome.run, v: message },
    audit: outcome.audit.map((event) => ({ ...event, reason: message })),
    evaluate: { ...outcome.evaluate, deny: [message] },
  }
}

function asCase({ run, asked, audit, evaluate }: Outcome): unknown {
  const { contracts: _, ...told } = evaluate ?? {}
  return plain({
    run: { k: run?.ended === 'ran' ? 'ok' : run?.ended, v: run?.value, s: run?.source, n: run?.name },
    asked,
    audit: audit?.map(({ side_effect, policy_error, ...event }) => ({ ...event, se: side_effect, pe: policy_error })),
    evaluate: told,
  })
}

/** As JSON carries it, without what only we say; a date is the text of it. */
function plain(outcome: unknown): unknown {
  const text = JSON.stringify(outcome, (key, value: unknown) => {
    if (key === 'error_detail' || key === 'load') return undefined
    const marked = typeof value === 'object' && value !== null && '$o' in value ? String(value.$o) : null
    return marked === null ? value : marked.replace(/^date:/, '')
  })
  return JSON.parse(text)
}
