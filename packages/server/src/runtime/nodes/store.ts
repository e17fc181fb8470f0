import type { SystemScope } from '../../identity/scope.ts'
import type { Database } from '../../storage/database.ts'
import type { Micros } from '../../storage/instants.ts'
import type { NodeRow } from '../../storage/schema.ts'

/** A server of this installation, as it said of itself. */
export interface Node {
  /** Stays with its data folder. */
  readonly id: string
  readonly hostname: string
  readonly version: string
  readonly cpuCores: number
  readonly memoryBytes: number
  readonly isDraining: boolean
  readonly registeredAt: Micros
  readonly startedAt: Micros
  readonly heartbeatAt: Micros
}

/** SQL for the servers of the installation. They belong to no tenant. */
export interface NodeStore {
  /** In the order in which they were first seen. */
  list(scope: SystemScope): Promise<Node[]>
  /** A server that has started: new, or come back, in which case it does not drain any more. */
  put(scope: SystemScope, node: Node): Promise<void>
  /** Say that it is alive; false when it is not known any more. */
  touch(scope: SystemScope, id: string, at: Micros): Promise<boolean>
  /** False when there is none. */
  setDraining(scope: SystemScope, id: string, isDraining: boolean): Promise<boolean>
  /** Forget a server that has not been heard of since; false when it has, and when there is none. */
  forget(scope: SystemScope, id: string, silentSince: Micros): Promise<boolean>
  /** Forget all that have not been heard of since. */
  forgetSilent(scope: SystemScope, since: Micros): Promise<void>
  /** Forget a server that has stopped. */
  remove(scope: SystemScope, id: string): Promise<void>
}

export function createNodeStore({ db }: Database): NodeStore {
  return {
    async list() {
      return (await db.selectFrom('nodes').selectAll().orderBy('registered_at').orderBy('id').execute()).map(nodeOf)
    },
    async put(_system, node) {
      const row = rowOf(node)
      const { id: _id, registered_at: _first, ...changing } = row
      await db
        .insertInto('nodes')
        .values(row)
        .onConflict((conflict) => conflict.column('id').doUpdateSet(changing))
        .execute()
    },
    async touch(_system, id, at) {
      const result = await db.updateTable('nodes').set({ heartbeat_at: at }).where('id', '=', id).executeTakeFirst()
      return Number(result.numUpdatedRows) === 1
    },
    async setDraining(_system, id, isDraining) {
      const result = await db
        .updateTable('nodes')
        .set({ is_draining: isDraining ? 1 : 0 })
        .where('id', '=', id)
        .executeTakeFirst()
      return Number(result.numUpdatedRows) === 1
    },
    async forget(_system, id, silentSince) {
      const result = await db
        .deleteFrom('nodes')
        .where('id', '=', id)
        .where('heartbeat_at', '<', silentSince)
        .executeTakeFirst()
      return Number(result.numDeletedRows) === 1
    },
    async forgetSilent(_system, since) {
      await db.deleteFrom('nodes').where('heartbeat_at', '<', since).execute()
    },
    async remove(_system, id) {
      await db.deleteFrom('nodes').where('id', '=', id).execute()
    },
  }
}

const nodeOf = (row: NodeRow): Node => ({
  id: row.id,
  hostname: row.hostname,
  version: row.version,
  cpuCores: row.cpu_cores,
  memoryBytes: Number(row.memory_bytes),
  isDraining: row.is_draining === 1,
  registeredAt: row.registered_at,
  startedAt: row.started_at,
  heartbeatAt: row.heartbeat_at,
})

const rowOf = (node: Node): NodeRow => ({
  id: node.id,
  hostname: node.hostname,
  version: node.version,
  cpu_cores: node.cpuCores,
  memory_bytes: node.memoryBytes,
  is_draining: node.isDraining ? 1 : 0,
  registered_at: node.registeredAt,
  started_at: node.startedAt,
  heartbeat_at: node.heartbeatAt,
})
