import type { KeyClient } from '../../identity/caller.ts'
import { scopeOfRecord } from '../../identity/scope.ts'
import type { Database } from '../../storage/database.ts'
import type { AgentSighting, AgentSightings } from '../events/sightings.ts'
import type { Registrations } from './registrations.ts'
import type { RegistrationChange, RegistrationStore } from './store.ts'

export interface Sightings extends AgentSightings {
  /** A registered agent opened a stream; without a policy version it is not known what it runs. */
  connected(
    sighting: AgentSighting & { bundleName: string | null; assignedBundle?: string | null; reads?: KeyClient },
  ): void
  /** An open stream follows another bundle from here on. */
  reassigned(sighting: AgentSighting & { bundleName: string | null }): void
  /** Write what was seen so far; done when it and all before it is in the database. */
  write(): Promise<void>
}

interface Pending {
  readonly tenantId: string
  readonly agentId: string
  readonly changed: RegistrationChange
}

/** What is heard of agents: live connections know it at once, registrations shortly after, many in one transaction. */
export function createSightings(deps: {
  database: Database
  store: RegistrationStore
  registrations: Pick<Registrations, 'keepManifest'>
  /** An agent reported by its events what it runs, and had not said so since the last writing. */
  onPolicyVersion: (sighting: AgentSighting & { policyVersion: string }) => void
}): Sightings {
  const { database, store, registrations, onPolicyVersion } = deps
  let pending = new Map<string, Pending>()
  let writing = Promise.resolve()

  function note(sighting: AgentSighting, also: RegistrationChange): void {
    const { tenantId, agentId, env, policyVersion, reads, at } = sighting
    const key = `${tenantId}\n${agentId}`
    const version = policyVersion === null ? {} : { policyVersion }
    const changed = { ...pending.get(key)?.changed, env, lastSeenAt: at, ...version, ...(reads && { reads }), ...also }
    pending.set(key, { tenantId, agentId, changed })
  }

  async function writePending(): Promise<void> {
    if (pending.size === 0) return
    const batch = pending
    pending = new Map()
    try {
      await database.db.transaction().execute(async (within) => {
        for (const [, { tenantId, agentId, changed }] of [...batch].sort(([a], [b]) => (a < b ? -1 : 1)))
          await store.update(scopeOfRecord({ tenantId }), agentId, changed, within)
      })
    } catch (error) {
      for (const [key, older] of batch) {
        const newer = pending.get(key)
        pending.set(key, newer ? { ...newer, changed: { ...older.changed, ...newer.changed } } : older)
      }
      throw error
    }
  }

  return {
    sighted(sighting) {
      const { tenantId, agentId, policyVersion } = sighting
      const isNews = pending.get(`${tenantId}\n${agentId}`)?.changed.policyVersion !== policyVersion
      note(sighting, {})
      if (policyVersion !== null && isNews) onPolicyVersion({ ...sighting, policyVersion })
    },
    connected: ({ bundleName, assignedBundle, reads, ...sighting }) =>
      note(sighting, {
        runningBundle: bundleName,
        policyVersion: sighting.policyVersion,
        ...(assignedBundle === undefined ? {} : { assignedBundle }),
        ...(reads === undefined ? {} : { reads }),
      }),
    reassigned: ({ bundleName, ...sighting }) =>
      note(sighting, { runningBundle: bundleName, assignedBundle: bundleName }),
    async manifestReported(reporter, manifest) {
      await registrations.keepManifest(scopeOfRecord(reporter), manifest)
    },
    write() {
      writing = writing.catch(() => {}).then(writePending)
      return writing
    },
  }
}
