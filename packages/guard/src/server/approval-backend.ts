import type { TimeoutEffect } from '@lictor/contracts'
import { RedactionPolicy } from '@lictor/contracts'
import {
  type ApprovalBackend,
  type ApprovalDecision,
  type ApprovalRequest,
  type ApprovalRequestOptions,
  type ApprovalStatus,
  DEFAULT_APPROVAL_TIMEOUT_SECONDS,
} from '../approvals.ts'
import { type Clock, isoTime, systemClock } from '../clock.ts'
import { configError } from '../errors.ts'
import type { EdictumServerClient } from './client.ts'
import { EdictumConnectionError } from './errors.ts'

export interface ServerApprovalBackendOptions {
  /** Milliseconds between polls where the server does not hold the answer back, default 2,000. */
  readonly pollInterval?: number
  /** Seconds a poll asks the server to hold its answer until the decision, default 30; 0 asks never. */
  readonly longPollSeconds?: number
  /** Send the arguments redacted. Off by default: who decides must see what is to be done (decision Q5). */
  readonly redactApprovalArgs?: boolean
  readonly redaction?: RedactionPolicy
  readonly clock?: Clock
}

/** A poll that took so long was held back by the server, not merely slow. */
const HELD_BACK_MS = 5_000

/**
 * Approvals decided on the server (edictum-sdk §14.4). A waiting call learns of the decision by whichever is first: a
 * held-back poll, the agent stream (`wake`), or the next plain poll. What the server refuses reaches the guard, and the call
 * does not run.
 */
export class ServerApprovalBackend implements ApprovalBackend {
  readonly #client: EdictumServerClient
  readonly #clock: Clock
  readonly #pollInterval: number
  readonly #longPollSeconds: number
  readonly #redaction: RedactionPolicy | null
  readonly #requests = new Map<string, ApprovalRequest>()
  readonly #waiting = new Map<string, Set<() => void>>()

  constructor(client: EdictumServerClient, options: ServerApprovalBackendOptions = {}) {
    const { pollInterval = 2_000, longPollSeconds = 30 } = options
    if (!(pollInterval > 0)) throw configError(`pollInterval must be more than 0 milliseconds, not ${pollInterval}.`)
    if (!Number.isInteger(longPollSeconds) || longPollSeconds < 0) {
      throw configError(`longPollSeconds must be an integer of at least 0, not ${longPollSeconds}.`)
    }
    this.#client = client
    this.#clock = options.clock ?? systemClock
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
    const { timeoutEffect = 'deny', decisionSource, contractName } = options
    const timeout = Math.ceil(options.timeout ?? DEFAULT_APPROVAL_TIMEOUT_SECONDS)
    const { id } = await this.#client.post('/api/v1/approvals', {
      agent_id: this.#client.agentId,
      tool_name: toolName,
      tool_args: this.#redaction ? this.#redaction.redactArgs(toolArgs) : toolArgs,
      message,
      timeout,
      timeout_effect: timeoutEffect,
      ...(decisionSource ? { decision_source: decisionSource } : {}),
      ...(contractName ? { contract_name: contractName } : {}),
    })
    if (typeof id !== 'string' || id === '') {
      throw new Error("The server created an approval without an id; is this the console's address?")
    }
    const request: ApprovalRequest = Object.freeze({
      approvalId: id,
      toolName,
      toolArgs,
      message,
      timeout,
      timeoutEffect,
      principal: options.principal ?? null,
      metadata: options.metadata ?? {},
      createdAt: isoTime(this.#clock.now()),
    })
    this.#requests.set(id, request)
    return request
  }

  async waitForDecision(approvalId: string, timeout?: number | null): Promise<ApprovalDecision> {
    const request = this.#requests.get(approvalId)
    const seconds = timeout ?? request?.timeout ?? DEFAULT_APPROVAL_TIMEOUT_SECONDS
    const waiter = this.#listen(approvalId)
    try {
      return await this.#poll(approvalId, this.#clock.now() + seconds * 1000, request?.timeoutEffect ?? 'deny', waiter)
    } finally {
      waiter.stop()
      this.#requests.delete(approvalId)
    }
  }

  /** The agent stream says this approval was decided: whoever waits for it reads the decision now. */
  wake(approvalId: string): void {
    for (const resume of this.#waiting.get(approvalId) ?? []) resume()
  }

  async #poll(approvalId: string, deadline: number, effect: TimeoutEffect, waiter: Waiter): Promise<ApprovalDecision> {
    const path = `/api/v1/approvals/${encodeURIComponent(approvalId)}`
    for (;;) {
      const asked = this.#clock.now()
      // Whole seconds: the last stretch before the deadline is polled plainly.
      const wait = Math.min(this.#longPollSeconds, Math.floor((deadline - asked) / 1000))
      const answer = await this.#ask(path, wait, deadline)
      const decision = answer && this.#read(answer, effect)
      if (decision) return decision
      const now = this.#clock.now()
      if (now >= deadline) return this.#decision('timeout', effect === 'allow', null, null)
      // A server that held the answer back is asked again at once; one that answered right away ignores `wait`.
      const held = answer !== null && wait > 0 && now - asked >= Math.min(wait * 1000, HELD_BACK_MS)
      if (!held) await waiter.pause(Math.min(this.#pollInterval, deadline - now))
    }
  }

  /**
   * One poll; null when the server could not be reached and there is time left. A restart of the server must not end a call
   * that waits for a human. At the deadline the loss is an error, not a time-out: who knows what was decided meanwhile.
   */
  async #ask(path: string, wait: number, deadline: number): Promise<Record<string, unknown> | null> {
    try {
      return await this.#client.get(
        path,
        wait > 0 ? { query: { wait }, timeout: Math.max(this.#client.timeout, (wait + 10) * 1000) } : {},
      )
    } catch (error) {
      const again = error instanceof EdictumConnectionError && !this.#client.closed && this.#clock.now() < deadline
      if (again) return null
      throw error
    }
  }

  #read(answer: Record<string, unknown>, effect: TimeoutEffect): ApprovalDecision | null {
    const approver = typeof answer.decided_by === 'string' ? answer.decided_by : null
    const reason = typeof answer.decision_reason === 'string' ? answer.decision_reason : null
    switch (answer.status) {
      case 'approved':
        return this.#decision('approved', true, approver, reason)
      case 'denied':
        return this.#decision('denied', false, approver, reason)
      case 'timeout':
        return this.#decision('timeout', effect === 'allow', approver, reason)
      default:
        return null
    }
  }

  #decision(
    status: ApprovalStatus,
    approved: boolean,
    approver: string | null,
    reason: string | null,
  ): ApprovalDecision {
    return Object.freeze({ approved, approver, reason, status, timestamp: isoTime(this.#clock.now()) })
  }

  #listen(approvalId: string): Waiter {
    let woken = false
    let resume: (() => void) | null = null
    const wake = () => {
      woken = true
      resume?.()
    }
    const listeners = this.#waiting.get(approvalId) ?? new Set()
    this.#waiting.set(approvalId, listeners.add(wake))
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
