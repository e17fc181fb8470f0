import { runBehaviourCase } from './behaviour.ts'
import { runRejectionCase } from './rejection.ts'
import { type ConformanceResult, type Mismatch, mismatch } from './result.ts'
import { asMapping, isMapping, type Mapping, parseFixtures } from './values.ts'
import { runWorkflowCase } from './workflow.ts'

export type { ConformanceResult } from './result.ts'

/** A fixture file: its path, for reports, and its text. */
export interface FixtureFile {
  readonly path: string
  readonly text: string
}

export interface ConformanceReport {
  readonly results: readonly ConformanceResult[]
  readonly passed: number
  readonly failed: number
  readonly excluded: number
}

/** Cases that contradict the language, and why. */
const EXCLUDED: ReadonlyMap<string, string> = new Map([
  ['adv-inject-002', "'$()' is no substring of 'echo $(whoami)'; the case contradicts its own comment"],
])

/**
 * Runs fixture files of every format in `conformance/` against this package. Pure; never throws: a file that cannot
 * be read as fixtures, or holds none, is a failure, and so is a run without files.
 */
export function runConformance(files: readonly FixtureFile[]): ConformanceReport {
  const results = files.flatMap(runFile)
  if (files.length === 0) results.push(fileFailure('', 'at least one fixture file', 'none'))
  const count = (status: ConformanceResult['status']) => results.filter((result) => result.status === status).length
  return { results, passed: count('passed'), failed: count('failed'), excluded: count('excluded') }
}

function runFile({ path, text }: FixtureFile): ConformanceResult[] {
  let document: unknown
  try {
    document = parseFixtures(text)
  } catch (error) {
    return [fileFailure(path, 'a YAML document', error instanceof Error ? error.message : String(error))]
  }
  if (!isMapping(document) || !Array.isArray(document.fixtures) || document.fixtures.length === 0) {
    return [fileFailure(path, 'a mapping with a list of fixtures', 'something else')]
  }
  const suite = document
  const seen = new Set<string>()
  return document.fixtures.map((fixture: unknown) => {
    const { id, description } = asMapping(fixture)
    const named = {
      file: path,
      suite: String(suite.suite ?? ''),
      id: String(id ?? ''),
      description: String(description ?? ''),
    }
    const excluded = EXCLUDED.get(named.id)
    if (excluded !== undefined) return { ...named, status: 'excluded', expected: excluded, got: '' }
    const problem = runCase(fixture, suite, seen)
    return problem === null
      ? { ...named, status: 'passed', expected: '', got: '' }
      : { ...named, status: 'failed', ...problem }
  })
}

function runCase(fixture: unknown, suite: Mapping, seen: Set<string>): Mismatch {
  if (!isMapping(fixture)) return mismatch('a mapping', fixture)
  if (typeof fixture.id !== 'string' || fixture.id === '') return mismatch('an id', fixture.id)
  if (seen.has(fixture.id)) return mismatch('an id of its own', `a second '${fixture.id}'`)
  seen.add(fixture.id)
  try {
    if ('workflow' in fixture || isMapping(suite.workflows)) return runWorkflowCase(fixture, asMapping(suite.workflows))
    if ('bundle' in fixture) return runRejectionCase(fixture)
    return runBehaviourCase(fixture, asMapping(suite.rulesets))
  } catch (error) {
    return mismatch('no crash', error instanceof Error ? (error.stack ?? error.message) : String(error))
  }
}

function fileFailure(file: string, expected: string, got: string): ConformanceResult {
  return { file, suite: '', id: '', description: '', status: 'failed', expected, got }
}
