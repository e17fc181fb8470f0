import type { Database, Queryable } from '../../storage/database.ts'
import type { BundleRow } from '../../storage/schema.ts'

/** A version without its bytes. */
export type BundleInfo = Omit<BundleRow, 'yaml_bytes' | 'composition_id' | 'composition_snapshot'>

/** All that is known of one name, over the versions that count. */
export interface BundleSummaryRow {
  readonly name: string
  readonly latest_version: number
  readonly version_count: number
  readonly last_updated: number
  readonly contract_count: number | null
}

export interface BundleStore {
  /** Hold the name's version numbers until the transaction ends. */
  lockName(tenantId: string, name: string, within: Queryable): Promise<void>
  latestVersion(tenantId: string, name: string, within: Queryable): Promise<number>
  insert(row: BundleRow, within: Queryable): Promise<void>
  find(tenantId: string, name: string, version: number, within?: Queryable): Promise<BundleRow | undefined>
  /** Newest first. */
  versions(tenantId: string, name: string): Promise<BundleInfo[]>
  setSignature(id: string, signature: Uint8Array, within: Queryable): Promise<void>
  /** The composition goes; the bundles made from it stay. */
  forgetComposition(tenantId: string, compositionId: string, within: Queryable): Promise<void>
  /** One row per name; with `env` only versions that were ever deployed there count. */
  summaries(tenantId: string, env: string | null): Promise<BundleSummaryRow[]>
}

const info = [
  'id',
  'tenant_id',
  'name',
  'version',
  'revision_hash',
  'signature',
  'contract_count',
  'source_hub_slug',
  'source_hub_revision',
  'uploaded_by',
  'created_at',
] as const

const LARGEST_VERSION = 2_147_483_647

export function bundleStore(database: Database): BundleStore {
  const { db } = database
  return {
    lockName: (tenantId, name, within) => database.lock(`bundle:${tenantId}:${name}`, within as never),
    async latestVersion(tenantId, name, within) {
      const row = await within
        .selectFrom('bundles')
        .select((e) => e.fn.max('version').as('version'))
        .where('tenant_id', '=', tenantId)
        .where('name', '=', name)
        .executeTakeFirst()
      return row?.version ?? 0
    },
    async insert(row, within) {
      await within.insertInto('bundles').values(row).execute()
    },
    async find(tenantId, name, version, within = db) {
      if (version > LARGEST_VERSION || version < 1) return undefined
      return within
        .selectFrom('bundles')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('name', '=', name)
        .where('version', '=', version)
        .executeTakeFirst()
    },
    versions: (tenantId, name) =>
      db
        .selectFrom('bundles')
        .select(info)
        .where('tenant_id', '=', tenantId)
        .where('name', '=', name)
        .orderBy('version', 'desc')
        .execute(),
    async setSignature(id, signature, within) {
      await within.updateTable('bundles').set({ signature }).where('id', '=', id).execute()
    },
    async forgetComposition(tenantId, compositionId, within) {
      await within
        .updateTable('bundles')
        .set({ composition_id: null })
        .where('tenant_id', '=', tenantId)
        .where('composition_id', '=', compositionId)
        .execute()
    },
    async summaries(tenantId, env) {
      const counted = db
        .selectFrom('bundles as b')
        .where('b.tenant_id', '=', tenantId)
        .$if(env !== null, (query) =>
          query.where((e) =>
            e.exists(
              e
                .selectFrom('deployments as d')
                .select('d.id')
                .whereRef('d.tenant_id', '=', 'b.tenant_id')
                .whereRef('d.bundle_name', '=', 'b.name')
                .whereRef('d.bundle_version', '=', 'b.version')
                .where('d.env', '=', env ?? ''),
            ),
          ),
        )
        .select((e) => [
          'b.name',
          e.fn.max('b.version').as('latest_version'),
          e.fn.countAll<number>().as('version_count'),
          e.fn.max('b.created_at').as('last_updated'),
        ])
        .groupBy('b.name')
        .as('counted')
      const rows = await db
        .selectFrom(counted)
        .innerJoin('bundles as latest', (join) =>
          join
            .onRef('latest.name', '=', 'counted.name')
            .onRef('latest.version', '=', 'counted.latest_version')
            .on('latest.tenant_id', '=', tenantId),
        )
        .select([
          'counted.name',
          'counted.latest_version',
          'counted.version_count',
          'counted.last_updated',
          'latest.contract_count',
        ])
        .orderBy('counted.last_updated', 'desc')
        .orderBy('counted.name')
        .execute()
      return rows.map((row) => ({ ...row, version_count: Number(row.version_count) }))
    },
  }
}
