import type { AfterDocument } from '../document.ts'
import type { CompiledExpression } from '../expressions/compile.ts'
import type { Evaluation } from '../expressions/evaluation.ts'
import type { Pattern } from '../expressions/patterns.ts'
import type { Mark } from '../history/history.ts'
import type { ContractRecord, Mode, RecordType, TimeoutEffect } from '../types.ts'
import type { ContractOutcome, Fired } from './outcome.ts'

export { type ContractOutcome, type Fired, SKIPPED } from './outcome.ts'

interface CompiledCommon {
  readonly id: string
  readonly recordType: RecordType
  /** Names the stage in decisions: `yaml_precondition`, `yaml_sandbox`, `precondition` and so on. */
  readonly source: string
  readonly mode: Mode
  /** Contributed by an `observe_alongside` layer: judged apart, never decides. */
  readonly candidate: boolean
  /** Given in code rather than YAML. */
  readonly programmatic: boolean
  readonly tags: readonly string[]
  /** Never throws: what goes wrong inside is a fired verdict with a policy error. */
  readonly evaluate: (evaluation: Evaluation) => ContractOutcome
  /** The record of every evaluation that passes; made once. */
  readonly passed: ContractRecord
}

/** A contract that may stop a call before it runs, for the tools it names. */
export interface CompiledGate extends CompiledCommon {
  readonly type: 'pre' | 'sandbox'
  readonly tools: readonly string[]
  readonly effect: 'deny' | 'approve'
  readonly timeout: number
  readonly timeoutEffect: TimeoutEffect
  /** Present on contracts with a `when`. */
  readonly condition: CompiledExpression | null
  /** What must have come before, as its author wrote it; null when nothing must. */
  readonly after: AfterDocument | null
  /** The same by the names of the session's store, of which any will do; empty when nothing must. */
  readonly asks: readonly Mark[]
  /** Present on sandboxes: what they look at in a call, for `explain`. May throw. */
  readonly sight: ((evaluation: Evaluation) => SandboxSight) | null
}

/** What a sandbox saw of a call and thought of each part. */
export interface SandboxSight {
  readonly paths: readonly {
    readonly path: string
    readonly judgedAs: readonly string[] | null
    readonly allowed: boolean
  }[]
  /** Null when the call has no command. */
  readonly command: { readonly text: string; readonly allowed: boolean } | null
  readonly hosts: readonly { readonly host: string; readonly allowed: boolean }[]
}

export interface CompiledSession extends CompiledCommon {
  readonly type: 'session'
  readonly effect: 'deny'
  /** What it fires at; Infinity where it has no limit. */
  readonly maxAttempts: number
  readonly maxToolCalls: number
  /** Limits of single tools that only this contract checks: empty for enforced ones, whose limits are merged. */
  readonly maxCallsPerTool: ReadonlyMap<string, number>
}

export interface CompiledPost extends CompiledCommon {
  readonly type: 'post'
  readonly tools: readonly string[]
  readonly effect: 'warn' | 'redact' | 'deny' | 'label'
  /** What the session is to remember when it fires; null unless the effect is `label`. */
  readonly mark: Mark | null
  readonly redactPatterns: readonly Pattern[]
  readonly condition: CompiledExpression | null
}

export type CompiledContract = CompiledGate | CompiledSession | CompiledPost
/** What the pre-execution pipeline walks through. */
export type CompiledStep = CompiledGate | CompiledSession

/** The frozen record of a contract that passed. */
export function passedRecord(name: string, type: RecordType, observed = false): ContractRecord {
  return Object.freeze({ name, type, passed: true, message: null, ...(observed ? { observed } : {}) })
}

/** The record of a contract that fired. */
export function firedRecord(name: string, type: RecordType, fired: Fired, observed: boolean): ContractRecord {
  const record: { -readonly [Key in keyof ContractRecord]: ContractRecord[Key] } = {
    name,
    type,
    passed: false,
    message: fired.message,
  }
  if (fired.metadata !== null) record.metadata = fired.metadata
  if (observed) record.observed = true
  if (fired.policyError) record.policyError = true
  return record
}
