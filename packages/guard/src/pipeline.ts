import {
  type PreDecision as ContractDecision,
  type Counters,
  checkAttemptLimit,
  compileGlob,
  type DecideContext,
  decidePost,
  decidePostAsync,
  decidePre,
  decidePreAsync,
  type Envelope,
  judgeChunks,
  marksBeforeReading,
  type PostDecision,
} from '@lictor/contracts'
import type { HookRecord } from './audit/event.ts'
import { type AfterHook, type BeforeHook, type HookRegistration, hookApplies, hookName } from './hooks.ts'
import { errorText, type Logger } from './logger.ts'
import { isPromise, type MaybePromise } from './maybe-promise.ts'
import type { ExecutionBounds } from './reservations.ts'
import type { Session, SessionCounters } from './session.ts'
import type { GuardState } from './state.ts'
import type { StreamJudges } from './streamed-output.ts'

/** What the whole pipeline before a call decided: the contracts' word and the hooks that ran. */
export interface PreDecision extends ContractDecision {
  readonly hooksEvaluated: readonly HookRecord[]
}

export type { PostDecision }

interface Matched<Hook> {
  readonly hook: Hook
  readonly matches: (tool: string) => boolean
}

export interface PipelineOptions {
  readonly hooks?: readonly HookRegistration[]
  readonly logger: Logger
  readonly context: DecideContext
}

/** Before anything was decided. */
export const UNDECIDED: PreDecision = Object.freeze({
  action: 'deny',
  reason: null,
  decisionSource: null,
  decisionName: null,
  contractsEvaluated: [],
  observed: false,
  policyError: false,
  observeResults: [],
  approvalTimeout: 300,
  approvalTimeoutEffect: 'deny',
  approvalMessage: null,
  hooksEvaluated: [],
})

/** Of an output that is judged as it is read: nothing is known yet. */
export const READ_LATER: PostDecision = Object.freeze({
  toolSuccess: true,
  postconditionsPassed: true,
  warnings: [],
  contractsEvaluated: [],
  policyError: false,
  redactedResponse: null,
  replacement: null,
  outputSuppressed: false,
  marks: [],
})

/** The same, of which something is remembered before it is read. */
export function readLater(marks: readonly string[]): PostDecision {
  return marks.length === 0 ? READ_LATER : { ...READ_LATER, marks }
}

export function isReadLater(post: PostDecision): boolean {
  return post.contractsEvaluated === READ_LATER.contractsEvaluated
}

/** The denial of a call that was allowed by the counters as they were read, and for which no execution is left. */
export function limitReached(pre: PreDecision, counters: SessionCounters): PreDecision {
  return {
    ...pre,
    action: 'deny',
    reason: `Execution limit reached: ${counters.executions} calls of this session have run or are running`,
    decisionSource: 'operation_limit',
    decisionName: 'max_tool_calls',
  }
}

const NO_MARKS: readonly string[] = Object.freeze([])
const NO_HOOKS: readonly HookRecord[] = Object.freeze([])

/**
 * The stages around a call . It decides and never stores, sends or throws of its own
 * accord; whoever called it acts. It answers at once unless a check or hook takes its time.
 */
export class GovernancePipeline {
  readonly #before: readonly Matched<BeforeHook>[]
  readonly #after: readonly Matched<AfterHook>[]
  readonly #logger: Logger
  readonly #context: DecideContext
  #lastDecision: ContractDecision = UNDECIDED
  #lastAnswer: PreDecision = UNDECIDED

  constructor(options: PipelineOptions) {
    const hooks = options.hooks ?? []
    this.#before = hooks.filter((hook) => hook.phase === 'before').map(withMatcher)
    this.#after = hooks.filter((hook) => hook.phase === 'after').map(withMatcher)
    this.#logger = options.logger
    this.#context = options.context
  }

  /** The tool whose execution counter a decision needs, or null when no limit asks for one. */
  counterTool(state: GuardState, toolName: string): string | null {
    return state.policy.toolLimitFor(toolName) === null ? null : toolName
  }

  /** What a decision needs to know of the session's past; empty for nearly every call. */
  marks(state: GuardState, toolName: string): readonly string[] {
    return state.asksForPast ? state.policy.marksFor(toolName) : NO_MARKS
  }

