import { type Insertable, type Selectable, sql, type Updateable } from 'kysely'
import type { Database, Queryable } from '../../storage/database.ts'
import type { CompositionItemRow, CompositionRow } from '../../storage/schema.ts'

export type Composition = Selectable<CompositionRow>

export type CompositionUse = { readonly composition_id: string; readonly composition_name: string }

/** An item with what its versions say. */
export interface CompositionItem {
  readonly contract_id: string
  readonly pinned_version: number
  readonly observed_version: number | null
  readonly position: number
  readonly mode_override: string | null
  readonly enabled: number
  /** Of the pinned version. */
  readonly name: string
  readonly type: string
  /** JSON. */
  readonly definition: string
  /** JSON of the observed version, if there is one. */
  readonly observed_definition: string | null
  readonly latest_version: number
}

export interface CompositionStore {
  /** Newest change first. */
  list(tenantId: string): Promise<(Composition & { contract_count: number })[]>
  find(tenantId: string, name: string, within?: Queryable): Promise<Composition | undefined>
  insert(row: Insertable<CompositionRow>, within: Queryable): Promise<void>
  update(id: string, changed: Updateable<CompositionRow>, within: Queryable): Promise<void>
  /** With its items. */
  remove(id: string, within: Queryable): Promise<void>
  /** By position. */
  items(compositionId: string, within?: Queryable): Promise<CompositionItem[]>
  replaceItems(compositionId: string, rows: readonly Insertable<CompositionItemRow>[], within: Queryable): Promise<void>
  pin(
    compositionId: string,
    contractId: string,
    versions: { pinned_version: number; observed_version: number | null },
    within: Queryable,
  ): Promise<void>
  /** Compositions that use any version of the contract, by name. */
  usesOf(tenantId: string, contractId: string, within?: Queryable): Promise<CompositionUse[]>
  /** By contract id. */
  useCounts(tenantId: string): Promise<ReadonlyMap<string, number>>
  /** Those that use one of the contracts and take up new versions by themselves. */
  followersOf(tenantId: string, contractIds: readonly string[], within: Queryable): Promise<Composition[]>
}

export function compositionStore({ db }: Database): CompositionStore {
  return {
    async list(tenantId) {
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
      return rows.map((row) => ({ ...row, contract_count: Number(row.contract_count) }))
    },
    find: (tenantId, name, within = db) =>
      within
        .selectFrom('compositions')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('name', '=', name)
        .executeTakeFirst(),
    async insert(row, within) {
      await within.insertInto('compositions').values(row).execute()
    },
    async update(id, changed, within) {
      await within.updateTable('compositions').set(changed).where('id', '=', id).execute()
    },
    async remove(id, within) {
      await within.deleteFrom('compositions').where('id', '=', id).execute()
    },
    items: (compositionId, within = db) =>
      within
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
        .execute(),
    async replaceItems(compositionId, rows, within) {
      await within.deleteFrom('composition_items').where('composition_id', '=', compositionId).execute()
      if (rows.length > 0)
        await within
          .insertInto('composition_items')
          .values([...rows])
          .execute()
    },
    async pin(compositionId, contractId, versions, within) {
      await within
        .updateTable('composition_items')
        .set(versions)
        .where('composition_id', '=', compositionId)
        .where('contract_id', '=', contractId)
        .execute()
    },
    usesOf: (tenantId, contractId, within = db) =>
      within
        .selectFrom('composition_items as i')
        .innerJoin('compositions as c', 'c.id', 'i.composition_id')
        .where('i.tenant_id', '=', tenantId)
        .where('i.contract_id', '=', contractId)
        .select(['c.id as composition_id', 'c.name as composition_name'])
        .orderBy('c.name')
        .execute(),
    async useCounts(tenantId) {
      const rows = await db
        .selectFrom('composition_items')
        .where('tenant_id', '=', tenantId)
        .select((e) => ['contract_id', e.fn.countAll<number>().as('count')])
        .groupBy('contract_id')
        .execute()
      return new Map(rows.map((row) => [row.contract_id, Number(row.count)]))
    },
    async followersOf(tenantId, contractIds, within) {
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
      return [...new Map(using.map(({ contract_id, ...composition }) => [composition.id, composition])).values()]
    },
  }
}
