import type {
  ContractRecord,
  Envelope,
  Mode,
  ObserveResult,
  PastInput,
  PostDecision,
  RedactionPolicy,
} from '@lictor/contracts'
import type { ApprovalRecord, AuditAction } from './audit/event.ts'
import { AuditRecord, type CallFacts, ShownArguments, toldBy } from './audit/record.ts'
import type { AuditSink } from './audit/sinks.ts'
import type { Clock } from './clock.ts'
import type { GateEvent, WorkflowStatus } from './gates.ts'
import type { MaybePromise } from './maybe-promise.ts'
import { isReadLater, type PreDecision } from './pipeline.ts'
import type { GovernanceTelemetry } from './telemetry.ts'

export interface AuditDependencies {
  readonly auditSink: AuditSink
  readonly redaction: RedactionPolicy
  readonly telemetry: GovernanceTelemetry | null
  readonly clock: Clock
}

/** The events of one call: what they share is kept here once, stage by stage the rest. */
export class CallAudit {
  readonly #deps: AuditDependencies
  #facts: CallFacts

  constructor(envelope: Envelope, policyVersion: string | null, mode: Mode, deps: AuditDependencies) {
    this.#deps = deps
    const args = new ShownArguments(envelope.args, deps.redaction)
    this.#facts = { envelope, args, policyVersion, mode, approval: null, past: null, workflow: null }
  }

  /** The call was judged again: later events tell by what. */
  judgedUnder(policyVersion: string | null, mode: Mode): void {
    this.#facts = { ...this.#facts, policyVersion, mode }
  }

  /** Later events tell what of the session's past the contracts asked for and found. */
  after(past: Required<PastInput>): void {
    this.#facts = { ...this.#facts, past }
  }

  /** Later events tell where the session stands at its gates. */
  atGates(workflow: WorkflowStatus): void {
    this.#facts = { ...this.#facts, workflow }
  }

  /** Something happened at the gates. */
  gate({ action, status }: GateEvent, attempts: number, executions: number): MaybePromise<void> {
    const told = toldBy({ name: status.active_stage, message: null }, 'workflow', false)
    const facts = { ...this.#facts, workflow: status }
    return this.#emit(AuditRecord.decided(facts, action, this.#deps.clock.now(), told, attempts, executions))
  }

  /** Later events tell which approval the call depends on. */
  byApproval(approval: ApprovalRecord): void {
    this.#facts = { ...this.#facts, approval }
  }

  /** What was decided before the tool, or about asking. */
  decided(action: AuditAction, at: number, pre: PreDecision, attempts: number, executions: number): MaybePromise<void> {
    return this.#emit(AuditRecord.decided(this.#facts, action, at, pre, attempts, executions))
  }

  /** How the tool ended. `error` is what it threw, as it was thrown. */
  ended(
    post: PostDecision,
    error: string | null,
    at: number,
    durationMs: number,
    attempts: number,
    executions: number,
  ): MaybePromise<void> {
    // The text may hold what a contract took out; then only the result of that is kept.
    const shown = error === null ? null : (post.redactedResponse ?? this.#deps.redaction.redactResult(error))
    const postconditionsPassed = isReadLater(post) ? null : post.postconditionsPassed
    const ending = { post, postconditionsPassed, error: shown, durationMs }
    return this.#emit(AuditRecord.ended(this.#facts, at, ending, attempts, executions))
  }

  /** An output that was judged as it was read held what a contract looks for. */
  read(decision: PostDecision, fired: ContractRecord, attempts: number, executions: number): MaybePromise<void> {
    const { contractsEvaluated, policyError } = decision
    const told = { ...toldBy(fired, 'postcondition', policyError), contractsEvaluated }
    const now = this.#deps.clock.now()
    return this.#emit(AuditRecord.decided(this.#facts, 'postcondition_warning', now, told, attempts, executions))
  }

  /**
   * A contract that only observes fired. Its source is `precondition`, for sandboxes too, and `policyError` is that of the
   * whole decision, as in every SDK.
   */
  observed(record: ContractRecord, policyError: boolean): MaybePromise<void> {
    const told = toldBy(record, 'precondition', policyError)
    return this.#emit(AuditRecord.observed(this.#facts, 'call_would_deny', this.#deps.clock.now(), told))
  }

  /** What a contract of an `observe_alongside` layer would have said. */
  candidate(result: ObserveResult): MaybePromise<void> {
    const action = result.passed ? 'call_allowed' : 'call_would_deny'
    const told = toldBy(result, result.source, false)
    return this.#emit(AuditRecord.observed(this.#facts, action, this.#deps.clock.now(), told))
  }

  #emit(record: AuditRecord): MaybePromise<void> {
    const { telemetry, auditSink } = this.#deps
    if (telemetry !== null) telemetry.evaluationSpan(record.event)
    return auditSink.emitRecord ? auditSink.emitRecord(record) : auditSink.emit(record.event)
  }
}
