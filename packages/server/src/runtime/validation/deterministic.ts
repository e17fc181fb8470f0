import { compilePattern } from '@lictor/contracts'
import { parse as parseYaml } from 'yaml'
import type { DeterministicCheck } from './checks.ts'
import type { Gradient } from './gradient.ts'
import { jsonIn } from './json.ts'
import { compileSchema, pythonic } from './json-schema.ts'

/** How an attempt ended, as validators judge it. */
export interface AttemptResult {
  readonly exitCode: number
  readonly output: string
  readonly stderr: string
}

/** The text of a file of the workspace. @throws Error saying why there is none */
export type ReadText = (path: string) => Promise<string>

/** @throws Error when a file that the check names cannot be read, or a text is too long to be judged */
export async function measure(check: DeterministicCheck, attempt: AttemptResult, read: ReadText): Promise<Gradient> {
  const gradient = (isGood: boolean | number, reasoning: string): Gradient => ({
    validator: check.type,
    score: Number(isGood),
    confidence: 1,
    reasoning,
  })
  const { exitCode, output, stderr } = attempt
  switch (check.type) {
    case 'exit_code': {
      if (exitCode !== check.expected) return gradient(0, `Exit code ${exitCode}, expected ${check.expected}`)
      return wroteErrors(stderr)
        ? gradient(0.85, 'Exit code as expected, with output on stderr')
        : gradient(1, 'Exit code as expected')
    }
    case 'regex': {
      const text = check.target === 'stderr' ? stderr : output
      const unread = check.target === 'json' || check.target === 'yaml' ? problemOf(check.target, output) : null
      if (unread) return gradient(0, unread)
      const isFound = compilePattern(pythonic(check.pattern)).test(text)
      return gradient(isFound, `${nameOf(check.target)} ${isFound ? 'matches' : 'does not match'} ${check.pattern}`)
    }
    case 'json_schema': {
      const text = check.targetPath === null ? output : await read(check.targetPath)
      const name = check.targetPath ?? 'Output'
      const found = jsonIn(text)
      if (!found.ok) return gradient(0, `${name} is no JSON: ${found.problem}`)
      const schema = check.schemaPath === null ? check.schema : schemaIn(check.schemaPath, await read(check.schemaPath))
      const problems = compileSchema(schema)(found.value)
      return problems.length === 0
        ? gradient(1, `${name} fits the schema`)
        : gradient(0, `${name} does not fit the schema: ${problems.slice(0, MOST_PROBLEMS).join('; ')}`)
    }
    case 'format': {
      const problem = problemOf(check.format, output)
      return gradient(problem === null, problem ?? `Output is ${check.format}`)
    }
  }
}

const MOST_PROBLEMS = 20

const nameOf = (target: string): string => (target === 'stderr' ? 'Standard error' : 'Output')

/** Lines of the bootstrap's own are no errors of the agent. */
const wroteErrors = (stderr: string): boolean =>
  stderr.split('\n').some((line) => line.trim() !== '' && !line.startsWith('[BOOTSTRAP '))

function problemOf(format: 'json' | 'yaml' | 'text', output: string): string | null {
  if (format === 'text') return output.trim() === '' ? 'Output is empty' : null
  if (format === 'json') {
    const found = jsonIn(output)
    return found.ok ? null : `Output is no JSON: ${found.problem}`
  }
  try {
    parseYaml(output, { maxAliasCount: 100, logLevel: 'error' })
    return null
  } catch (error) {
    return `Output is no YAML: ${(error as Error).message}`
  }
}

function schemaIn(path: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Error(`The schema in '${path}' is no JSON: ${(error as Error).message}`)
  }
}
