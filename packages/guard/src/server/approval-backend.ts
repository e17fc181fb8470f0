import type { TimeoutEffect } from '@lictor/contracts'
import { RedactionPolicy } from '@lictor/contracts'
import {
  type ApprovalBackend,
  type ApprovalDecision,
  type ApprovalRequest,
  type ApprovalRequestOptions,
  type ApprovalStatus,
  type ApprovedAction,
  DEFAULT_APPROVAL_TIMEOUT_SECONDS,
} from '../approvals.ts'
import { type Clock, isoTime, sleep, systemClock, withDeadline } from '../clock.ts'
import { checkDuration } from '../durations.ts'
import { configError } from '../errors.ts'
import { actionDigest, jsonArguments } from './action-digest.ts'
import type { EdictumServerClient } from './client.ts'
import { type BoundedRequests, boundRequests } from './deadline.ts'
import { EdictumConnectionError, EdictumServerError } from './errors.ts'
import { checkReceipt } from './receipt.ts'
import { createSigningKeys, type SigningKeys } from './signing-keys.ts'

export interface ServerApprovalBackendOptions {
  /** Milliseconds between polls where the server does not hold the answer back, default 2,000. */
  readonly pollInterval?: number
  /** Seconds a poll asks the server to hold its answer until the decision, default 30; 0 asks never. */
  readonly longPollSeconds?: number
  /** Send the arguments redacted. Off by default: who decides must see what is to be done. */
  readonly redactApprovalArgs?: boolean
  readonly redaction?: RedactionPolicy
  /** What receipts are checked with; by default no key is known. */
  readonly signingKeys?: SigningKeys
  readonly clock?: Clock
}

/** What is remembered of a question until its answer. */
interface Asked {
  readonly deadline: number
  readonly timeoutEffect: TimeoutEffect
  /** Null where the server binds no approval to its action. */
  readonly actionDigest: string | null
}

/** What the language and the server agree on: 30 days. */
const LONGEST_APPROVAL_SECONDS = 2_592_000
/** Seconds until a server that is too busy, and does not say for how long, is asked again. */
const BUSY_SECONDS = 5
/** Milliseconds the last poll may take beyond the approval's own time. */
const LAST_POLL_MS = 5_000

/** A poll that took so long was held back by the server, not merely slow. */
const HELD_BACK_MS = 5_000

/**
 * Approvals decided on the server. A waiting call learns of the decision by whichever is first: a
 * held-back poll, the agent stream (`wake`), or the next plain poll. What the server refuses reaches the guard, and the call
 * does not run. An approval is bound to exactly the action that was asked about, and used up before the action runs; a server
 * that knows no such approvals is an older one, whose decisions are taken as they are.
 */
export class ServerApprovalBackend implements ApprovalBackend {
  readonly #client: EdictumServerClient
  readonly #clock: Clock
  readonly #pollInterval: number
  readonly #longPollSeconds: number
  readonly #redaction: RedactionPolicy | null
  readonly #bounded: BoundedRequests
  readonly #signingKeys: SigningKeys
  readonly #asked = new Map<string, Asked>()
  readonly #waiting = new Map<string, Set<() => void>>()

  constructor(client: EdictumServerClient, options: ServerApprovalBackendOptions = {}) {
    const { pollInterval = 2_000, longPollSeconds = 30 } = options
    checkDuration('pollInterval', pollInterval, 1)
    if (!Number.isInteger(longPollSeconds) || longPollSeconds < 0) {
      throw configError(`longPollSeconds must be an integer of at least 0, not ${longPollSeconds}.`)
    }
    this.#client = client
    this.#clock = options.clock ?? systemClock
    this.#bounded = boundRequests(client, this.#clock)
    this.#signingKeys = options.signingKeys ?? createSigningKeys(null, async () => null)
    this.#pollInterval = pollInterval
    this.#longPollSeconds = longPollSeconds
    this.#redaction = options.redactApprovalArgs ? (options.redaction ?? new RedactionPolicy()) : null
  }

