import type { KeyClient } from '../../identity/caller.ts'
import type { TenantScope } from '../../identity/scope.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import type { Micros } from '../../storage/instants.ts'
import { prepared } from '../../storage/prepared.ts'
import type { AgentRegistrationRow } from '../../storage/schema.ts'

/** What is known of an agent. */
export interface Registration {
  readonly id: string
  readonly tenantId: string
  readonly agentId: string
  readonly displayName: string | null
  readonly tags: Readonly<Record<string, unknown>>
  /** The explicit assignment. */
  readonly bundleName: string | null
  /** JSON of what the agent says it enforces by itself, as text: it is read only where no bundle is in force. */
  readonly manifest: string | null
  /** Environment of the last connection. */
  readonly env: string | null
  /** The bundle that its last connection named or was assigned. */
  readonly runningBundle: string | null
  /** What it last reported. */
  readonly policyVersion: string | null
  readonly lastSeenAt: Micros | null
  readonly createdAt: Micros
  readonly updatedAt: Micros
  /** What it was assigned when it last came without a bundle of its own. */
  readonly assignedBundle: string | null
  /** Which documents it reads, by what it was last heard to speak; null while that is not known. */
  readonly reads: KeyClient | null
}

/** Absent means unchanged. */
export type RegistrationChange = Partial<Omit<Registration, 'id' | 'tenantId' | 'agentId' | 'createdAt'>>

export interface RegistrationStore {
  /** By agent id. */
  list(scope: TenantScope, within?: Queryable): Promise<Registration[]>
  find(scope: TenantScope, agentId: string, within?: Queryable): Promise<Registration | undefined>
  /** Insert, or change the one that is there. */
  upsert(registration: Registration, change: RegistrationChange, within: Queryable): Promise<void>
  /** False when there is no such agent. */
  update(scope: TenantScope, agentId: string, change: RegistrationChange, within?: Queryable): Promise<boolean>
}

export function createRegistrationStore({ db }: Database): RegistrationStore {
  const selectOne = prepared((on, { tenantId, agentId }: { tenantId: string; agentId: string }) =>
    on.selectFrom('agent_registrations').selectAll().where('tenant_id', '=', tenantId).where('agent_id', '=', agentId),
  )
  return {
    async list({ tenantId }, within = db) {
      const rows = await within
        .selectFrom('agent_registrations')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .orderBy('agent_id')
        .execute()
      return rows.map(registrationOf)
    },
    async find({ tenantId }, agentId, within = db) {
      const [row] = await selectOne(within, { tenantId, agentId })
      return row && registrationOf(row)
    },
    async upsert(registration, change, within) {
      await within
        .insertInto('agent_registrations')
        .values(rowOf(registration))
        .onConflict((conflict) => conflict.columns(['tenant_id', 'agent_id']).doUpdateSet(columnsOf(change)))
        .execute()
    },
    async update({ tenantId }, agentId, change, within = db) {
      const result = await within
        .updateTable('agent_registrations')
        .set(columnsOf(change))
        .where('tenant_id', '=', tenantId)
        .where('agent_id', '=', agentId)
        .executeTakeFirst()
      return Number(result.numUpdatedRows) === 1
    },
  }
}

const registrationOf = (row: AgentRegistrationRow): Registration => ({
  id: row.id,
  tenantId: row.tenant_id,
  agentId: row.agent_id,
  displayName: row.display_name,
  tags: JSON.parse(row.tags) as Record<string, unknown>,
  bundleName: row.bundle_name,
  manifest: row.manifest,
  env: row.env,
  runningBundle: row.running_bundle,
  policyVersion: row.policy_version,
  lastSeenAt: row.last_seen_at,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
  assignedBundle: row.assigned_bundle,
  reads: row.reads as KeyClient | null,
})

const rowOf = (registration: Registration): AgentRegistrationRow => ({
  id: registration.id,
  tenant_id: registration.tenantId,
  agent_id: registration.agentId,
  display_name: registration.displayName,
  tags: JSON.stringify(registration.tags),
  bundle_name: registration.bundleName,
  manifest: registration.manifest,
  env: registration.env,
  running_bundle: registration.runningBundle,
  policy_version: registration.policyVersion,
  last_seen_at: registration.lastSeenAt,
  created_at: registration.createdAt,
  updated_at: registration.updatedAt,
  assigned_bundle: registration.assignedBundle,
  reads: registration.reads,
})

/** What is undefined is not written. */
const columnsOf = (change: RegistrationChange) => ({
  display_name: change.displayName,
  tags: change.tags && JSON.stringify(change.tags),
  bundle_name: change.bundleName,
  manifest: change.manifest,
  env: change.env,
  running_bundle: change.runningBundle,
  policy_version: change.policyVersion,
  last_seen_at: change.lastSeenAt,
  updated_at: change.updatedAt,
  assigned_bundle: change.assignedBundle,
  reads: change.reads,
})
