import type { TenantScope } from '../../identity/scope.ts'
import type { Database } from '../../storage/database.ts'
import type { Micros } from '../../storage/instants.ts'
import type { AgentPresenceRow } from '../../storage/schema.ts'

/** An agent's open stream, for the other processes to see. */
export interface PresentStream {
  readonly id: string
  readonly processId: string
  readonly tenantId: string
  readonly agentId: string
  readonly env: string
  readonly bundleName: string | null
  readonly policyVersion: string | null
  readonly connectedAt: Micros
}

export interface PresenceStore {
  /** Say that this process is alive. False when the others had forgotten it, and its streams with it, or never heard of it. */
  beat(processId: string, at: number): Promise<boolean>
  /** Make what is told of a process what it should be. */
  write(changes: { gone: readonly string[]; here: readonly PresentStream[] }): Promise<void>
  /** Streams of the tenant's agents on other processes heard of since `since`. */
  elsewhere(scope: TenantScope, processId: string, since: number): Promise<PresentStream[]>
  /** How many streams of agents there are on other processes heard of since `since`, of all tenants. */
  countElsewhere(processId: string, since: number): Promise<number>
  /** Forget processes not heard of since `since`, and their streams. */
  forget(since: number): Promise<void>
  remove(processId: string): Promise<void>
}

const ROWS_AT_ONCE = 500

export function createPresenceStore({ db }: Database): PresenceStore {
  return {
    async beat(id, seen_at) {
      const { numUpdatedRows } = await db
        .updateTable('server_processes')
        .set({ seen_at })
        .where('id', '=', id)
        .executeTakeFirst()
      if (numUpdatedRows > 0n) return true
      await db.insertInto('server_processes').values({ id, seen_at }).execute()
      return false
    },
    async write({ gone, here }) {
      const rows = here.map(rowOf)
      await db.transaction().execute(async (within) => {
        for (let from = 0; from < gone.length; from += ROWS_AT_ONCE)
          await within
            .deleteFrom('agent_presence')
            .where('id', 'in', gone.slice(from, from + ROWS_AT_ONCE))
            .execute()
        for (let from = 0; from < rows.length; from += ROWS_AT_ONCE)
          await within
            .insertInto('agent_presence')
            .values(rows.slice(from, from + ROWS_AT_ONCE))
            .onConflict((conflict) =>
              conflict.column('id').doUpdateSet((e) => ({
                bundle_name: e.ref('excluded.bundle_name'),
                policy_version: e.ref('excluded.policy_version'),
              })),
            )
            .execute()
      })
    },
    async elsewhere({ tenantId }, processId, since) {
      const rows = await db
        .selectFrom('agent_presence as a')
        .innerJoin('server_processes as p', 'p.id', 'a.process_id')
        .where('a.tenant_id', '=', tenantId)
        .where('a.process_id', '!=', processId)
        .where('p.seen_at', '>=', since)
        .selectAll('a')
        .execute()
      return rows.map(streamOf)
    },
    async countElsewhere(processId, since) {
      const row = await db
        .selectFrom('agent_presence as a')
        .innerJoin('server_processes as p', 'p.id', 'a.process_id')
        .where('a.process_id', '!=', processId)
        .where('p.seen_at', '>=', since)
        .select((e) => e.fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow()
      return Number(row.count)
    },
    async forget(since) {
      await db.transaction().execute(async (within) => {
        // The process first: one that beats meanwhile waits here, learns that it was forgotten, and tells of its streams anew.
        const lost = await within.deleteFrom('server_processes').where('seen_at', '<', since).returning('id').execute()
        if (lost.length === 0) return
        const ids = lost.map((row) => row.id)
        await within.deleteFrom('agent_presence').where('process_id', 'in', ids).execute()
      })
    },
    async remove(processId) {
      await db.deleteFrom('agent_presence').where('process_id', '=', processId).execute()
      await db.deleteFrom('server_processes').where('id', '=', processId).execute()
    },
  }
}

const rowOf = (stream: PresentStream): AgentPresenceRow => ({
  id: stream.id,
  process_id: stream.processId,
  tenant_id: stream.tenantId,
  agent_id: stream.agentId,
  env: stream.env,
  bundle_name: stream.bundleName,
  policy_version: stream.policyVersion,
  connected_at: stream.connectedAt,
})

const streamOf = (row: AgentPresenceRow): PresentStream => ({
  id: row.id,
  processId: row.process_id,
  tenantId: row.tenant_id,
  agentId: row.agent_id,
  env: row.env,
  bundleName: row.bundle_name,
  policyVersion: row.policy_version,
  connectedAt: row.connected_at,
})
