import { frameOf } from '../../http/event-stream.ts'
import { scopeOfRecord } from '../../identity/scope.ts'
import { resolveAssignment } from '../assignment/resolve.ts'
import type { RuleStore } from '../assignment/store.ts'
import type { RegistrationStore } from '../fleet/store.ts'
import type { AgentConnection } from './connections.ts'
import type { Reassign } from './hub.ts'

/**
 * After a change of rules: each connection that named no bundle and now resolves to another one is told, and receives that
 * one's updates from here on.
 */
export function createReassign(deps: {
  ruleStore: RuleStore
  registrationStore: RegistrationStore
  onReassigned: (connection: AgentConnection) => void
}): Reassign {
  const { ruleStore, registrationStore, onReassigned } = deps
  return async (connections, record) => {
    const all = await ruleStore.list(scopeOfRecord(record))
    const only = connections.length === 1 ? connections[0] : undefined
    const registrations = only
      ? [await registrationStore.find(scopeOfRecord(record), only.agentId)]
      : await registrationStore.list(scopeOfRecord(record))
    const known = new Map(registrations.flatMap((one) => (one ? [[one.agentId, one]] : [])))
    for (const connection of connections) {
      const { agentId, env } = connection
      const registered = known.get(agentId) ?? { agentId, bundleName: null, tags: {} }
      const agent = { ...registered, tags: { ...registered.tags, ...connection.tags } }
      const { bundleName, source } = resolveAssignment(agent, all, env)
      if (bundleName === connection.bundleName) continue
      connection.bundleName = bundleName
      connection.followsAll = bundleName === null
      connection.isOwedDocument = connection.reads === 'rulesets' && bundleName !== null
      const json = JSON.stringify({ type: 'assignment_changed', agent_id: agentId, bundle_name: bundleName, source })
      connection.stream.write(frameOf('assignment_changed', json, record.id))
      onReassigned(connection)
    }
  }
}
