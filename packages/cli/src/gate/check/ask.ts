import type { ApprovalBackend } from '@lictor/guard'
import { EdictumServerClient, ServerApprovalBackend } from '@lictor/guard/server'
import type { ConsoleSettings } from '../settings.ts'

/** Seconds that using an approval up, and answering, may take. */
const RESERVE_SECONDS = 2

/**
 * Asks in the console, for as long as the assistant waits and no longer: a question that outlives its call would be answered
 * for nothing. Where that cuts the contract's own time short, silence refuses, whatever the contract says of its time-out.
 * @param deadline milliseconds since 1970 by which the assistant must have its answer
 */
export function consoleApprovals(settings: ConsoleSettings, agentId: string, deadline: number): ApprovalBackend {
  const { url, apiKey, environment, allowInsecure, bundle } = settings
  const client = new EdictumServerClient({
    baseUrl: url,
    apiKey,
    agentId,
    env: environment,
    bundleName: bundle,
    allowInsecure,
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    timeout: 10_000,
  })
  const backend = new ServerApprovalBackend(client)
  const cutShort = new Map<string, number>()
  return {
    async requestApproval(tool, args, message, options = {}) {
      const left = Math.floor((deadline - Date.now()) / 1000) - RESERVE_SECONDS
      if (left < 1) throw new Error('there is no time left to ask a person')
      const wanted = options.timeout ?? left
      const timeout = Math.min(wanted, left)
      const isCut = timeout < wanted
      const request = await backend.requestApproval(tool, args, message, {
        ...options,
        timeout,
        ...(isCut ? { timeoutEffect: 'deny' as const } : {}),
      })
      if (isCut) cutShort.set(request.approvalId, timeout)
      return request
    },
    async waitForDecision(id, _timeout, options) {
      const decision = await backend.waitForDecision(id, null, options)
      const waited = cutShort.get(id)
      if (waited === undefined || decision.status !== 'timeout') return decision
      return {
        ...decision,
        approved: false,
        status: 'denied',
        reason: `nobody answered within the ${waited} s that there were`,
      }
    },
    consume: (id, digest) => backend.consume(id, digest),
  }
}
