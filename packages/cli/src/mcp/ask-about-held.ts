import type { Guard } from '@lictor/guard'
import type { HeldTool } from '@lictor/mcp/gateway'
import type { PinFiles } from './pin-files.ts'

/** What a person is asked to accept, by the name that approvals show. */
const ACCEPT = 'mcp.tools.accept'
/** Seconds that a question about a tool stays open. */
const OPEN_SECONDS = 86_400

/** Where the gateway is connected to a server, its people decide about tools that are held back: in the inbox of approvals. */
export interface HeldQuestions {
  ask(held: Readonly<Record<string, HeldTool>>): void
  /** Nobody waits for the answers any more. */
  stop(): void
}

export function askAboutHeld(deps: {
  readonly server: string
  readonly files: PinFiles
  readonly guard: () => Guard | Promise<Guard>
  readonly note: (line: string) => void
  /** A tool was accepted. */
  readonly accepted: () => void
}): HeldQuestions {
  const { server, files, note } = deps
  const asked = new Set<string>()
  const stopping = new AbortController()

  async function ask(tool: string, held: HeldTool): Promise<void> {
    const { approvalBackend, policyVersion } = await deps.guard()
    if (approvalBackend === null) return
    const before = files.read(server).tools[tool]?.tool ?? null
    const args = { server, tool, hash: held.hash, reason: held.reason, before, after: held.tool }
    const { signal } = stopping
    const { approvalId } = await approvalBackend.requestApproval(
      ACCEPT,
      args,
      `The tool '${tool}' of the MCP server '${server}' is held back. ${held.reason} Accept it as it is now?`,
      { timeout: OPEN_SECONDS, timeoutEffect: 'deny', policyVersion, signal },
    )
    const withdraw = () =>
      void Promise.resolve(approvalBackend.withdraw?.(approvalId, 'The gateway ended.')).catch(() => {})
    signal.addEventListener('abort', withdraw, { once: true })
    try {
      const decision = await approvalBackend.waitForDecision(approvalId, OPEN_SECONDS, { signal })
      if (!decision.approved || decision.status !== 'approved') return
      if (decision.actionDigest) await approvalBackend.consume?.(approvalId, decision.actionDigest)
      // What was accepted is what was shown: another change is another question.
      if (files.read(server).held[tool]?.hash !== held.hash) return
      files.accept(server, [tool])
      note(`The tool '${tool}' was accepted by ${decision.approver ?? 'a person'}.`)
      deps.accepted()
    } finally {
      signal.removeEventListener('abort', withdraw)
    }
  }

  return {
    ask(held) {
      for (const [tool, one] of Object.entries(held)) {
        const key = `${tool} ${one.hash}`
        if (asked.has(key)) continue
        asked.add(key)
        ask(tool, one).catch((error: Error) => {
          if (!stopping.signal.aborted) note(`Nobody could be asked about the tool '${tool}': ${error.message}`)
        })
      }
    },
    stop: () => stopping.abort(new Error('The gateway ended.')),
  }
}
