import type { Selectable } from 'kysely'
import { sql } from 'kysely'
import type { TenantScope } from '../../identity/scope.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import type { Micros } from '../../storage/instants.ts'
import type { VolumeRow } from '../../storage/schema.ts'
import type { Owner, Volume } from './volume.ts'

/** A volume in the workspace of an execution. */
export interface Mount {
  readonly volumeId: string
  readonly executionId: string
  readonly name: string
  readonly mountPath: string
  readonly access: 'read-only' | 'read-write'
}

/** SQL for volumes, for what is promised to uploads under way, and for mounts. */
export interface VolumeStore {
  /** Changes of one owner's volumes take turns from here to the end of the transaction. */
  lockOwner(scope: TenantScope, owner: Owner, within: Queryable): Promise<void>
  /** False when the owner has one of this label. */
  insert(volume: Volume, within: Queryable): Promise<boolean>
  find(scope: TenantScope, id: string, within?: Queryable): Promise<Volume | null>
  findLabelled(scope: TenantScope, owner: Owner, label: string, within?: Queryable): Promise<Volume | null>
  /** By label. */
  list(scope: TenantScope, owner: Owner): Promise<Volume[]>
  /** What the owner has of ordinary volumes: how many, the sum of their limits; and bytes of all. */
  totals(
    scope: TenantScope,
    owner: Owner,
    within?: Queryable,
  ): Promise<{ count: number; allocated: number; used: number }>
  rename(id: string, label: string, within: Queryable): Promise<boolean>
  /** With its files; their blobs become garbage. */
  delete(id: string, at: Micros, within: Queryable): Promise<void>
  /** Its time is over. */
  expire(id: string, at: Micros): Promise<void>
  /** Ephemeral volumes whose time is over and that nothing is attached to. */
  listExpired(at: Micros): Promise<Volume[]>

  /** Changes of a volume's files take turns from here to the end of the transaction; null when there is no such volume. */
  lock(id: string, within: Queryable): Promise<Volume | null>
  /** Count `used` bytes of files more, and `reserved` bytes promised; false, and nothing counted, where they do not fit. */
  count(id: string, more: { used: number; reserved: number }, within: Queryable): Promise<boolean>
  /** Bytes that may still be promised. */
  free(id: string, within?: Queryable): Promise<number>

  attach(mount: Mount, at: Micros, within: Queryable): Promise<void>
  mountsOf(executionId: string): Promise<Mount[]>
  detach(executionId: string, at: Micros, within: Queryable): Promise<Mount[]>
  /** Executions that have volumes. */
  listAttached(): Promise<{ readonly id: string; readonly tenantId: string }[]>
}

