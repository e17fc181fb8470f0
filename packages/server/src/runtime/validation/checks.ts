import type { ExecutionStrategy, ValidationObject, Validator } from '@lictor/aegis'
import { compilePattern } from '@lictor/contracts'
import type { ConsensusStrategy } from './consensus.ts'
import { compileSchema, pythonic } from './json-schema.ts'

/** One thing that must hold of an attempt's output, in the order of the manifest. Scores are from 0 to 1. */
export type Check = DeterministicCheck | ScriptCheck | JudgedCheck

export type DeterministicCheck =
  | { readonly type: 'exit_code'; readonly expected: number; readonly minScore: number }
  | {
      readonly type: 'json_schema'
      readonly schema: unknown
      /** Files of the workspace: the schema, and what is judged instead of the output. */
      readonly schemaPath: string | null
      readonly targetPath: string | null
      readonly minScore: number
    }
  | {
      readonly type: 'regex'
      readonly pattern: string
      readonly target: 'stdout' | 'stderr' | 'json' | 'yaml'
      readonly minScore: number
    }
  | { readonly type: 'format'; readonly format: 'text' | 'yaml'; readonly minScore: number }

/** A script of the workspace that ends with 0 when it is content; it gets the output on its standard input. */
export interface ScriptCheck {
  readonly type: 'script'
  readonly path: string
  readonly interpreter: 'node' | 'python'
  readonly timeoutSeconds: number
  readonly minScore: number
}

interface Judged {
  readonly criteria: string
  readonly minScore: number
  readonly minConfidence: number
  readonly timeoutSeconds: number
}

/** Who is asked: a deployed agent by name or id, or a model itself. */
export type Judge =
  | { readonly kind: 'agent'; readonly agent: string }
  | { readonly kind: 'model'; readonly alias: string; readonly prompt: string }

export type SemanticCheck = Judged & {
  readonly type: 'semantic'
  readonly judge: Judge
  /** What it counts as when the judge cannot be asked. */
  readonly whenUnavailable: 'fail' | 'skip'
}

export type MultiJudgeCheck = Judged & {
  readonly type: 'multi_judge'
  readonly judges: readonly string[]
  readonly strategy: ConsensusStrategy
  readonly minJudges: number
}

export type JudgedCheck = SemanticCheck | MultiJudgeCheck

/** A validator that cannot be run, and where in the manifest it stands. */
export class UnusableCheck extends Error {
  override readonly name = 'UnusableCheck'
}

const DEFAULT_EXIT_CODE_SCORE = 0.85
const DEFAULT_CRITERIA = 'The output does what the task asks for.'
const VALIDATION = 'spec.execution.validation'
const TOOL_VALIDATION = 'spec.execution.tool_validation'

/** What the manifest demands of an output; empty accepts the first successful attempt. @throws UnusableCheck */
export function checksOf(execution: ExecutionStrategy | undefined): readonly Check[] {
  const validation = execution?.validation
  if (validation === undefined) return []
  const checks = Array.isArray(validation)
    ? validation.map((validator, index) => checkOf(validator, `${VALIDATION}[${index}]`))
    : checksOfObject(validation)
  for (const check of checks) requireRunnable(check)
  return checks
}

/** Judges of tool calls. @throws UnusableCheck for validators that judge no calls: such a call would run unseen */
export function toolChecksOf(execution: ExecutionStrategy | undefined): readonly JudgedCheck[] {
  return (execution?.tool_validation ?? []).map((validator, index) => {
    const at = `${TOOL_VALIDATION}[${index}]`
    const check = checkOf(validator, at)
    if (check.type === 'semantic' || check.type === 'multi_judge') return check
    throw new UnusableCheck(`${at}: '${check.type}' judges no tool calls; use semantic or multi_judge.`)
  })
}

