import type { Connection } from '../connection/connection.ts'
import { style } from '../terminal/style.ts'
import type { Terminal } from '../terminal/terminal.ts'

interface PendingApproval {
  readonly id: string
  readonly agent_id: string
  readonly message: string
}

/**
 * Stands in for the person on call, for the agents of the demo and no others: each approval of theirs waits `patience` seconds for somebody in the console, then is
 * approved from here, saying so. Returns how to stop.
 */
export function standInApprover(options: {
  connection: Connection
  terminal: Terminal
  patience: number
  /** Ids of the agents that it may decide for. */
  agents: readonly string[]
}): () => Promise<void> {
  const { connection, terminal, patience, agents } = options
  const firstSeen = new Map<string, number>()
  let stopped = false

  async function look(): Promise<void> {
    const pending = await connection.request<PendingApproval[]>('GET', '/api/v1/approvals?status=pending')
    for (const { id, message, agent_id } of pending) {
      if (!agents.includes(agent_id)) continue
      const since = firstSeen.get(id)
      if (since === undefined) {
        firstSeen.set(id, Date.now())
        terminal.print(
          `  ${style('yellow', '?')} ${message} ${style('dim', `Decide at ${connection.url.replace('127.0.0.1', 'localhost')}/dashboard/approvals; approved by itself in ${patience} s.`)}`,
        )
      }
      if (Date.now() - (since ?? Date.now()) < patience * 1000) continue
      // Somebody may have been faster: then there is nothing left to decide.
      await connection.request(
        'PUT',
        `/api/v1/approvals/${id}`,
        { approved: true, reason: 'approved by the demo', decided_via: 'cli' },
        { accept: [409] },
      )
    }
  }

  const watching = (async () => {
    while (!stopped) {
      await look()
      await new Promise((resolve) => setTimeout(resolve, 300))
    }
  })()
  return async () => {
    stopped = true
    await watching
  }
}
