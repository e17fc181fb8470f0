import { type Selectable, sql } from 'kysely'
import type { TenantScope } from '../../identity/scope.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import type { Micros } from '../../storage/instants.ts'
import type { CompositionRow } from '../../storage/schema.ts'
import type { ContractUses } from '../contracts/uses.ts'

type Json = Readonly<Record<string, unknown>>

/** What a bundle is assembled from. */
export interface Composition {
  readonly id: string
  readonly tenantId: string
  readonly name: string
  readonly description: string | null
  readonly defaultsMode: string
  readonly updateStrategy: string
  readonly toolsConfig: Json | null
  readonly observability: Json | null
  readonly createdBy: string
  readonly createdAt: Micros
  readonly updatedAt: Micros
}

/** Undefined means unchanged. */
export type CompositionUpdate = {
  readonly [K in 'description' | 'defaultsMode' | 'updateStrategy' | 'toolsConfig' | 'observability']?:
    | Composition[K]
    | undefined
} & Pick<Composition, 'updatedAt'>

/** Which version of a contract an item stands for, and the newer one that is only observed beside it. */
export interface PinnedVersions {
  readonly pinnedVersion: number
  readonly observedVersion: number | null
}

export interface PinnedItem extends PinnedVersions {
  readonly contractId: string
  readonly position: number
  readonly modeOverride: string | null
  readonly enabled: boolean
}

/** An item with what its versions say. */
export interface CompositionItem extends PinnedItem {
  /** Of the pinned version. */
  readonly name: string
  readonly type: string
  readonly definition: Json
  /** Of the observed version, if there is one. */
  readonly observedDefinition: Json | null
  readonly latestVersion: number
}

export interface CompositionStore extends ContractUses {
  /** Newest change first. */
  list(scope: TenantScope): Promise<(Composition & { contractCount: number })[]>
  find(scope: TenantScope, name: string, within?: Queryable): Promise<Composition | undefined>
  insert(composition: Composition, within: Queryable): Promise<void>
  update(id: string, change: CompositionUpdate, within: Queryable): Promise<void>
  /** With its items. */
  remove(id: string, within: Queryable): Promise<void>
  /** By position. */
  items(compositionId: string, within?: Queryable): Promise<CompositionItem[]>
  replaceItems(
    scope: TenantScope,
    compositionId: string,
    items: readonly PinnedItem[],
    within: Queryable,
  ): Promise<void>
  pin(compositionId: string, contractId: string, versions: PinnedVersions, within: Queryable): Promise<void>
  /** Those that use one of the contracts and take up new versions by themselves. */
  followersOf(scope: TenantScope, contractIds: readonly string[], within: Queryable): Promise<Composition[]>
}

