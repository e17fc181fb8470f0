import { frameOf } from '../../http/event-stream.ts'
import { resolveAssignment } from '../assignment/resolve.ts'
import { type RuleStore, ruleOf } from '../assignment/store.ts'
import { assignedAgentOf } from '../fleet/registrations.ts'
import type { RegistrationStore } from '../fleet/store.ts'
import type { AgentConnection } from './connections.ts'
import type { Reassign } from './hub.ts'

/**
 * After a change of rules: each connection that named no bundle and now resolves to another one is told, and receives that
 * one's updates from here on (console-api §8.9, decision D7).
 */
export function reassigning(deps: {
  rules: RuleStore
  registrations: RegistrationStore
  onReassigned: (connection: AgentConnection) => void
}): Reassign {
  const { rules, registrations, onReassigned } = deps
  return async (connections, record) => {
    const all = (await rules.list(record.tenantId)).map(ruleOf)
    const only = connections.length === 1 ? connections[0] : undefined
    const rows = only
      ? [await registrations.find(record.tenantId, only.agentId)]
      : await registrations.list(record.tenantId)
    const known = new Map(rows.flatMap((row) => (row ? [[row.agent_id, assignedAgentOf(row)]] : [])))
    for (const connection of connections) {
      const { agentId, env } = connection
      const registered = known.get(agentId) ?? { agentId, bundleName: null, tags: {} }
      const agent = { ...registered, tags: { ...registered.tags, ...connection.tags } }
      const { bundleName, source } = resolveAssignment(agent, all, env)
      if (bundleName === connection.bundleName) continue
      connection.bundleName = bundleName
      connection.followsAll = bundleName === null
      const json = JSON.stringify({ type: 'assignment_changed', agent_id: agentId, bundle_name: bundleName, source })
      connection.stream.write(frameOf('assignment_changed', json, record.id))
      onReassigned(connection)
    }
  }
}