function checkOf(validator: Validator, at: string): Check {
  switch (validator.type) {
    case 'exit_code':
      return {
        type: 'exit_code',
        expected: validator.expected ?? 0,
        minScore: validator.min_score ?? DEFAULT_EXIT_CODE_SCORE,
      }
    case 'json_schema':
      return {
        type: 'json_schema',
        schema: validator.schema ?? {},
        schemaPath: validator.schema_path ?? null,
        targetPath: validator.target_path ?? null,
        minScore: validator.min_score ?? 1,
      }
    case 'regex':
      return {
        type: 'regex',
        pattern: validator.pattern,
        target: validator.target ?? 'stdout',
        minScore: validator.min_score ?? 1,
      }
    case 'semantic':
      return {
        type: 'semantic',
        judge: { kind: 'agent', agent: named(validator.judge_agent, `${at}.judge_agent`) },
        whenUnavailable: 'fail',
        ...judged(validator),
      }
    case 'multi_judge': {
      const judges = validator.judges.map((judge, index) => named(judge, `${at}.judges[${index}]`))
      const minJudges = validator.min_judges_required ?? 1
      if (judges.length < minJudges)
        throw new UnusableCheck(
          `${at}.judges names ${judges.length} judges, and min_judges_required asks for ${minJudges}.`,
        )
      return {
        type: 'multi_judge',
        judges,
        strategy: { kind: validator.consensus ?? 'weighted_average' },
        minJudges,
        ...judged(validator),
      }
    }
  }
}

function judged(of: {
  criteria?: string
  min_score?: number
  min_confidence?: number
  timeout_seconds?: number
}): Judged {
  return {
    criteria: of.criteria?.trim() ? of.criteria : DEFAULT_CRITERIA,
    minScore: of.min_score ?? 0.7,
    minConfidence: of.min_confidence ?? 0,
    timeoutSeconds: of.timeout_seconds ?? 300,
  }
}

function named(judge: string, at: string): string {
  if (judge.trim() === '') throw new UnusableCheck(`${at} is empty; it names the agent that judges.`)
  return judge
}

function checksOfObject({ system, output, script, semantic }: ValidationObject): Check[] {
  const checks: Check[] = []
  if (system && system.must_succeed !== false)
    checks.push({ type: 'exit_code', expected: 0, minScore: system.allow_stderr ? DEFAULT_EXIT_CODE_SCORE : 1 })
  if (output?.schema !== undefined || output?.format === 'json')
    checks.push({ type: 'json_schema', schema: output.schema ?? {}, schemaPath: null, targetPath: null, minScore: 1 })
  if (output?.format === 'text' || output?.format === 'yaml')
    checks.push({ type: 'format', format: output.format, minScore: 1 })
  if (output?.format === 'csv' || output?.format === 'pdf')
    throw new UnusableCheck(
      `${VALIDATION}.output.format: '${output.format}' is not checked on this server; use json, yaml or text, or a script.`,
    )
  if (output?.regex) checks.push({ type: 'regex', pattern: output.regex, target: 'stdout', minScore: 1 })
  if (script)
    checks.push({
      type: 'script',
      path: script.path,
      interpreter: interpreterOf(script.path),
      timeoutSeconds: script.timeout_seconds ?? 30,
      minScore: 1,
    })
  if (semantic && semantic.enabled !== false)
    checks.push({
      type: 'semantic',
      judge: { kind: 'model', alias: semantic.model ?? 'default', prompt: semantic.prompt ?? '' },
      whenUnavailable: semantic.fallback_on_unavailable ?? 'fail',
      criteria: semantic.prompt?.trim() ? semantic.prompt : DEFAULT_CRITERIA,
      minScore: semantic.threshold ?? 0.8,
      minConfidence: 0,
      timeoutSeconds: semantic.timeout_seconds ?? 30,
    })
  return checks
}

function interpreterOf(path: string): ScriptCheck['interpreter'] {
  if (path.endsWith('.py')) return 'python'
  if (/\.m?js$/.test(path)) return 'node'
  throw new UnusableCheck(
    `${VALIDATION}.script.path '${path}' is neither a Python (.py) nor a JavaScript (.js, .mjs) file.`,
  )
}

function requireRunnable(check: Check): void {
  try {
    if (check.type === 'regex') compilePattern(pythonic(check.pattern))
    if (check.type === 'json_schema') compileSchema(check.schema)
  } catch (error) {
    const what = check.type === 'regex' ? `the pattern '${check.pattern}'` : 'the schema'
    throw new UnusableCheck(`${VALIDATION}: ${what} of '${check.type}' cannot be used: ${(error as Error).message}`)
  }
}
