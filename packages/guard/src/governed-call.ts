import {
  type Counters,
  DEFAULT_TIMEOUT,
  type Envelope,
  type Mode,
  type PostDecision,
  pastOfMarks,
} from '@lictor/contracts'
import type { ApprovalBackend } from './approvals.ts'
import { type Answer, askHuman, closesCall, type Question } from './asking.ts'
import type { ApprovalRecord, AuditAction } from './audit/event.ts'
import { type AuditDependencies, CallAudit } from './call-audit.ts'
import { denied, failureOf, type Stage } from './call-failure.ts'
import { CallTelemetry } from './call-telemetry.ts'
import { EdictumDenied, EdictumPending } from './errors.ts'
import { type GateDecision, type GateEvent, MAX_APPROVAL_ROUNDS, type SessionGates } from './gates.ts'
import { errorText, type Logger } from './logger.ts'
import { isPromise, type MaybePromise } from './maybe-promise.ts'
import { askOrRecall } from './open-question.ts'
import type { EdictumOptions, SuccessCheck } from './options.ts'
import { judgeOutcome, type ToolOutcome, toolError } from './outcome.ts'
import { type GovernancePipeline, type PreDecision, readLater, UNDECIDED } from './pipeline.ts'
import { Place } from './place.ts'
import type { Reserved } from './reservations.ts'
import { NO_COUNTERS, type Session, type SessionCounters } from './session.ts'
import type { GuardState } from './state.ts'
import { judgedAsRead, type StreamJudges } from './streamed-output.ts'

/** What a call is governed by at one moment. */
export interface Governing {
  readonly state: GuardState
  readonly mode: Mode
  readonly gates: SessionGates | null
}

/** What a guard lends to each of its calls. */
export interface CallDependencies extends AuditDependencies {
  readonly pipeline: GovernancePipeline
  /** What is in force at this moment: a call that waited for a human is judged again by it. */
  readonly governing: () => Governing
  readonly approvalBackend: ApprovalBackend | null
  readonly onDeny: EdictumOptions['onDeny'] | null
  readonly onAllow: EdictumOptions['onAllow'] | null
  readonly successCheck: SuccessCheck
  readonly logger: Logger
}

/** Who decides where the gates do. */
const GATES = 'workflow'
const NOTHING_APPROVED: ReadonlySet<string> = new Set()

/**
 * One tool call under contract, in two steps: `authorize` before the tool, `complete` after it. `run` does both; who
 * executes tools elsewhere (an adapter, a sandbox) calls them around its own execution. Both answer at once when everything
 * they need does.
 *
 * The order before the tool: count the attempt, judge, ask a human where a contract says so, judge again by what is then in
 * force, reserve the execution, use the approval up. A call that waits for a human holds no reservation. Every attempt
 * leaves exactly one closing event, whatever ends it.
 */
export class GovernedCall {
  readonly envelope: Envelope
  readonly #session: Session
  readonly #place: Place
  readonly #deps: CallDependencies
  readonly #telemetry: CallTelemetry | null
  readonly #audit: CallAudit
  readonly #signal: AbortSignal | undefined
  readonly #isDurable: boolean
  #state: GuardState
  #mode: Mode
  #gates: SessionGates | null
  #attempts = 0
  #executions = 0
  #startedAt = 0
  #recordedAt = 0
  /** What of the session's past the contracts ask for; null where none asks. */
  #past: ReadonlySet<string> | null = null
  /** The counters, where they were read at once and judged at once. */
  #read: SessionCounters | null = null
  #stage: Stage = 'counting'
  #judged: PreDecision = UNDECIDED
  /** The stage in which the gates allowed the call; null where there are none. */
  #stageId: string | null = null
  #completedStages: readonly GateEvent[] = []
  #closed = false

