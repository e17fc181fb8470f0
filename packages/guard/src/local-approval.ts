import { RedactionPolicy, responseText } from '@lictor/contracts'
import {
  type ApprovalBackend,
  type ApprovalDecision,
  type ApprovalRequest,
  type ApprovalRequestOptions,
  DEFAULT_APPROVAL_TIMEOUT_SECONDS,
} from './approvals.ts'
import { type Clock, isoTime, type NewId, randomId, systemClock } from './clock.ts'

export interface LocalApprovalOptions {
  readonly input?: NodeJS.ReadableStream
  readonly output?: { write(text: string): unknown }
  readonly clock?: Clock
  readonly newId?: NewId
}

const CONTROL_SEQUENCES = /\u001b\[[0-?]*[ -/]*[@-~]|[\u0000-\u001f\u007f-\u009f]/g
const YES: ReadonlySet<string> = new Set(['y', 'yes', 'approve'])

/** Asks at the terminal this process runs in; for development. No answer, and the end of input, mean no. */
export class LocalApprovalBackend implements ApprovalBackend {
  readonly #input: NodeJS.ReadableStream
  readonly #output: { write(text: string): unknown }
  readonly #clock: Clock
  readonly #newId: NewId
  readonly #redaction = new RedactionPolicy()
  readonly #requests = new Map<string, ApprovalRequest>()

  constructor(options: LocalApprovalOptions = {}) {
    this.#input = options.input ?? process.stdin
    this.#output = options.output ?? process.stdout
    this.#clock = options.clock ?? systemClock
    this.#newId = options.newId ?? randomId
  }

  async requestApproval(
    toolName: string,
    toolArgs: Readonly<Record<string, unknown>>,
    message: string,
    options: ApprovalRequestOptions = {},
  ): Promise<ApprovalRequest> {
    const request: ApprovalRequest = Object.freeze({
      approvalId: this.#newId(),
      toolName,
      toolArgs,
      message,
      timeout: options.timeout ?? DEFAULT_APPROVAL_TIMEOUT_SECONDS,
      timeoutEffect: options.timeoutEffect ?? 'deny',
      principal: options.principal ?? null,
      metadata: options.metadata ?? {},
      createdAt: isoTime(this.#clock.now()),
    })
    this.#requests.set(request.approvalId, request)
    const args = responseText(this.#redaction.redactArgs(toolArgs)) ?? '{}'
    this.#output.write(`[APPROVAL REQUIRED] ${plain(message)}\n`)
    this.#output.write(`  Tool: ${plain(toolName)}\n`)
    this.#output.write(`  Args: ${plain(args)}\n`)
    this.#output.write(`  ID:   ${request.approvalId}\n`)
    return request
  }

  async waitForDecision(approvalId: string, timeout?: number | null): Promise<ApprovalDecision> {
    const request = this.#requests.get(approvalId)
    const seconds = timeout ?? request?.timeout ?? DEFAULT_APPROVAL_TIMEOUT_SECONDS
    this.#output.write(`Approve? [y/N] (id: ${plain(approvalId)}): `)
    const answer = await this.#readLine(seconds)
    this.#requests.delete(approvalId)
    const timestamp = isoTime(this.#clock.now())
    if (answer === 'timeout') {
      const approved = request?.timeoutEffect === 'allow'
      return Object.freeze({ approved, approver: null, reason: null, status: 'timeout', timestamp })
    }
    const approved = YES.has((answer.line ?? '').trim().toLowerCase())
    const status = approved ? 'approved' : 'denied'
    return Object.freeze({ approved, approver: 'local', reason: null, status, timestamp })
  }

  async #readLine(seconds: number): Promise<'timeout' | { readonly line: string | null }> {
    // Loaded when somebody is asked: every guard pays for what is imported at its start.
    const { createInterface } = await import('node:readline')
    return new Promise((resolve) => {
      const lines = createInterface({ input: this.#input, terminal: false })
      let answer: 'timeout' | { readonly line: string | null } = { line: null }
      const timer = this.#clock.setTimer(() => {
        answer = 'timeout'
        lines.close()
      }, seconds * 1000)
      lines.once('line', (line) => {
        answer = { line }
        lines.close()
      })
      lines.once('close', () => {
        timer.cancel()
        resolve(answer)
      })
    })
  }
}

function plain(text: string): string {
  return text.replaceAll(CONTROL_SEQUENCES, ' ')
}