  async requestApproval(
    toolName: string,
    toolArgs: Readonly<Record<string, unknown>>,
    message: string,
    options: ApprovalRequestOptions = {},
  ): Promise<ApprovalRequest> {
    const { timeoutEffect = 'deny', decisionSource, contractName, signal } = options
    const seconds = Math.ceil(options.timeout ?? DEFAULT_APPROVAL_TIMEOUT_SECONDS)
    if (!(seconds >= 1 && seconds <= LONGEST_APPROVAL_SECONDS)) {
      throw configError(
        `An approval lasts 1 to ${LONGEST_APPROVAL_SECONDS} seconds (30 days); it was asked for with ${options.timeout}.`,
      )
    }
    const deadline = this.#clock.now() + seconds * 1000
    const args = jsonArguments(toolArgs)
    const digest = actionDigest({
      agentId: this.#client.agentId,
      toolName,
      toolArgs: args,
      contractName: contractName ?? null,
      policyVersion: options.policyVersion ?? null,
    })
    const { id, action_digest: bound } = await this.#post(
      {
        agent_id: this.#client.agentId,
        tool_name: toolName,
        tool_args: this.#redaction ? this.#redaction.redactArgs(toolArgs) : args,
        message,
        timeout_effect: timeoutEffect,
        ...(decisionSource ? { decision_source: decisionSource } : {}),
        ...(contractName ? { contract_name: contractName } : {}),
        action_digest: digest,
      },
      deadline,
      signal,
    )
    if (typeof id !== 'string' || id === '') {
      throw new Error("The server created an approval without an id; is this the console's address?")
    }
    if (typeof bound === 'string' && bound !== digest) {
      throw new Error('The server bound the approval to another action than the one it was asked about.')
    }
    const request: ApprovalRequest = Object.freeze({
      approvalId: id,
      toolName,
      toolArgs,
      message,
      timeout: seconds,
      timeoutEffect,
      principal: options.principal ?? null,
      metadata: options.metadata ?? {},
      createdAt: isoTime(this.#clock.now()),
    })
    // An older server takes the digest for nothing and says nothing of it.
    this.#asked.set(id, { deadline, timeoutEffect, actionDigest: typeof bound === 'string' ? digest : null })
    return request
  }