export function createVolumeStore(database: Database): VolumeStore {
  const { db } = database

  const selected = (within: Queryable) =>
    within
      .selectFrom('volumes')
      .selectAll('volumes')
      .select((e) =>
        e
          .selectFrom('volume_mounts')
          .select((m) => m.fn.countAll<number>().as('count'))
          .whereRef('volume_mounts.volume_id', '=', 'volumes.id')
          .where('released_at', 'is', null)
          .as('mounts'),
      )

  return {
    async lockOwner({ tenantId }, { kind, id }, within) {
      await database.lock(`volumes:${tenantId}:${kind}:${id}`, within as never)
    },
    async insert(volume, within) {
      const result = await within
        .insertInto('volumes')
        .values({
          id: volume.id,
          tenant_id: volume.tenantId,
          owner_kind: volume.owner.kind,
          owner_id: volume.owner.id,
          purpose: volume.purpose,
          label: volume.label,
          storage_class: volume.storageClass,
          size_limit: volume.sizeLimit,
          used_bytes: volume.usedBytes,
          reserved_bytes: 0,
          created_by: volume.createdBy,
          created_at: volume.createdAt,
          expires_at: volume.expiresAt,
        })
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst()
      return Number(result.numInsertedOrUpdatedRows) === 1
    },
    async find({ tenantId }, id, within = db) {
      const row = await selected(within).where('tenant_id', '=', tenantId).where('id', '=', id).executeTakeFirst()
      return row ? volumeOf(row) : null
    },
    async findLabelled({ tenantId }, owner, label, within = db) {
      const row = await selected(within)
        .where('tenant_id', '=', tenantId)
        .where('owner_kind', '=', owner.kind)
        .where('owner_id', '=', owner.id)
        .where('label', '=', label)
        .executeTakeFirst()
      return row ? volumeOf(row) : null
    },
    async list({ tenantId }, owner) {
      const rows = await selected(db)
        .where('tenant_id', '=', tenantId)
        .where('owner_kind', '=', owner.kind)
        .where('owner_id', '=', owner.id)
        .orderBy('created_at')
        .orderBy('label')
        .execute()
      return rows.map(volumeOf)
    },
    async totals({ tenantId }, owner, within = db) {
      const row = await within
        .selectFrom('volumes')
        .select((e) => [
          e.fn.sum<number>(e.case().when('purpose', '=', 'files').then(1).else(0).end()).as('count'),
          e.fn
            .sum<number>(e.case().when('purpose', '=', 'files').then(e.ref('size_limit')).else(0).end())
            .as('allocated'),
          e.fn.sum<number>('used_bytes').as('used'),
        ])
        .where('tenant_id', '=', tenantId)
        .where('owner_kind', '=', owner.kind)
        .where('owner_id', '=', owner.id)
        .executeTakeFirst()
      return { count: Number(row?.count ?? 0), allocated: Number(row?.allocated ?? 0), used: Number(row?.used ?? 0) }
    },
    async rename(id, label, within) {
      const taken = await within
        .selectFrom('volumes as mine')
        .innerJoin('volumes as other', (join) =>
          join
            .onRef('other.tenant_id', '=', 'mine.tenant_id')
            .onRef('other.owner_kind', '=', 'mine.owner_kind')
            .onRef('other.owner_id', '=', 'mine.owner_id'),
        )
        .select('other.id')
        .where('mine.id', '=', id)
        .where('other.label', '=', label)
        .where('other.id', '!=', id)
        .executeTakeFirst()
      if (taken) return false
      await within.updateTable('volumes').set({ label }).where('id', '=', id).execute()
      return true
    },
    async delete(id, at, within) {
      await within
        .insertInto('volume_garbage')
        .columns(['blob_key', 'created_at'])
        .expression((e) =>
          e
            .selectFrom('volume_files')
            .select((s) => [
              s.ref('blob_key').$notNull().as('blob_key'),
              sql<number>`cast(${at} as bigint)`.as('created_at'),
            ])
            .where('volume_id', '=', id)
            .where('blob_key', 'is not', null),
        )
        .execute()
      await within.deleteFrom('volume_files').where('volume_id', '=', id).execute()
      await within.deleteFrom('volumes').where('id', '=', id).execute()
    },
    async expire(id, at) {
      await db.updateTable('volumes').set({ expires_at: at }).where('id', '=', id).execute()
    },
    async listExpired(at) {
      const rows = await selected(db).where('expires_at', '<=', at).execute()
      return rows.map(volumeOf).filter(({ isAttached }) => !isAttached)
    },

    async lock(id, within) {
      // A write, so that it also holds where a read would not.
      const locked = await within
        .updateTable('volumes')
        .set((e) => ({ used_bytes: e.ref('used_bytes') }))
        .where('id', '=', id)
        .executeTakeFirst()
      if (Number(locked.numUpdatedRows) === 0) return null
      const row = await selected(within).where('id', '=', id).executeTakeFirst()
      return row ? volumeOf(row) : null
    },
    async count(id, { used, reserved }, within) {
      const result = await within
        .updateTable('volumes')
        .set((e) => ({ used_bytes: e('used_bytes', '+', used), reserved_bytes: e('reserved_bytes', '+', reserved) }))
        .where('id', '=', id)
        .where((e) =>
          // What takes less than before always fits.
          used + reserved <= 0
            ? e.val(true)
            : sql<boolean>`used_bytes + reserved_bytes + ${used + reserved} <= size_limit`,
        )
        .executeTakeFirst()
      return Number(result.numUpdatedRows) === 1
    },
    async free(id, within = db) {
      const row = await within
        .selectFrom('volumes')
        .select(['size_limit', 'used_bytes', 'reserved_bytes'])
        .where('id', '=', id)
        .executeTakeFirst()
      return row ? Math.max(0, row.size_limit - row.used_bytes - row.reserved_bytes) : 0
    },

    async attach({ volumeId, executionId, name, mountPath, access }, at, within) {
      await within
        .insertInto('volume_mounts')
        .values({
          volume_id: volumeId,
          execution_id: executionId,
          name,
          mount_path: mountPath,
          access,
          created_at: at,
          released_at: null,
        })
        .execute()
    },
    async mountsOf(executionId) {
      const rows = await db
        .selectFrom('volume_mounts')
        .selectAll()
        .where('execution_id', '=', executionId)
        .where('released_at', 'is', null)
        .orderBy('mount_path')
        .execute()
      return rows.map(mountOf)
    },
    async detach(executionId, at, within) {
      const rows = await within
        .updateTable('volume_mounts')
        .set({ released_at: at })
        .where('execution_id', '=', executionId)
        .where('released_at', 'is', null)
        .returningAll()
        .execute()
      return rows.map(mountOf)
    },
    async listAttached() {
      const rows = await db
        .selectFrom('volume_mounts')
        .innerJoin('volumes', 'volumes.id', 'volume_mounts.volume_id')
        .select(['execution_id', 'tenant_id'])
        .distinct()
        .where('released_at', 'is', null)
        .execute()
      return rows.map(({ execution_id: id, tenant_id: tenantId }) => ({ id, tenantId }))
    },
  }
}

const mountOf = (row: {
  volume_id: string
  execution_id: string
  name: string
  mount_path: string
  access: string
}): Mount => ({
  volumeId: row.volume_id,
  executionId: row.execution_id,
  name: row.name,
  mountPath: row.mount_path,
  access: row.access as Mount['access'],
})

const volumeOf = (row: Selectable<VolumeRow> & { readonly mounts: number | null }): Volume => ({
  id: row.id,
  tenantId: row.tenant_id,
  owner: { kind: row.owner_kind as Owner['kind'], id: row.owner_id },
  purpose: row.purpose as Volume['purpose'],
  label: row.label,
  storageClass: row.storage_class as Volume['storageClass'],
  isAttached: Number(row.mounts ?? 0) > 0,
  sizeLimit: row.size_limit,
  usedBytes: row.used_bytes,
  createdBy: row.created_by,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
})