  /** What the session is to remember of a call before its output is read piece by piece. */
  marksBeforeReading(state: GuardState, envelope: Envelope): readonly string[] {
    return marksBeforeReading(state.policy, envelope, this.#context)
  }

  /** What bounds a call of this tool, for its session to reserve under. */
  bounds(state: GuardState, toolName: string): ExecutionBounds {
    const { limits } = state.policy
    return { limits, toolLimit: limits.maxCallsPerTool.get(toolName) ?? null }
  }

  /** Judging has no effects and takes no time: it may be done once more than needed. */
  isPure(state: GuardState): boolean {
    return this.#before.length === 0 && !state.asynchronous
  }

  preExecute(state: GuardState, envelope: Envelope, session: Session, counters: Counters): MaybePromise<PreDecision> {
    if (this.isPure(state)) {
      return this.#withoutHooks(decidePre(state.policy, envelope, counters, this.#context))
    }
    return this.#preExecuteLater(state, envelope, session, counters)
  }

  /** A policy allows most calls of a tool by one and the same frozen decision, and so does the pipeline. */
  #withoutHooks(decision: ContractDecision): PreDecision {
    if (decision === this.#lastDecision) return this.#lastAnswer
    const answer = withHooks(decision, NO_HOOKS)
    if (Object.isFrozen(decision)) {
      this.#lastDecision = decision
      this.#lastAnswer = Object.freeze(answer)
    }
    return answer
  }

  async #preExecuteLater(
    state: GuardState,
    envelope: Envelope,
    session: Session,
    counters: Counters,
  ): Promise<PreDecision> {
    const exhausted = checkAttemptLimit(state.policy, counters)
    if (exhausted) return withHooks(exhausted, NO_HOOKS)
    const records: HookRecord[] = []
    for (const { hook, matches } of this.#before) {
      if (!hookApplies(hook, matches, envelope)) continue
      const record = await this.#runBefore(hook, envelope)
      records.push(record)
      if (record.result === 'deny') return hookDenial(records, record)
    }
    const context = { ...this.#context, session }
    const decision = state.asynchronous
      ? await decidePreAsync(state.policy, envelope, counters, context)
      : decidePre(state.policy, envelope, counters, context)
    return withHooks(decision, records)
  }

  /**
   * What the contracts say of a call that was judged before: its attempt is counted and its hooks have run. Contracts a
   * human has approved it for ask no more.
   */
  judgeAgain(
    state: GuardState,
    envelope: Envelope,
    session: Session,
    counters: Counters,
    hooksEvaluated: readonly HookRecord[],
    approved: ReadonlySet<string>,
  ): MaybePromise<PreDecision> {
    const context = { ...this.#context, session, approved }
    if (!state.asynchronous) return withHooks(decidePre(state.policy, envelope, counters, context), hooksEvaluated)
    return decidePreAsync(state.policy, envelope, counters, context).then((pre) => withHooks(pre, hooksEvaluated))
  }

  /** Whether a contract or a hook looks at what this tool returns. */
  judgesOutput(state: GuardState, toolName: string): boolean {
    const { post, postCandidates } = state.policy.planFor(toolName)
    return post.length > 0 || postCandidates.length > 0 || this.#after.length > 0
  }

  /** What judges an output that comes piece by piece; null when no contract judges it. */
  streamJudges(state: GuardState, envelope: Envelope, ended: (decision: PostDecision) => void): StreamJudges | null {
    const text = judgeChunks(state.policy, envelope, this.#context)
    if (text === null) return null
    return { text, ended, value: (value) => decidePost(state.policy, envelope, value, true, this.#context) }
  }

  /** `decided` is given for an output that is judged as it is read. */
  postExecute(
    state: GuardState,
    envelope: Envelope,
    response: unknown,
    toolSuccess: boolean,
    decided: PostDecision | null = null,
  ): MaybePromise<PostDecision> {
    if (this.#after.length === 0 && (decided !== null || !state.asynchronous)) {
      return decided ?? decidePost(state.policy, envelope, response, toolSuccess, this.#context)
    }
    return this.#postExecuteLater(state, envelope, response, toolSuccess, decided)
  }

  async #postExecuteLater(
    state: GuardState,
    envelope: Envelope,
    response: unknown,
    toolSuccess: boolean,
    decided: PostDecision | null,
  ): Promise<PostDecision> {
    const judge = () =>
      state.asynchronous
        ? decidePostAsync(state.policy, envelope, response, toolSuccess, this.#context)
        : decidePost(state.policy, envelope, response, toolSuccess, this.#context)
    const decision = decided ?? (await judge())
    for (const { hook, matches } of this.#after) {
      if (!hookApplies(hook, matches, envelope)) continue
      try {
        await hook.callback(envelope, response)
      } catch (error) {
        this.#logger.warn(`after-hook ${hookName(hook)} threw: ${errorText(error)}`)
      }
    }
    return decision
  }

  async #runBefore(hook: BeforeHook, envelope: Envelope): Promise<HookRecord> {
    const name = hookName(hook)
    try {
      const answer: unknown = hook.callback(envelope)
      const decision = (isPromise(answer) ? await answer : answer) as { result?: unknown; reason?: unknown } | null
      if (decision?.result === 'allow') return { name, result: 'allow', reason: null }
      if (decision?.result === 'deny') return { name, result: 'deny', reason: String(decision.reason ?? '') }
      return { name, result: 'deny', reason: 'Hook error: the callback returned no HookDecision' }
    } catch (error) {
      return { name, result: 'deny', reason: `Hook error: ${errorText(error)}` }
    }
  }
}

function withMatcher<Hook extends HookRegistration>(hook: Hook): Matched<Hook> {
  return { hook, matches: compileGlob(hook.tool) }
}

function withHooks(decision: ContractDecision, hooksEvaluated: readonly HookRecord[]): PreDecision {
  return {
    action: decision.action,
    reason: decision.reason,
    decisionSource: decision.decisionSource,
    decisionName: decision.decisionName,
    contractsEvaluated: decision.contractsEvaluated,
    observed: decision.observed,
    policyError: decision.policyError,
    observeResults: decision.observeResults,
    approvalTimeout: decision.approvalTimeout,
    approvalTimeoutEffect: decision.approvalTimeoutEffect,
    approvalMessage: decision.approvalMessage,
    hooksEvaluated,
  }
}

function hookDenial(hooksEvaluated: readonly HookRecord[], record: HookRecord): PreDecision {
  return {
    ...UNDECIDED,
    reason: record.reason,
    decisionSource: 'hook',
    decisionName: record.name,
    policyError: record.reason?.includes('Hook error:') ?? false,
    hooksEvaluated,
  }
}