  constructor(
    envelope: Envelope,
    session: Session,
    { state, mode, gates }: Governing,
    deps: CallDependencies,
    signal?: AbortSignal,
    isDurable = false,
  ) {
    this.envelope = envelope
    this.#session = session
    this.#place = new Place(session, envelope.toolName, deps)
    this.#state = state
    this.#mode = mode
    this.#gates = gates
    this.#deps = deps
    this.#signal = signal
    this.#isDurable = isDurable
    this.#audit = new CallAudit(envelope, state.policyVersion, mode, deps)
    const { telemetry } = deps
    this.#telemetry = telemetry === null ? null : new CallTelemetry(telemetry, envelope, state.policyVersion)
  }

  /** Whether any contract looks at what the tool returns: until it has, nothing of it may be shown. */
  get judgesOutput(): boolean {
    return this.#deps.pipeline.judgesOutput(this.#state, this.envelope.toolName)
  }

  /**
   * Counts the attempt, decides, asks a human where a contract says so, reserves the execution, and records what was decided.
   * @throws EdictumDenied when the call must not run, the signal's reason when it was taken back, and whatever storage,
   * sinks or the approval backend throw: any of it means that the tool must not run.
   */
  authorize(): MaybePromise<void> {
    try {
      const pending = this.#authorize()
      if (isPromise(pending)) return pending.catch((error: unknown) => this.#abandon(error))
    } catch (error) {
      return this.#abandon(error)
    }
  }

  /**
   * For frameworks that want to know whether a call needs approval before they make it. Judges, and where a person has to be
   * asked puts the question of a durable call, unless it is put already. Counts nothing: the call is made when the run goes on.
   * @returns the question while nothing is decided; null where nobody has to be asked, or an answer is there
   * @throws what keeps the question from being put; the call itself, made later, is refused for the same cause
   */
  async askAhead(): Promise<EdictumPending | null> {
    this.#signal?.throwIfAborted()
    const { approvalBackend } = this.#deps
    const gates = this.#gates
    if (this.#state.asksForPast) await this.#readPast()
    let pre = await this.#judge(await this.#session.nextAttempt(this.#counterTool()))
    if (gates && pre.action !== 'deny') pre = await this.#atGates(pre, gates)
    if (pre.action !== 'pending_approval' || approvalBackend === null) return null
    let isPut = false
    const question = this.#question(approvalBackend, pre, () => {
      isPut = true
    })
    try {
      await askOrRecall(question, this.#session)
      return null
    } catch (error) {
      if (!(error instanceof EdictumPending)) throw error
      this.#judged = pre
      if (isPut) await this.#emit('call_cancelled', { ...pre, reason: `Cancelled: ${error.message}` })
      this.#telemetry?.end()
      return error
    }
  }

  /**
   * Judges and records how the tool ended.
   * @returns what the caller may see: the result, or the text that replaces it
   * @throws EdictumToolError when the tool failed
   */
  complete(outcome: ToolOutcome): MaybePromise<unknown> {
    this.#place.toolEnded()
    try {
      const result = this.#complete(outcome)
      if (!isPromise(result)) {
        this.#telemetry?.end()
        return result
      }
      return result.finally(() => this.#telemetry?.end())
    } catch (error) {
      this.#telemetry?.end()
      throw error
    }
  }

  /** The tool of this authorized call will not run: gives its reservation back, and records that. */
  async cancel(reason: string): Promise<void> {
    if (this.#closed) return
    this.#place.giveBack()
    try {
      await this.#emit('call_cancelled', { ...this.#judged, reason })
    } finally {
      this.#telemetry?.end()
    }
  }

  #authorize(): MaybePromise<void> {
    this.#signal?.throwIfAborted()
    if (this.#past === null && this.#state.asksForPast) {
      const read = this.#readPast()
      if (isPromise(read)) return read.then(() => this.#countAndJudge())
    }
    return this.#countAndJudge()
  }

  /** What came before in the session, where a contract asks for it. */
  #readPast(): MaybePromise<void> {
    const marks = this.#deps.pipeline.marks(this.#state, this.envelope.toolName)
    if (marks.length === 0) {
      this.#past = null
      return
    }
    const read = this.#session.readMarks(marks)
    return isPromise(read) ? read.then((past) => this.#remember(past)) : this.#remember(read)
  }

  #remember(past: ReadonlySet<string>): void {
    this.#past = past
    this.#audit.after(pastOfMarks(past))
  }

  #countAndJudge(): MaybePromise<void> {
    const { pipeline } = this.#deps
    // At gates a human may be asked although every contract allows the call, and while one is asked nothing is reserved.
    if (!this.#session.answersAtOnce && pipeline.isPure(this.#state) && !this.#gates) return this.#reserveAhead()
    const counters = this.#session.beginAttempt(this.#counterTool())
    if (!isPromise(counters) && pipeline.isPure(this.#state)) this.#read = counters
    const decision = isPromise(counters) ? counters.then((read) => this.#judge(read)) : this.#judge(counters)
    return isPromise(decision) ? decision.then((pre) => this.#act(pre)) : this.#act(decision)
  }

  /** Where counters live elsewhere, one exchange counts the attempt, reads them and reserves; judging first costs nothing. */
  async #reserveAhead(): Promise<void> {
    const { logger } = this.#deps
    const preview = await this.#judge(NO_COUNTERS)
    if (preview.action === 'allow') {
      const reserved = await this.#reserve(null)
      const pre = await this.#judge(reserved.counters)
      return this.#act(reserved.lease === null && this.#mode !== 'observe' ? denied(pre, reserved) : pre)
    }
    let counters: SessionCounters
    try {
      counters = await this.#session.beginAttempt(this.#counterTool())
    } catch (error) {
      if (preview.action !== 'deny' || this.#mode === 'observe') throw error
      // It does not run either way; the contract's own word says more than the lost connection.
      logger.warn(`the attempt of a denied call could not be counted: ${errorText(error)}`)
      return this.#act(preview)
    }
    return this.#act(await this.#judge(counters))
  }

  #counterTool(): string | null {
    return this.#deps.pipeline.counterTool(this.#state, this.envelope.toolName)
  }

  #judge(counters: SessionCounters): MaybePromise<PreDecision> {
    this.#attempts = counters.attempts
    this.#executions = counters.executions
    return this.#deps.pipeline.preExecute(this.#state, this.envelope, this.#session, this.#known(counters))
  }

  #known(counters: SessionCounters): Counters {
    return this.#past === null ? counters : { ...counters, past: this.#past }
  }

  #act(pre: PreDecision): MaybePromise<void> {
    this.#judged = pre
    if (pre.action === 'deny') return this.#deny(pre)
    if (this.#gates) return this.#actAtGates(pre, this.#gates)
    return this.#actJudged(pre)
  }

  #actJudged(pre: PreDecision): MaybePromise<void> {
    if (pre.action === 'pending_approval') return this.#askHuman(pre)
    if (!this.#place.isTaken) {
      if (this.#takeAtOnce()) return this.#allow(pre)
      const reserved = this.#reserve(this.#counters())
      if (isPromise(reserved)) return reserved.then((taken) => this.#actReserved(pre, taken))
      return this.#actReserved(pre, reserved)
    }
    return this.#allow(pre)
  }

  async #actAtGates(pre: PreDecision, gates: SessionGates): Promise<void> {
    const judged = await this.#atGates(pre, gates)
    return judged.action === 'deny' ? this.#deny(judged) : this.#actJudged(judged)
  }

  /** What the gates say of a call that nothing has denied; their question comes after that of a contract. */
  async #atGates(pre: PreDecision, gates: SessionGates): Promise<PreDecision> {
    const decision = await gates.judge(this.#session, this.envelope)
    for (const advance of decision.advances) await this.#audit.gate(advance, this.#attempts, this.#executions)
    if (decision.status !== null) this.#audit.atGates(decision.status)
    this.#stageId = decision.action === 'deny' ? null : decision.stageId
    this.#completedStages = decision.completed
    this.#judged = withGates(pre, decision)
    return this.#judged
  }

  #actReserved(pre: PreDecision, reserved: Reserved): MaybePromise<void> {
    if (reserved.lease !== null) return this.#allow(pre)
    const again = this.#judgeAgain(reserved.counters, NOTHING_APPROVED)
    return isPromise(again)
      ? again.then((decision) => this.#deny(denied(decision, reserved)))
      : this.#deny(denied(again, reserved))
  }

  #allow(pre: PreDecision): MaybePromise<void> {
    if (pre.observed || pre.observeResults.length > 0) return this.#allowObserved(pre)
    const emitted = this.#emit('call_allowed', pre)
    if (isPromise(emitted)) return emitted.then(() => this.#allowed('allowed'))
    // Nothing was waited for: the tool starts in the very moment that was recorded.
    this.#allowed('allowed', this.#recordedAt)
  }

  /** The shortest way to a place: nothing was waited for since the counters were read, and there is room. */
  #takeAtOnce(): boolean {
    const read = this.#read
    if (read === null || this.#mode === 'observe') return false
    return this.#place.takeAtOnce(this.#state.policy.limits, read)
  }

  #counters(): SessionCounters {
    return { attempts: this.#attempts, executions: this.#executions, toolExecutions: 0 }
  }

  /** A guard that observes lets nothing be refused by a limit, and still counts what runs. */
  #reserve(known: SessionCounters | null): MaybePromise<Reserved> {
    this.#stage = 'counting'
    const { pipeline } = this.#deps
    const bounds = this.#mode === 'observe' ? null : pipeline.bounds(this.#state, this.envelope.toolName)
    const reserved = this.#place.reserve({ readTool: this.#counterTool() !== null, bounds }, known)
    return isPromise(reserved) ? reserved.then((taken) => this.#reserved(taken)) : this.#reserved(reserved)
  }

  #reserved(reserved: Reserved): Reserved {
    this.#executions = reserved.counters.executions
    return reserved
  }

  #judgeAgain(counters: SessionCounters, approved: ReadonlySet<string>): MaybePromise<PreDecision> {
    const { pipeline } = this.#deps
    const { hooksEvaluated } = this.#judged
    const known = this.#known(counters)
    return pipeline.judgeAgain(this.#state, this.envelope, this.#session, known, hooksEvaluated, approved)
  }

  async #deny(pre: PreDecision): Promise<void> {
    this.#judged = pre
    if (this.#mode === 'observe') {
      await this.#emit('call_would_deny', pre)
      this.#telemetry?.wouldDeny(pre.reason ?? '')
      if (!this.#place.isTaken) await this.#reserve(this.#counters())
      this.#start(this.#deps.clock.now())
      return
    }
    this.#place.giveBack()
    await this.#emit('call_denied', pre)
    this.#refuse(pre.reason ?? '', pre)
  }

  async #allowObserved(pre: PreDecision): Promise<void> {
    for (const record of pre.contractsEvaluated) {
      if (record.observed && !record.passed) await this.#audit.observed(record, pre.policyError)
    }
    await this.#emit('call_allowed', pre)
    this.#allowed('allowed')
    for (const candidate of pre.observeResults) await this.#audit.candidate(candidate)
  }

  /** Asks until no contract in force has a question left, then runs by what a human approved. */
  async #askHuman(first: PreDecision): Promise<void> {
    const { approvalBackend, governing } = this.#deps
    if (approvalBackend === null) {
      const reason = `Approval required but no approval backend configured: ${first.approvalMessage ?? first.reason ?? ''}`
      return this.#deny({ ...first, reason })
    }
    const approved = new Set<string>()
    const granted: { readonly pre: PreDecision; readonly approval: ApprovalRecord }[] = []
    for (let pre = first; pre.action === 'pending_approval'; ) {
      if (granted.length >= MAX_APPROVAL_ROUNDS)
        throw new Error(`more than ${MAX_APPROVAL_ROUNDS} approvals for one call`)
      const answer = await this.#ask(approvalBackend, pre)
      granted.push({ pre, approval: answer.approval })
      // One question covers every contract that asked when it was put.
      for (const { name, type, passed, observed } of pre.contractsEvaluated)
        if (!passed && !observed && type !== 'workflow_gate') approved.add(name)
      const { decisionName } = pre
      if (pre.decisionSource !== GATES) {
        if (decisionName !== null) approved.add(decisionName)
      } else if (decisionName !== null) await this.#gates?.approve(this.#session, decisionName)
      const { state, mode, gates } = governing()
      this.#state = state
      this.#mode = mode
      this.#gates = gates
      this.#audit.judgedUnder(state.policyVersion, mode)
      // Other calls may have gone on while a human thought.
      if (state.asksForPast || this.#past !== null) await this.#readPast()
      pre = await this.#judgeAgain(this.#counters(), approved)
      this.#judged = pre
      if (gates && pre.action !== 'deny') pre = await this.#atGates(pre, gates)
    }
    const consumeAll = async (): Promise<void> => {
      for (const { pre, approval } of granted) await this.#consume(approvalBackend, pre, approval)
    }
    if (this.#judged.action === 'deny') {
      await this.#deny(this.#judged)
      return consumeAll()
    }
    const reserved = await this.#reserve(this.#counters())
    if (reserved.lease === null)
      return this.#deny(denied(await this.#judgeAgain(reserved.counters, approved), reserved))
    await consumeAll()
    // What a person agreed to was the end of a stage; that the call may run in the next one is told of its own.
    if (granted.some(({ pre }) => pre.decisionSource === GATES)) await this.#emit('call_allowed', this.#judged)
    this.#allowed('approved')
  }

  async #ask(approvalBackend: ApprovalBackend, pre: PreDecision): Promise<Answer> {
    this.#stage = 'asking'
    const question = this.#question(approvalBackend, pre)
    const answer = await (this.#isDurable ? askOrRecall(question, this.#session) : askHuman(question))
    this.#audit.byApproval(answer.approval)
    this.#closed = answer.kind === 'refused'
    await this.#emit(answer.action, pre)
    if (answer.kind === 'refused') return this.#refuse(answer.reason ?? '', pre)
    return answer
  }

  #question(approvalBackend: ApprovalBackend, pre: PreDecision, put?: () => void): Question {
    return {
      approvalBackend,
      envelope: this.envelope,
      pre,
      policyVersion: this.#state.policyVersion,
      signal: this.#signal,
      logger: this.#deps.logger,
      requested: async (approval) => {
        this.#audit.byApproval(approval)
        await this.#emit('call_approval_requested', pre)
        this.#stage = 'asking'
        put?.()
      },
    }
  }

