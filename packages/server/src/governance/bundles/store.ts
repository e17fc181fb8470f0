import type { TenantScope } from '../../identity/scope.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import type { Micros } from '../../storage/instants.ts'
import type { BundleRow } from '../../storage/schema.ts'

/** A version without its bytes. */
export interface BundleInfo {
  readonly id: string
  readonly tenantId: string
  readonly name: string
  readonly version: number
  /** Lower-case hex SHA-256 of the bytes. */
  readonly revisionHash: string
  /** Ed25519 over the bytes; null before the first deployment. */
  readonly signature: Uint8Array | null
  readonly contractCount: number | null
  readonly sourceHubSlug: string | null
  readonly sourceHubRevision: string | null
  readonly uploadedBy: string
  readonly createdAt: Micros
}

export interface Bundle extends BundleInfo {
  readonly yamlBytes: Uint8Array
  /** The composition it was made from, where that one still exists. */
  readonly compositionId: string | null
  /** JSON of what was assembled. */
  readonly compositionSnapshot: string | null
}

/** All that is known of one name, over the versions that count. */
export interface VersionsOfName {
  readonly name: string
  readonly latestVersion: number
  readonly versionCount: number
  readonly lastUpdated: Micros
  readonly contractCount: number | null
}

export interface BundleStore {
  /** Hold the name's version numbers until the transaction ends. */
  lockName(scope: TenantScope, name: string, within: Queryable): Promise<void>
  latestVersion(scope: TenantScope, name: string, within: Queryable): Promise<number>
  insert(bundle: Bundle, within: Queryable): Promise<void>
  find(scope: TenantScope, name: string, version: number, within?: Queryable): Promise<Bundle | undefined>
  /** Newest first. */
  versions(scope: TenantScope, name: string): Promise<BundleInfo[]>
  setSignature(id: string, signature: Uint8Array, within: Queryable): Promise<void>
  /** The composition goes; the bundles made from it stay. */
  forgetComposition(scope: TenantScope, compositionId: string, within: Queryable): Promise<void>
  /** One entry per name; with `env` only versions that were ever deployed there count. */
  summaries(scope: TenantScope, env: string | null): Promise<VersionsOfName[]>
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

export function createBundleStore(database: Database): BundleStore {
  const { db } = database
  return {
    lockName: ({ tenantId }, name, within) => database.lock(`bundle:${tenantId}:${name}`, within as never),
    async latestVersion({ tenantId }, name, within) {
      const row = await within
        .selectFrom('bundles')
        .select((e) => e.fn.max('version').as('version'))
        .where('tenant_id', '=', tenantId)
        .where('name', '=', name)
        .executeTakeFirst()
      return row?.version ?? 0
    },
    async insert(bundle, within) {
      await within.insertInto('bundles').values(rowOf(bundle)).execute()
    },
    async find({ tenantId }, name, version, within = db) {
      if (version > LARGEST_VERSION || version < 1) return undefined
      const row = await within
        .selectFrom('bundles')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('name', '=', name)
        .where('version', '=', version)
        .executeTakeFirst()
      return row && bundleOf(row)
    },
    async versions({ tenantId }, name) {
      const rows = await db
        .selectFrom('bundles')
        .select(info)
        .where('tenant_id', '=', tenantId)
        .where('name', '=', name)
        .orderBy('version', 'desc')
        .execute()
      return rows.map(infoOf)
    },
    async setSignature(id, signature, within) {
      await within.updateTable('bundles').set({ signature }).where('id', '=', id).execute()
    },
    async forgetComposition({ tenantId }, compositionId, within) {
      await within
        .updateTable('bundles')
        .set({ composition_id: null })
        .where('tenant_id', '=', tenantId)
        .where('composition_id', '=', compositionId)
        .execute()
    },
    async summaries({ tenantId }, env) {
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
      return rows.map((row) => ({
        name: row.name,
        latestVersion: row.latest_version,
        versionCount: Number(row.version_count),
        lastUpdated: row.last_updated,
        contractCount: row.contract_count,
      }))
    },
  }
}

const infoOf = (row: Pick<BundleRow, (typeof info)[number]>): BundleInfo => ({
  id: row.id,
  tenantId: row.tenant_id,
  name: row.name,
  version: row.version,
  revisionHash: row.revision_hash,
  signature: row.signature,
  contractCount: row.contract_count,
  sourceHubSlug: row.source_hub_slug,
  sourceHubRevision: row.source_hub_revision,
  uploadedBy: row.uploaded_by,
  createdAt: row.created_at,
})

/** For stores that join bundles. */
export const bundleOf = (row: BundleRow): Bundle => ({
  ...infoOf(row),
  yamlBytes: row.yaml_bytes,
  compositionId: row.composition_id,
  compositionSnapshot: row.composition_snapshot,
})

const rowOf = (bundle: Bundle): BundleRow => ({
  id: bundle.id,
  tenant_id: bundle.tenantId,
  name: bundle.name,
  version: bundle.version,
  revision_hash: bundle.revisionHash,
  yaml_bytes: bundle.yamlBytes,
  signature: bundle.signature,
  contract_count: bundle.contractCount,
  source_hub_slug: bundle.sourceHubSlug,
  source_hub_revision: bundle.sourceHubRevision,
  uploaded_by: bundle.uploadedBy,
  composition_id: bundle.compositionId,
  composition_snapshot: bundle.compositionSnapshot,
  created_at: bundle.createdAt,
})
