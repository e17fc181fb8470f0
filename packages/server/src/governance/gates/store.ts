import type { TenantScope } from '../../identity/scope.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import type { Micros } from '../../storage/instants.ts'
import { prepared } from '../../storage/prepared.ts'
import type { GateDocumentRow } from '../../storage/schema.ts'

/** A version of a document of kind `Workflow`, without its bytes. */
export interface GateDocumentInfo {
  readonly id: string
  readonly tenantId: string
  readonly name: string
  readonly version: number
  /** Lower-case hex SHA-256 of the bytes. */
  readonly revisionHash: string
  readonly stageCount: number
  readonly uploadedBy: string
  readonly createdAt: Micros
}

export interface GateDocument extends GateDocumentInfo {
  readonly yamlBytes: Uint8Array
}

/** The agents of a bundle in an environment go through these gates from then on. */
export interface GateDeployment {
  readonly id: string
  readonly tenantId: string
  readonly env: string
  readonly bundleName: string
  /** Null: through none. */
  readonly gates: { readonly name: string; readonly version: number } | null
  readonly deployedBy: string
  readonly createdAt: Micros
}

/** A version that is in force, without its bytes. */
export interface GatesInForce {
  readonly name: string
  readonly version: number
  readonly revisionHash: string
}

export interface GateStore {
  /** Hold the name's version numbers until the transaction ends. */
  lockName(scope: TenantScope, name: string, within: Queryable): Promise<void>
  latestVersion(scope: TenantScope, name: string, within: Queryable): Promise<number>
  insert(document: GateDocument, within: Queryable): Promise<void>
  find(scope: TenantScope, name: string, version: number, within?: Queryable): Promise<GateDocument | undefined>
  /** By name, the newest version first; with `name` only of that one. */
  list(scope: TenantScope, name?: string): Promise<GateDocumentInfo[]>
  /** Hold the tenant's deployments of gates until the transaction ends: their order is the order of commits. */
  lockDeployments(scope: TenantScope, within: Queryable): Promise<void>
  insertDeployment(deployment: GateDeployment, within: Queryable): Promise<void>
  /** What every call of an agent in the runtime asks; undefined where the newest deployment took the gates back, or there is none. */
  inForce(scope: TenantScope, env: string, bundleName: string): Promise<GatesInForce | undefined>
  /** The newest first. */
  deployments(
    scope: TenantScope,
    filter: { readonly env?: string | undefined; readonly bundleName: string; readonly limit: number },
  ): Promise<GateDeployment[]>
}

const LARGEST_VERSION = 2_147_483_647

const info = [
  'id',
  'tenant_id',
  'name',
  'version',
  'revision_hash',
  'stage_count',
  'uploaded_by',
  'created_at',
] as const

export function createGateStore(database: Database): GateStore {
  const { db } = database
  const selectInForce = prepared((on, of: { tenantId: string; env: string; bundleName: string }) =>
    on
      .selectFrom('gate_deployments as d')
      .leftJoin('gate_documents as g', (join) =>
        join
          .onRef('g.tenant_id', '=', 'd.tenant_id')
          .onRef('g.name', '=', 'd.gates_name')
          .onRef('g.version', '=', 'd.gates_version'),
      )
      .where('d.tenant_id', '=', of.tenantId)
      .where('d.env', '=', of.env)
      .where('d.bundle_name', '=', of.bundleName)
      .orderBy('d.seq', 'desc')
      .limit(1)
      .select(['g.name', 'g.version', 'g.revision_hash']),
  )
  return {
    lockName: ({ tenantId }, name, within) => database.lock(`gates:${tenantId}:${name}`, within as never),
    async latestVersion({ tenantId }, name, within) {
      const row = await within
        .selectFrom('gate_documents')
        .select((e) => e.fn.max('version').as('version'))
        .where('tenant_id', '=', tenantId)
        .where('name', '=', name)
        .executeTakeFirst()
      return row?.version ?? 0
    },
    async insert(document, within) {
      await within
        .insertInto('gate_documents')
        .values({
          id: document.id,
          tenant_id: document.tenantId,
          name: document.name,
          version: document.version,
          revision_hash: document.revisionHash,
          yaml_bytes: document.yamlBytes,
          stage_count: document.stageCount,
          uploaded_by: document.uploadedBy,
          created_at: document.createdAt,
        })
        .execute()
    },
    async find({ tenantId }, name, version, within = db) {
      if (version > LARGEST_VERSION || version < 1) return undefined
      const row = await within
        .selectFrom('gate_documents')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('name', '=', name)
        .where('version', '=', version)
        .executeTakeFirst()
      return row && { ...infoOf(row), yamlBytes: row.yaml_bytes }
    },
    async list({ tenantId }, name) {
      const rows = await db
        .selectFrom('gate_documents')
        .select(info)
        .where('tenant_id', '=', tenantId)
        .$if(name !== undefined, (query) => query.where('name', '=', name ?? ''))
        .orderBy('name')
        .orderBy('version', 'desc')
        .execute()
      return rows.map(infoOf)
    },
    lockDeployments: ({ tenantId }, within) => database.lock(`gate-deployments:${tenantId}`, within as never),
    async insertDeployment(deployment, within) {
      await within
        .insertInto('gate_deployments')
        .values({
          id: deployment.id,
          tenant_id: deployment.tenantId,
          env: deployment.env,
          bundle_name: deployment.bundleName,
          gates_name: deployment.gates?.name ?? null,
          gates_version: deployment.gates?.version ?? null,
          deployed_by: deployment.deployedBy,
          created_at: deployment.createdAt,
        })
        .execute()
    },
    async inForce({ tenantId }, env, bundleName) {
      const [row] = await selectInForce(db, { tenantId, env, bundleName })
      if (!row || row.name === null || row.version === null || row.revision_hash === null) return undefined
      return { name: row.name, version: row.version, revisionHash: row.revision_hash }
    },
    async deployments({ tenantId }, { env, bundleName, limit }) {
      const rows = await db
        .selectFrom('gate_deployments')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('bundle_name', '=', bundleName)
        .$if(env !== undefined, (query) => query.where('env', '=', env ?? ''))
        .orderBy('seq', 'desc')
        .limit(limit)
        .execute()
      return rows.map((row) => ({
        id: row.id,
        tenantId: row.tenant_id,
        env: row.env,
        bundleName: row.bundle_name,
        gates:
          row.gates_name === null || row.gates_version === null
            ? null
            : { name: row.gates_name, version: row.gates_version },
        deployedBy: row.deployed_by,
        createdAt: row.created_at,
      }))
    },
  }
}

const infoOf = (row: Pick<GateDocumentRow, (typeof info)[number]>): GateDocumentInfo => ({
  id: row.id,
  tenantId: row.tenant_id,
  name: row.name,
  version: row.version,
  revisionHash: row.revision_hash,
  stageCount: row.stage_count,
  uploadedBy: row.uploaded_by,
  createdAt: row.created_at,
})