  async #consume(approvalBackend: ApprovalBackend, pre: PreDecision, approval: ApprovalRecord): Promise<void> {
    if (approval.actionDigest === null || !approvalBackend.consume) return
    this.#stage = 'asking'
    try {
      await approvalBackend.consume(approval.id, approval.actionDigest)
    } catch (error) {
      this.#place.giveBack()
      const reason = `The approval could not be used: ${errorText(error)}`
      await this.#emit('call_approval_failed', { ...pre, reason })
      this.#refuse(reason, pre, error)
    }
  }

  #allowed(action: 'allowed' | 'approved', at: number = this.#deps.clock.now()): void {
    this.#signal?.throwIfAborted()
    const { onAllow } = this.#deps
    this.#telemetry?.allowed(action)
    if (onAllow) this.#callback('onAllow', () => onAllow(this.envelope))
    this.#start(at)
  }

  #start(at: number): void {
    this.#place.keep()
    this.#startedAt = at
  }

  #refuse(reason: string, pre: PreDecision, cause?: unknown): never {
    const { onDeny } = this.#deps
    if (onDeny) this.#callback('onDeny', () => onDeny(this.envelope, reason, pre.decisionName))
    this.#telemetry?.denied(reason)
    const denial = new EdictumDenied(reason, pre.decisionSource, pre.decisionName)
    if (cause !== undefined) denial.cause = cause
    throw denial
  }

  /** What ends a call that no decision ended: its reservation is given back and its closing event written. */
  #abandon(error: unknown): MaybePromise<never> {
    if (!this.#closed) return this.#closeFailed(error)
    this.#place.giveBack()
    if (!(error instanceof EdictumDenied)) this.#telemetry?.failed(errorText(error))
    this.#telemetry?.end()
    throw error
  }

  async #closeFailed(error: unknown): Promise<never> {
    this.#place.giveBack()
    const wasCancelled = this.#signal?.aborted ?? false
    const thrown = wasCancelled ? this.#signal?.reason : error
    const { action, pre } =
      wasCancelled || thrown instanceof EdictumPending
        ? { action: 'call_cancelled' as const, pre: { ...this.#judged, reason: `Cancelled: ${errorText(thrown)}` } }
        : failureOf(this.#stage, this.#judged, error)
    try {
      await this.#emit(action, pre)
    } catch (failure) {
      // The first failure is what the caller must hear of; a sink that fails is most often the very one that failed.
      this.#deps.logger.warn(`${this.envelope.toolName}: the closing event was not taken: ${errorText(failure)}`)
    }
    this.#telemetry?.failed(errorText(thrown))
    this.#telemetry?.end()
    throw thrown
  }

  #complete(outcome: ToolOutcome): MaybePromise<unknown> {
    const { pipeline, clock, successCheck } = this.#deps
    const durationMs = Math.max(0, clock.now() - this.#startedAt)
    const { response: answer, success, failure } = judgeOutcome(this.envelope, outcome, successCheck)
    const streamed = success && typeof answer === 'object' ? judgedAsRead(answer, () => this.#streamJudges()) : null
    const response = streamed === null ? answer : streamed.output
    const decided = streamed === null ? null : readLater(pipeline.marksBeforeReading(this.#state, this.envelope))
    const post = pipeline.postExecute(this.#state, this.envelope, response, success, decided)
    return isPromise(post)
      ? post.then((decision) => this.#record(decision, response, failure, durationMs))
      : this.#record(post, response, failure, durationMs)
  }

  #streamJudges(): StreamJudges | null {
    return this.#deps.pipeline.streamJudges(this.#state, this.envelope, (decision) => this.#endedReading(decision))
  }

  /** The call was closed when its tool returned; what its output turned out to hold is told when it has been read. */
  #endedReading(decision: PostDecision): void {
    const { logger } = this.#deps
    for (const warning of decision.warnings) logger.warn(`${this.envelope.toolName}: ${warning}`)
    const fired = decision.contractsEvaluated.find((record) => !record.passed)
    if (fired === undefined) return
    const failed = (error: unknown) => logger.warn(`${this.envelope.toolName}: ${errorText(error)}`)
    try {
      const emitted = this.#audit.read(decision, fired, this.#attempts, this.#executions)
      if (isPromise(emitted)) emitted.catch(failed)
    } catch (error) {
      failed(error)
    }
  }

  #record(post: PostDecision, response: unknown, failure: unknown, durationMs: number): MaybePromise<unknown> {
    let recorded: MaybePromise<number>
    try {
      recorded = this.#count(post)
    } catch (error) {
      recorded = Promise.reject(error)
    }
    const gates = this.#gates
    if (gates && post.toolSuccess && this.#stageId !== null) recorded = this.#recordAtGates(recorded, gates, response)
    if (isPromise(recorded)) return this.#recordLater(recorded, post, response, failure, durationMs)
    this.#executions = recorded
    const emitted = this.#emitPost(post, failure, durationMs)
    return isPromise(emitted)
      ? emitted.then(() => this.#settle(post, response, failure))
      : this.#settle(post, response, failure)
  }

  /** What has run is evidence for the gates, and told with the event of its end. */
  async #recordAtGates(counted: MaybePromise<number>, gates: SessionGates, response: unknown): Promise<number> {
    const executions = await counted
    const recorded = await gates.record(this.#session, this.#stageId ?? '', this.envelope, response)
    this.#audit.atGates(recorded.status)
    this.#completedStages = [...this.#completedStages, ...recorded.completed]
    return executions
  }

  /** Counts the execution, and has the session remember what it must before anybody sees what the tool returned. */
  #count({ toolSuccess, marks }: PostDecision): MaybePromise<number> {
    const counted = this.#place.count(toolSuccess)
    if (marks.length === 0) return counted
    if (isPromise(counted)) return this.#countAndMark(counted, marks)
    const put = this.#session.putMarks(marks)
    return isPromise(put) ? put.then(() => counted) : counted
  }

  async #countAndMark(counted: Promise<number>, marks: readonly string[]): Promise<number> {
    const put = async () => this.#session.putMarks(marks)
    const [count] = await Promise.all([counted, put()])
    return count
  }

  async #recordLater(
    recorded: Promise<number>,
    post: PostDecision,
    response: unknown,
    failure: unknown,
    durationMs: number,
  ): Promise<unknown> {
    let storageFailure: unknown = null
    try {
      this.#executions = await recorded
    } catch (error) {
      storageFailure = error ?? new Error('the storage backend failed')
    }
    // The tool has run: that is told whatever becomes of the counters.
    await this.#emitPost(post, failure, durationMs)
    for (const event of this.#completedStages) await this.#audit.gate(event, this.#attempts, this.#executions)
    if (storageFailure !== null) throw storageFailure
    return this.#settle(post, response, failure)
  }

  #settle(post: PostDecision, response: unknown, failure: unknown): unknown {
    for (const warning of post.warnings) this.#deps.logger.warn(`${this.envelope.toolName}: ${warning}`)
    this.#telemetry?.toolEnded(post)
    if (post.toolSuccess) return post.replacement === null ? response : post.replacement.value
    const error = toolError(post, response, failure)
    this.#telemetry?.failed(error.message)
    throw error
  }

  #emit(action: AuditAction, pre: PreDecision): MaybePromise<void> {
    this.#stage = 'recording'
    if (closesCall(action)) this.#closed = true
    const now = this.#deps.clock.now()
    this.#recordedAt = now
    return this.#audit.decided(action, now, pre, this.#attempts, this.#executions)
  }

  #emitPost(post: PostDecision, failure: unknown, durationMs: number): MaybePromise<void> {
    const error = failure === undefined ? null : errorText(failure)
    this.#closed = true
    // The tool ended when its time was taken.
    const at = this.#startedAt + durationMs
    return this.#audit.ended(post, error, at, durationMs, this.#attempts, this.#executions)
  }

  #callback(name: string, call: () => unknown): void {
    const failed = (error: unknown) => this.#deps.logger.warn(`${name} threw: ${errorText(error)}`)
    try {
      const answer = call()
      if (isPromise(answer)) answer.catch(failed)
    } catch (error) {
      failed(error)
    }
  }
}

/** One decision of the contracts and of the gates behind them. */
function withGates(pre: PreDecision, gates: GateDecision): PreDecision {
  const told = {
    ...pre,
    contractsEvaluated: [...pre.contractsEvaluated, ...gates.records],
    policyError: pre.policyError || gates.policyError,
  }
  if (gates.action === 'allow' || (gates.action === 'pending_approval' && pre.action === 'pending_approval'))
    return told
  return {
    ...told,
    action: gates.action,
    reason: gates.reason,
    decisionSource: GATES,
    decisionName: gates.stageId,
    approvalMessage: gates.reason,
    approvalTimeout: DEFAULT_TIMEOUT,
    approvalTimeoutEffect: 'deny',
  }
}
