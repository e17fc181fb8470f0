import { NotFound } from '../../errors.ts'
import type { UserCaller } from '../../identity/caller.ts'
import { scopeOf } from '../../identity/scope.ts'
import type { Database } from '../../storage/database.ts'
import { createHistoryStore } from './store.ts'
import { type TimelineEntry, timelineOf } from './timeline.ts'

export interface AgentHistory {
  /** Of the agent's latest event. */
  readonly environment: string | null
  readonly entries: readonly TimelineEntry[]
}

/** @throws NotFound when the agent never sent an event. `limit` counts deployments, 1 to 200. */
export type History = (caller: UserCaller, agentId: string, limit: number) => Promise<AgentHistory>

/** What became of an agent's contracts, from its events and the deployments of its environment. */
export function createHistory({ database }: { database: Database }): History {
  const store = createHistoryStore(database)
  return async (caller, agentId, limit) => {
    const scope = scopeOf(caller)
    const [first, last] = await Promise.all([
      store.edgeEvent(scope, agentId, 'asc'),
      store.edgeEvent(scope, agentId, 'desc'),
    ])
    if (!first || !last) throw new NotFound('No events found for this agent')
    const deployments = last.env === null ? [] : await store.deployments(scope, last.env, limit)
    const runs = deployments.length === 0 ? [] : await store.versionRuns(scope, agentId)
    const firstSeen = { at: first.timestamp, env: first.env ?? last.env ?? 'unknown' }
    return { environment: last.env, entries: timelineOf(firstSeen, deployments, runs) }
  }
}
