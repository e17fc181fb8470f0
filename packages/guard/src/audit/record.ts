import type { Envelope, Mode, ObserveResult, PastInput, PostDecision, RedactionPolicy } from '@lictor/contracts'
import { isoTime } from '../clock.ts'
import type { WorkflowStatus } from '../gates.ts'
import { type ApprovalRecord, type AuditAction, AuditEvent } from './event.ts'

/** What a call was decided by, as far as its events tell it. */
export type Told = Pick<
  AuditEvent,
  'decisionSource' | 'decisionName' | 'reason' | 'hooksEvaluated' | 'contractsEvaluated' | 'policyError'
>

/** The arguments of one call as its events show them: redacted once, when the first of them is written down. */
export class ShownArguments {
  readonly #redaction: RedactionPolicy
  #value: unknown
  #isRedacted: boolean

  /** Arguments that nobody can change any more are redacted when they are needed; others at once, before the tool runs. */
  constructor(args: Readonly<Record<string, unknown>>, redaction: RedactionPolicy) {
    this.#redaction = redaction
    this.#isRedacted = !cannotChange(args, 0)
    this.#value = this.#isRedacted ? redaction.redactArgs(args) : args
  }

  get value(): unknown {
    if (!this.#isRedacted) {
      this.#value = this.#redaction.redactArgs(this.#value)
      this.#isRedacted = true
    }
    return this.#value
  }
}

const MAX_DEPTH = 20

function cannotChange(value: object, depth: number): boolean {
  if (depth > MAX_DEPTH || !Object.isFrozen(value)) return false
  if (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype) return false
  for (const key in value) {
    let member: unknown
    try {
      member = (value as Record<string, unknown>)[key]
    } catch {
      return false
    }
    if (typeof member === 'object' && member !== null && !cannotChange(member, depth + 1)) return false
    if (typeof member === 'function') return false
  }
  return true
}

/** What the events of one call share. */
export interface CallFacts {
  readonly envelope: Envelope
  readonly args: ShownArguments
  readonly policyVersion: string | null
  readonly mode: Mode
  readonly approval: ApprovalRecord | null
  /** What of the session's past the contracts asked for and found; null when none asked. */
  readonly past: Required<PastInput> | null
  /** Where the session stands at its gates; null without gates. */
  readonly workflow: WorkflowStatus | null
}

/** How the tool ended. */
export interface Ending {
  readonly post: PostDecision
  /** Null while its output is still being read. */
  readonly postconditionsPassed: boolean | null
  /** What it threw, redacted. */
  readonly error: string | null
  readonly durationMs: number
}

/**
 * One stage of one governed call as the guard notes it: what the event is made of. Most events are written down after the
 * call, or never; making them then keeps that off the call's own time.
 */
export class AuditRecord {
  readonly facts: CallFacts
  readonly action: AuditAction
  readonly #at: number
  readonly #told: Told | null
  readonly #ending: Ending | null
  readonly #attempts: number
  readonly #executions: number
  readonly #mode: Mode
  #event: AuditEvent | null = null

  private constructor(
    facts: CallFacts,
    action: AuditAction,
    at: number,
    told: Told | null,
    ending: Ending | null,
    attempts: number,
    executions: number,
    mode: Mode,
  ) {
    this.facts = facts
    this.action = action
    this.#at = at
    this.#told = told
    this.#ending = ending
    this.#attempts = attempts
    this.#executions = executions
    this.#mode = mode
  }

  /** What was decided before the tool, or about asking. */
  static decided(
    facts: CallFacts,
    action: AuditAction,
    at: number,
    told: Told,
    attempts: number,
    executions: number,
  ): AuditRecord {
    return new AuditRecord(facts, action, at, told, null, attempts, executions, facts.mode)
  }

  static ended(facts: CallFacts, at: number, ending: Ending, attempts: number, executions: number): AuditRecord {
    const action = ending.post.toolSuccess ? 'call_executed' : 'call_failed'
    return new AuditRecord(facts, action, at, null, ending, attempts, executions, facts.mode)
  }

  /** What a contract would have said that only observes, or that is a candidate. */
  static observed(facts: CallFacts, action: AuditAction, at: number, told: Told): AuditRecord {
    return new AuditRecord(facts, action, at, told, null, 0, 0, 'observe')
  }

  /** Always the same one. */
  get event(): AuditEvent {
    this.#event ??= this.#makeEvent()
    return this.#event
  }

  /** The same for who writes it down and lets it go: nothing is kept for the next who asks. */
  get eventOnce(): AuditEvent {
    return this.#event ?? this.#makeEvent()
  }

  #makeEvent(): AuditEvent {
    const { envelope, args, policyVersion, approval, past, workflow } = this.facts
    const told = this.#told
    const ending = this.#ending
    return new AuditEvent({
      timestamp: isoTime(this.#at),
      runId: envelope.runId,
      callId: envelope.callId,
      callIndex: envelope.callIndex,
      parentCallId: envelope.parentCallId,
      toolName: envelope.toolName,
      toolArgs: args.value,
      sideEffect: envelope.sideEffect,
      environment: envelope.environment,
      principal: envelope.principal,
      action: this.action,
      decisionSource: told?.decisionSource ?? null,
      decisionName: told?.decisionName ?? null,
      reason: told?.reason ?? null,
      hooksEvaluated: told?.hooksEvaluated ?? NONE,
      contractsEvaluated: (ending?.post ?? told)?.contractsEvaluated ?? NONE,
      toolSuccess: ending?.post.toolSuccess ?? null,
      postconditionsPassed: ending?.postconditionsPassed ?? null,
      policyError: (ending?.post ?? told)?.policyError ?? false,
      durationMs: ending?.durationMs ?? 0,
      error: ending?.error ?? null,
      sessionAttemptCount: this.#attempts,
      sessionExecutionCount: this.#executions,
      mode: this.#mode,
      policyVersion,
      approval,
      past,
      workflow,
      parentSessionId: workflow === null ? null : parentOf(envelope),
    })
  }
}

/** The session that this one belongs to, where the application says so. */
function parentOf({ metadata }: Envelope): string | null {
  const parent = metadata.parent_session_id
  return typeof parent === 'string' ? parent : null
}

const NONE: readonly never[] = Object.freeze([])

/** What one contract alone says of a call. */
export function toldBy(result: Pick<ObserveResult, 'name' | 'message'>, source: string, policyError: boolean): Told {
  return {
    decisionSource: source,
    decisionName: result.name,
    reason: result.message,
    hooksEvaluated: NONE,
    contractsEvaluated: NONE,
    policyError,
  }
}
