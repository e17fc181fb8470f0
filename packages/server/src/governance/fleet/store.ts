import type { Database, Queryable } from '../../storage/database.ts'
import type { AgentRegistrationRow } from '../../storage/schema.ts'

export interface RegistrationStore {
  /** By agent id. */
  list(tenantId: string, within?: Queryable): Promise<AgentRegistrationRow[]>
  find(tenantId: string, agentId: string, within?: Queryable): Promise<AgentRegistrationRow | undefined>
  /** Insert, or change the named columns of the row that is there. */
  upsert(row: AgentRegistrationRow, changed: Partial<AgentRegistrationRow>, within: Queryable): Promise<void>
  /** False when there is no such agent. */
  update(
    tenantId: string,
    agentId: string,
    changed: Partial<AgentRegistrationRow>,
    within?: Queryable,
  ): Promise<boolean>
}

export function registrationStore({ db }: Database): RegistrationStore {
  return {
    list: (tenantId, within = db) =>
      within
        .selectFrom('agent_registrations')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .orderBy('agent_id')
        .execute(),
    find: (tenantId, agentId, within = db) =>
      within
        .selectFrom('agent_registrations')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('agent_id', '=', agentId)
        .executeTakeFirst(),
    async upsert(row, changed, within) {
      await within
        .insertInto('agent_registrations')
        .values(row)
        .onConflict((conflict) => conflict.columns(['tenant_id', 'agent_id']).doUpdateSet(changed))
        .execute()
    },
    async update(tenantId, agentId, changed, within = db) {
      const result = await within
        .updateTable('agent_registrations')
        .set(changed)
        .where('tenant_id', '=', tenantId)
        .where('agent_id', '=', agentId)
        .executeTakeFirst()
      return Number(result.numUpdatedRows) === 1
    },
  }
}