  /** A server that takes no more questions at the moment is asked again when it says, within the approval's own time. */
  async #post(
    question: Readonly<Record<string, unknown>>,
    deadline: number,
    signal: AbortSignal | undefined,
  ): Promise<Record<string, unknown>> {
    for (;;) {
      const timeout = Math.max(1, Math.ceil((deadline - this.#clock.now()) / 1000))
      try {
        return await this.#bounded.post('/api/v1/approvals', { ...question, timeout }, signal ? { signal } : {})
      } catch (error) {
        if (!(error instanceof EdictumServerError) || error.statusCode !== 429) throw error
        const wait = (error.retryAfterSeconds ?? BUSY_SECONDS) * 1000
        if (this.#clock.now() + wait >= deadline) throw error
        await sleep(this.#clock, wait, { signal })
      }
    }
  }

  async waitForDecision(
    approvalId: string,
    timeout?: number | null,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<ApprovalDecision> {
    const asked = this.#asked.get(approvalId)
    const now = this.#clock.now()
    const end = timeout || !asked ? now + (timeout || DEFAULT_APPROVAL_TIMEOUT_SECONDS) * 1000 : asked.deadline
    const question: Asked = {
      deadline: Math.min(end, asked?.deadline ?? end),
      timeoutEffect: asked?.timeoutEffect ?? 'deny',
      actionDigest: asked?.actionDigest ?? null,
    }
    const waiter = this.#listen(approvalId, options.signal)
    try {
      return await this.#poll(approvalId, question, waiter, options.signal)
    } finally {
      waiter.stop()
      this.#asked.delete(approvalId)
    }
  }

  async decisionOf(approvalId: string, action: ApprovedAction): Promise<ApprovalDecision | null> {
    const { toolName, toolArgs, contractName, policyVersion, timeoutEffect, signal } = action
    const path = `/api/v1/approvals/${encodeURIComponent(approvalId)}`
    const answer = await this.#bounded.get(path, signal ? { signal } : {})
    const digest = actionDigest({
      agentId: this.#client.agentId,
      toolName,
      toolArgs: jsonArguments(toolArgs),
      contractName,
      policyVersion,
    })
    // A question that was asked with this very digest is the only one that this call may go by.
    if (answer.action_digest !== digest)
      throw new Error('The approval is bound to another action, or to none, so that it cannot be gone by later.')
    return this.#read(answer, approvalId, { deadline: 0, timeoutEffect, actionDigest: digest })
  }

  /** Uses the approval up on the server, which lets each be used once. */
  async consume(approvalId: string, actionDigest: string): Promise<void> {
    const path = `/api/v1/approvals/${encodeURIComponent(approvalId)}/consume`
    const answer = await this.#bounded.post(path, { action_digest: actionDigest })
    if (answer.action_digest !== actionDigest || typeof answer.consumed_at !== 'string') {
      throw new Error("The server did not confirm that the approval was used; is this the console's address?")
    }
  }

  /** The agent stream says this approval was decided: whoever waits for it reads the decision now. */
  wake(approvalId: string): void {
    for (const resume of this.#waiting.get(approvalId) ?? []) resume()
  }

  async #poll(
    approvalId: string,
    question: Asked,
    waiter: Waiter,
    signal: AbortSignal | undefined,
  ): Promise<ApprovalDecision> {
    const { deadline, timeoutEffect } = question
    for (;;) {
      signal?.throwIfAborted()
      const asked = this.#clock.now()
      // Whole seconds: the last stretch before the deadline is polled plainly.
      const wait = Math.max(0, Math.min(this.#longPollSeconds, Math.floor((deadline - asked) / 1000)))
      const answer = await this.#ask(approvalId, wait, deadline, signal)
      const decision = answer && (await this.#read(answer, approvalId, question))
      if (decision) return decision
      const now = this.#clock.now()
      if (now >= deadline) return this.#decision('timeout', timeoutEffect === 'allow', answer ?? {})
      // A server that held the answer back is asked again at once; one that answered right away ignores `wait`.
      const held = answer !== null && wait > 0 && now - asked >= Math.min(wait * 1000, HELD_BACK_MS)
      if (!held) await waiter.pause(Math.min(this.#pollInterval, deadline - now))
    }
  }

  /**
   * One poll; null when the server could not be reached, or could not answer for the moment, and there is time left. Neither a
   * restart of the server nor of its database must end a call that waits for a human. At the deadline the loss is an error, not
   * a time-out: who knows what was decided meanwhile.
   */
  async #ask(
    approvalId: string,
    wait: number,
    deadline: number,
    signal: AbortSignal | undefined,
  ): Promise<Record<string, unknown> | null> {
    const path = `/api/v1/approvals/${encodeURIComponent(approvalId)}`
    const late = () => new EdictumConnectionError(`The server did not say how approval ${approvalId} ended`, undefined)
    const left = Math.max(0, deadline - this.#clock.now()) + LAST_POLL_MS
    try {
      return await withDeadline(
        this.#clock,
        left,
        late,
        (within) =>
          this.#client.get(path, {
            signal: within,
            ...(wait > 0 ? { query: { wait }, timeout: Math.max(this.#client.timeout, (wait + 10) * 1000) } : {}),
          }),
        signal,
      )
    } catch (error) {
      signal?.throwIfAborted()
      if (mayPass(error) && !this.#client.closed && this.#clock.now() < deadline) return null
      throw error
    }
  }

  async #read(
    answer: Record<string, unknown>,
    approvalId: string,
    { timeoutEffect, actionDigest }: Asked,
  ): Promise<ApprovalDecision | null> {
    const { status } = answer
    if (status === 'timeout') return this.#decision(status, timeoutEffect === 'allow', answer)
    if (status !== 'approved' && status !== 'denied') return null
    const decision = this.#decision(status, status === 'approved', answer)
    // A refusal needs no proof: nothing runs by it.
    if (status === 'denied') return decision
    if (actionDigest === null) return { ...decision, actionDigest, verification: 'unverified' }
    const verification = await checkReceipt(
      answer.receipt,
      { approvalId, actionDigest, decision: status },
      this.#signingKeys,
    )
    return { ...decision, actionDigest, verification }
  }

  #decision(status: ApprovalStatus, approved: boolean, answer: Record<string, unknown>): ApprovalDecision {
    return {
      approved,
      approver: typeof answer.decided_by === 'string' ? answer.decided_by : null,
      reason: typeof answer.decision_reason === 'string' ? answer.decision_reason : null,
      status,
      timestamp: isoTime(this.#clock.now()),
    }
  }

  #listen(approvalId: string, signal: AbortSignal | undefined): Waiter {
    let woken = false
    let resume: (() => void) | null = null
    const wake = () => {
      woken = true
      resume?.()
    }
    const listeners = this.#waiting.get(approvalId) ?? new Set()
    this.#waiting.set(approvalId, listeners.add(wake))
    signal?.addEventListener('abort', wake, { once: true })
    return {
      pause: (ms) => {
        // Woken while the last poll was on its way: its answer may be older than the decision.
        if (woken) {
          woken = false
          return Promise.resolve()
        }
        return new Promise((resolve) => {
          const timer = this.#clock.setTimer(() => resume?.(), ms)
          resume = () => {
            timer.cancel()
            resume = null
            woken = false
            resolve()
          }
        })
      },
      stop: () => {
        signal?.removeEventListener('abort', wake)
        listeners.delete(wake)
        if (listeners.size === 0) this.#waiting.delete(approvalId)
      },
    }
  }
}

interface Waiter {
  /** Sleeps `ms` milliseconds, or until woken. */
  pause(ms: number): Promise<void>
  stop(): void
}

/** Statuses of a server, or of a proxy before it, that cannot answer for the moment; 500 is an answer. */
const FOR_THE_MOMENT = [429, 502, 503, 504]

/** Whether the server may answer the same question a little later. */
function mayPass(error: unknown): boolean {
  if (error instanceof EdictumServerError) return FOR_THE_MOMENT.includes(error.statusCode)
  return error instanceof EdictumConnectionError
}
