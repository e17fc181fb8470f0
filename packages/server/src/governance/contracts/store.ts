import type { Insertable, Selectable } from 'kysely'
import type { Database, Queryable } from '../../storage/database.ts'
import { containsText } from '../../storage/expressions.ts'
import type { ContractRow } from '../../storage/schema.ts'

/** One version of a contract of the library. */
export type Contract = Selectable<ContractRow>

export type ContractVersion = Pick<Contract, 'version' | 'created_at' | 'created_by'>

export interface ContractStore {
  /** Hold the tenant's library, contracts and compositions, until the transaction ends. */
  lock(tenantId: string, within: Queryable): Promise<void>
  insert(row: Insertable<ContractRow>, within: Queryable): Promise<void>
  /** The newest version, newest written first; without a filter all of the tenant. */
  listLatest(tenantId: string, filter?: { type?: string; search?: string }): Promise<Contract[]>
  findLatest(tenantId: string, contractId: string, within?: Queryable): Promise<Contract | undefined>
  findVersion(tenantId: string, contractId: string, version: number, within?: Queryable): Promise<Contract | undefined>
  /** Newest first. */
  versions(tenantId: string, contractId: string): Promise<ContractVersion[]>
  /** No version of the contract is the latest any more. */
  supersede(tenantId: string, contractId: string, within: Queryable): Promise<void>
  /** All versions. */
  remove(tenantId: string, contractId: string, within: Queryable): Promise<void>
}

const LARGEST_VERSION = 2_147_483_647

export function contractStore(database: Database): ContractStore {
  const { db } = database
  return {
    lock: (tenantId, within) => database.lock(`library:${tenantId}`, within as never),
    async insert(row, within) {
      await within.insertInto('contracts').values(row).execute()
    },
    listLatest(tenantId, { type, search } = {}) {
      let query = db.selectFrom('contracts').selectAll().where('tenant_id', '=', tenantId).where('is_latest', '=', 1)
      if (type) query = query.where('type', '=', type)
      if (search) query = query.where(containsText(database, ['name', 'description', 'contract_id'], search))
      return query.orderBy('created_at', 'desc').orderBy('seq', 'desc').execute()
    },
    findLatest: (tenantId, contractId, within = db) =>
      within
        .selectFrom('contracts')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('contract_id', '=', contractId)
        .where('is_latest', '=', 1)
        .executeTakeFirst(),
    async findVersion(tenantId, contractId, version, within = db) {
      if (version > LARGEST_VERSION || version < 1) return undefined
      return within
        .selectFrom('contracts')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('contract_id', '=', contractId)
        .where('version', '=', version)
        .executeTakeFirst()
    },
    versions: (tenantId, contractId) =>
      db
        .selectFrom('contracts')
        .select(['version', 'created_at', 'created_by'])
        .where('tenant_id', '=', tenantId)
        .where('contract_id', '=', contractId)
        .orderBy('version', 'desc')
        .execute(),
    async supersede(tenantId, contractId, within) {
      await within
        .updateTable('contracts')
        .set({ is_latest: 0 })
        .where('tenant_id', '=', tenantId)
        .where('contract_id', '=', contractId)
        .where('is_latest', '=', 1)
        .execute()
    },
    async remove(tenantId, contractId, within) {
      await within
        .deleteFrom('contracts')
        .where('tenant_id', '=', tenantId)
        .where('contract_id', '=', contractId)
        .execute()
    },
  }
}