export function createCompositionStore({ db }: Database): CompositionStore {
  return {
    async list({ tenantId }) {
      const rows = await db
        .selectFrom('compositions as c')
        .selectAll('c')
        .select((e) =>
          e
            .selectFrom('composition_items as i')
            .whereRef('i.composition_id', '=', 'c.id')
            .select((i) => i.fn.countAll<number>().as('count'))
            .as('contract_count'),
        )
        .where('c.tenant_id', '=', tenantId)
        .orderBy('c.updated_at', 'desc')
        .orderBy('c.seq', 'desc')
        .execute()
      return rows.map((row) => ({ ...compositionOf(row), contractCount: Number(row.contract_count) }))
    },
    async find({ tenantId }, name, within = db) {
      const row = await within
        .selectFrom('compositions')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('name', '=', name)
        .executeTakeFirst()
      return row && compositionOf(row)
    },
    async insert(composition, within) {
      await within
        .insertInto('compositions')
        .values({
          id: composition.id,
          tenant_id: composition.tenantId,
          name: composition.name,
          description: composition.description,
          defaults_mode: composition.defaultsMode,
          update_strategy: composition.updateStrategy,
          tools_config: jsonOrNull(composition.toolsConfig),
          observability: jsonOrNull(composition.observability),
          created_by: composition.createdBy,
          created_at: composition.createdAt,
          updated_at: composition.updatedAt,
        })
        .execute()
    },
    async update(id, change, within) {
      // What is undefined is not written.
      await within
        .updateTable('compositions')
        .set({
          description: change.description,
          defaults_mode: change.defaultsMode,
          update_strategy: change.updateStrategy,
          tools_config: change.toolsConfig === undefined ? undefined : jsonOrNull(change.toolsConfig),
          observability: change.observability === undefined ? undefined : jsonOrNull(change.observability),
          updated_at: change.updatedAt,
        })
        .where('id', '=', id)
        .execute()
    },
    async remove(id, within) {
      await within.deleteFrom('compositions').where('id', '=', id).execute()
    },
    async items(compositionId, within = db) {
      const rows = await within
        .selectFrom('composition_items as i')
        .innerJoin('contracts as pinned', (join) =>
          join
            .onRef('pinned.tenant_id', '=', 'i.tenant_id')
            .onRef('pinned.contract_id', '=', 'i.contract_id')
            .onRef('pinned.version', '=', 'i.pinned_version'),
        )
        .innerJoin('contracts as latest', (join) =>
          join
            .onRef('latest.tenant_id', '=', 'i.tenant_id')
            .onRef('latest.contract_id', '=', 'i.contract_id')
            .on('latest.is_latest', '=', 1),
        )
        .leftJoin('contracts as observed', (join) =>
          join
            .onRef('observed.tenant_id', '=', 'i.tenant_id')
            .onRef('observed.contract_id', '=', 'i.contract_id')
            .onRef('observed.version', '=', 'i.observed_version'),
        )
        .where('i.composition_id', '=', compositionId)
        .select([
          'i.contract_id',
          'i.pinned_version',
          'i.observed_version',
          'i.position',
          'i.mode_override',
          'i.enabled',
          'pinned.name',
          'pinned.type',
          'pinned.definition',
          'observed.definition as observed_definition',
          'latest.version as latest_version',
        ])
        .orderBy('i.position')
        .orderBy('i.seq')
        .execute()
      return rows.map((row) => ({
        contractId: row.contract_id,
        pinnedVersion: row.pinned_version,
        observedVersion: row.observed_version,
        position: row.position,
        modeOverride: row.mode_override,
        enabled: row.enabled === 1,
        name: row.name,
        type: row.type,
        definition: JSON.parse(row.definition) as Json,
        observedDefinition: parsedOrNull(row.observed_definition),
        latestVersion: row.latest_version,
      }))
    },
    async replaceItems({ tenantId }, compositionId, items, within) {
      await within.deleteFrom('composition_items').where('composition_id', '=', compositionId).execute()
      if (items.length > 0)
        await within
          .insertInto('composition_items')
          .values(
            items.map((item) => ({
              tenant_id: tenantId,
              composition_id: compositionId,
              contract_id: item.contractId,
              pinned_version: item.pinnedVersion,
              observed_version: item.observedVersion,
              position: item.position,
              mode_override: item.modeOverride,
              enabled: item.enabled ? 1 : 0,
            })),
          )
          .execute()
    },
    async pin(compositionId, contractId, { pinnedVersion, observedVersion }, within) {
      await within
        .updateTable('composition_items')
        .set({ pinned_version: pinnedVersion, observed_version: observedVersion })
        .where('composition_id', '=', compositionId)
        .where('contract_id', '=', contractId)
        .execute()
    },
    async usesOf({ tenantId }, contractId, within = db) {
      const rows = await within
        .selectFrom('composition_items as i')
        .innerJoin('compositions as c', 'c.id', 'i.composition_id')
        .where('i.tenant_id', '=', tenantId)
        .where('i.contract_id', '=', contractId)
        .select(['c.id', 'c.name'])
        .orderBy('c.name')
        .execute()
      return rows.map((row) => ({ compositionId: row.id, compositionName: row.name }))
    },
    async useCounts({ tenantId }) {
      const rows = await db
        .selectFrom('composition_items')
        .where('tenant_id', '=', tenantId)
        .select((e) => ['contract_id', e.fn.countAll<number>().as('count')])
        .groupBy('contract_id')
        .execute()
      return new Map(rows.map((row) => [row.contract_id, Number(row.count)]))
    },
    async followersOf({ tenantId }, contractIds, within) {
      if (contractIds.length === 0) return []
      // Sorted out here: an import may name more contracts than a statement may have parameters.
      const ids = new Set(contractIds)
      const rows = await within
        .selectFrom('compositions as c')
        .innerJoin('composition_items as i', 'i.composition_id', 'c.id')
        .where('c.tenant_id', '=', tenantId)
        .where('c.update_strategy', '<>', sql.lit('manual'))
        .selectAll('c')
        .select('i.contract_id')
        .orderBy('c.seq')
        .execute()
      const using = rows.filter((row) => ids.has(row.contract_id))
      return [...new Map(using.map((row) => [row.id, row])).values()].map(compositionOf)
    },
  }
}

const compositionOf = (row: Selectable<CompositionRow>): Composition => ({
  id: row.id,
  tenantId: row.tenant_id,
  name: row.name,
  description: row.description,
  defaultsMode: row.defaults_mode,
  updateStrategy: row.update_strategy,
  toolsConfig: parsedOrNull(row.tools_config),
  observability: parsedOrNull(row.observability),
  createdBy: row.created_by,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
})

const jsonOrNull = (value: Json | null): string | null => (value === null ? null : JSON.stringify(value))
const parsedOrNull = (json: string | null): Json | null => (json === null ? null : (JSON.parse(json) as Json))
