import type { Selectable } from 'kysely'
import type { TenantScope } from '../../identity/scope.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import { containsText } from '../../storage/expressions.ts'
import type { Micros } from '../../storage/instants.ts'
import type { ContractRow } from '../../storage/schema.ts'

/** One version of a contract of the library. */
export interface Contract {
  readonly id: string
  readonly tenantId: string
  readonly contractId: string
  readonly version: number
  readonly type: string
  readonly name: string
  readonly description: string | null
  readonly definition: Readonly<Record<string, unknown>>
  readonly tags: readonly string[]
  readonly isLatest: boolean
  readonly createdBy: string
  readonly createdAt: Micros
}

export type ContractVersion = Pick<Contract, 'version' | 'createdAt' | 'createdBy'>

export interface ContractStore {
  /** Hold the tenant's library, contracts and compositions, until the transaction ends. */
  lock(scope: TenantScope, within: Queryable): Promise<void>
  insert(contract: Contract, within: Queryable): Promise<void>
  /** The newest version, newest written first; without a filter all of the tenant. */
  listLatest(scope: TenantScope, filter?: { type?: string; search?: string }): Promise<Contract[]>
  findLatest(scope: TenantScope, contractId: string, within?: Queryable): Promise<Contract | undefined>
  findVersion(
    scope: TenantScope,
    contractId: string,
    version: number,
    within?: Queryable,
  ): Promise<Contract | undefined>
  /** Newest first. */
  versions(scope: TenantScope, contractId: string): Promise<ContractVersion[]>
  /** No version of the contract is the latest any more. */
  supersede(scope: TenantScope, contractId: string, within: Queryable): Promise<void>
  /** All versions. */
  remove(scope: TenantScope, contractId: string, within: Queryable): Promise<void>
}

const LARGEST_VERSION = 2_147_483_647

export function createContractStore(database: Database): ContractStore {
  const { db } = database
  return {
    lock: ({ tenantId }, within) => database.lock(`library:${tenantId}`, within as never),
    async insert(contract, within) {
      await within
        .insertInto('contracts')
        .values({
          id: contract.id,
          tenant_id: contract.tenantId,
          contract_id: contract.contractId,
          version: contract.version,
          type: contract.type,
          name: contract.name,
          description: contract.description,
          definition: JSON.stringify(contract.definition),
          tags: JSON.stringify(contract.tags),
          is_latest: contract.isLatest ? 1 : 0,
          created_by: contract.createdBy,
          created_at: contract.createdAt,
        })
        .execute()
    },
    async listLatest({ tenantId }, { type, search } = {}) {
      let query = db.selectFrom('contracts').selectAll().where('tenant_id', '=', tenantId).where('is_latest', '=', 1)
      if (type) query = query.where('type', '=', type)
      if (search) query = query.where(containsText(database, ['name', 'description', 'contract_id'], search))
      return (await query.orderBy('created_at', 'desc').orderBy('seq', 'desc').execute()).map(contractOf)
    },
    async findLatest({ tenantId }, contractId, within = db) {
      const row = await within
        .selectFrom('contracts')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('contract_id', '=', contractId)
        .where('is_latest', '=', 1)
        .executeTakeFirst()
      return row && contractOf(row)
    },
    async findVersion({ tenantId }, contractId, version, within = db) {
      if (version > LARGEST_VERSION || version < 1) return undefined
      const row = await within
        .selectFrom('contracts')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('contract_id', '=', contractId)
        .where('version', '=', version)
        .executeTakeFirst()
      return row && contractOf(row)
    },
    async versions({ tenantId }, contractId) {
      const rows = await db
        .selectFrom('contracts')
        .select(['version', 'created_at', 'created_by'])
        .where('tenant_id', '=', tenantId)
        .where('contract_id', '=', contractId)
        .orderBy('version', 'desc')
        .execute()
      return rows.map((row) => ({ version: row.version, createdAt: row.created_at, createdBy: row.created_by }))
    },
    async supersede({ tenantId }, contractId, within) {
      await within
        .updateTable('contracts')
        .set({ is_latest: 0 })
        .where('tenant_id', '=', tenantId)
        .where('contract_id', '=', contractId)
        .where('is_latest', '=', 1)
        .execute()
    },
    async remove({ tenantId }, contractId, within) {
      await within
        .deleteFrom('contracts')
        .where('tenant_id', '=', tenantId)
        .where('contract_id', '=', contractId)
        .execute()
    },
  }
}

const contractOf = (row: Selectable<ContractRow>): Contract => ({
  id: row.id,
  tenantId: row.tenant_id,
  contractId: row.contract_id,
  version: row.version,
  type: row.type,
  name: row.name,
  description: row.description,
  definition: JSON.parse(row.definition) as Record<string, unknown>,
  tags: JSON.parse(row.tags) as string[],
  isLatest: row.is_latest === 1,
  createdBy: row.created_by,
  createdAt: row.created_at,
})
