import {
  type PreDecision as ContractDecision,
  checkAttemptLimit,
  compileGlob,
  type DecideContext,
  decidePost,
  decidePostAsync,
  decidePre,
  decidePreAsync,
  type Envelope,
  type PostDecision,
} from '@lictor/contracts'
import type { HookRecord } from './audit/event.ts'
import { type AfterHook, type BeforeHook, type HookRegistration, hookApplies, hookName } from './hooks.ts'
import { errorText, type Logger } from './logger.ts'
import { isPromise, type MaybePromise } from './maybe-promise.ts'
import type { Session, SessionCounters } from './session.ts'
import type { GuardState } from './state.ts'

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

const NO_HOOKS: readonly HookRecord[] = Object.freeze([])

/**
 * The stages around a call (contract-language §12 and §13). It decides and never stores, sends or throws of its own
 * accord; whoever called it acts. It answers at once unless a check or hook takes its time.
 */
export class GovernancePipeline {
  readonly #before: readonly Matched<BeforeHook>[]
  readonly #after: readonly Matched<AfterHook>[]
  readonly #logger: Logger
  readonly #context: DecideContext

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

  preExecute(
    state: GuardState,
    envelope: Envelope,
    session: Session,
    counters: SessionCounters,
  ): MaybePromise<PreDecision> {
    if (this.#before.length === 0 && !state.asynchronous) {
      return withHooks(decidePre(state.policy, envelope, counters, this.#context), NO_HOOKS)
    }
    return this.#preExecuteLater(state, envelope, session, counters)
  }

  async #preExecuteLater(
    state: GuardState,
    envelope: Envelope,
    session: Session,
    counters: SessionCounters,
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

  postExecute(
    state: GuardState,
    envelope: Envelope,
    response: unknown,
    toolSuccess: boolean,
  ): MaybePromise<PostDecision> {
    if (this.#after.length === 0 && !state.asynchronous) {
      return decidePost(state.policy, envelope, response, toolSuccess, this.#context)
    }
    return this.#postExecuteLater(state, envelope, response, toolSuccess)
  }

  async #postExecuteLater(
    state: GuardState,
    envelope: Envelope,
    response: unknown,
    toolSuccess: boolean,
  ): Promise<PostDecision> {
    const decision = state.asynchronous
      ? await decidePostAsync(state.policy, envelope, response, toolSuccess, this.#context)
      : decidePost(state.policy, envelope, response, toolSuccess, this.#context)
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
    action: 'deny',
    reason: record.reason,
    decisionSource: 'hook',
    decisionName: record.name,
    contractsEvaluated: [],
    observed: false,
    policyError: record.reason?.includes('Hook error:') ?? false,
    observeResults: [],
    approvalTimeout: 300,
    approvalTimeoutEffect: 'deny',
    approvalMessage: null,
    hooksEvaluated,
  }
}
