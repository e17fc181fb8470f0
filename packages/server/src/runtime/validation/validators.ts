import type { ExecutionStrategy, Validator } from '@lictor/aegis'
import { Ajv } from 'ajv'

/** How an attempt ended, as validators judge it. */
export interface Attempt {
  readonly exitCode: number
  readonly output: string
  readonly stderr: string
}

/** What a validator says: score and confidence from 0 to 1 (aegis-runtime §5.1). */
export interface Gradient {
  readonly validator: string
  readonly score: number
  readonly confidence: number
  readonly reasoning: string
}

export type ValidationResult =
  | { readonly accepted: true; readonly gradients: readonly Gradient[] }
  | {
      readonly accepted: false
      readonly gradients: readonly Gradient[]
      readonly reason: string
      readonly feedback: string
    }

const DEFAULT_EXIT_CODE_SCORE = 0.85

/** Validators of the manifest, whichever form it is written in; empty accepts the first successful attempt. */
export function validatorsOf(execution: ExecutionStrategy | undefined): readonly Validator[] {
  const validation = execution?.validation
  if (validation === undefined) return []
  if (Array.isArray(validation)) return validation as readonly Validator[]
  const { system, output, semantic, script } = validation
  const list: Validator[] = []
  if (system?.must_succeed !== false && system !== undefined)
    list.push({ type: 'exit_code', min_score: system.allow_stderr === false ? 1 : DEFAULT_EXIT_CODE_SCORE })
  if (output?.schema !== undefined || output?.format === 'json')
    list.push({ type: 'json_schema', schema: output.schema ?? {} })
  if (output?.regex) list.push({ type: 'regex', pattern: output.regex })
  if (semantic?.enabled !== false && semantic !== undefined) list.push({ type: 'semantic', judge_agent: '' })
  if (script !== undefined) throw new UnsupportedValidator('script')
  return list
}

/** A validator this server does not run; a manifest that relies on it is refused rather than accepted unchecked. */
export class UnsupportedValidator extends Error {
  override readonly name = 'UnsupportedValidator'
  constructor(type: string) {
    super(
      `spec.execution.validation: the validator '${type}' is not available on this server. Available: exit_code, regex, json_schema.`,
    )
  }
}

/** @throws UnsupportedValidator, or Error for a pattern or schema that is broken. */
export function requireRunnable(validators: readonly Validator[]): void {
  for (const validator of validators) {
    switch (validator.type) {
      case 'exit_code':
        break
      case 'regex':
        new RegExp(validator.pattern)
        break
      case 'json_schema':
        new Ajv({ strict: false }).compile((validator.schema ?? {}) as object)
        break
      default:
        throw new UnsupportedValidator(validator.type)
    }
  }
}

/** Judge an attempt in the manifest's order; the first validator that is not satisfied ends it. */
export function validate(validators: readonly Validator[], attempt: Attempt): ValidationResult {
  const gradients: Gradient[] = []
  for (const validator of validators) {
    const gradient = judge(validator, attempt)
    gradients.push(gradient)
    const minimum = validator.min_score ?? (validator.type === 'exit_code' ? DEFAULT_EXIT_CODE_SCORE : 1)
    if (gradient.score < minimum) {
      const reason = `Validation score ${gradient.score} below minimum ${minimum}: ${gradient.reasoning}`
      return { accepted: false, gradients, reason, feedback: JSON.stringify(gradient, null, 2) }
    }
  }
  return { accepted: true, gradients }
}

function judge(validator: Validator, { exitCode, output, stderr }: Attempt): Gradient {
  const gradient = (score: number, reasoning: string): Gradient => ({
    validator: validator.type,
    score,
    confidence: 1,
    reasoning,
  })
  switch (validator.type) {
    case 'exit_code': {
      const expected = validator.expected ?? 0
      if (exitCode !== expected) return gradient(0, `Exit code ${exitCode}, expected ${expected}`)
      const wroteErrors = stderr.split('\n').some((line) => line.trim() !== '' && !line.startsWith('[BOOTSTRAP '))
      return gradient(
        wroteErrors ? 0.85 : 1,
        wroteErrors ? 'Exit code as expected, with output on stderr' : 'Exit code as expected',
      )
    }
    case 'regex': {
      const text = validator.target === 'stderr' ? stderr : output
      return new RegExp(validator.pattern).test(text)
        ? gradient(1, `Output matches ${validator.pattern}`)
        : gradient(0, `Output does not match ${validator.pattern}`)
    }
    case 'json_schema': {
      const found = parseJson(output)
      if (!found.ok) return gradient(0, `Output is no JSON: ${found.problem}`)
      const ajv = new Ajv({ strict: false, allErrors: true })
      if (ajv.validate((validator.schema ?? {}) as object, found.value)) return gradient(1, 'Output fits the schema')
      return gradient(0, `Output does not fit the schema: ${ajv.errorsText()}`)
    }
    default:
      throw new UnsupportedValidator(validator.type)
  }
}

/** The first fenced block if there is one, else the whole text. */
function parseJson(output: string): { ok: true; value: unknown } | { ok: false; problem: string } {
  const fenced = /```[a-zA-Z0-9]*\n([\s\S]*?)```/.exec(output)
  try {
    return { ok: true, value: JSON.parse((fenced?.[1] ?? output).trim()) }
  } catch (error) {
    return { ok: false, problem: (error as Error).message }
  }
}
