import type { Selectable } from 'kysely'
import type { TenantScope } from '../../identity/scope.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import type { Micros } from '../../storage/instants.ts'
import type { GitBindingRow } from '../../storage/schema.ts'
import type { Owner } from '../volumes/volume.ts'
import type { Binding, GitRef } from './binding.ts'

/** SQL for repositories in volumes. One whose volume was deleted is not there any more. */
export interface BindingStore {
  insert(binding: Binding, within: Queryable): Promise<void>
  find(scope: TenantScope, id: string): Promise<Binding | null>
  /** Oldest first. */
  list(scope: TenantScope, owner: Owner): Promise<Binding[]>
  count(scope: TenantScope, owner: Owner, within: Queryable): Promise<number>
  /** Of all who want to work on it now, one gets true. */
  claim(id: string, now: Micros, until: Micros): Promise<boolean>
  /** Whoever claimed it is done, and this is what it has become. */
  release(id: string, change?: Partial<Pick<Binding, 'commit' | 'ref' | 'refreshedAt'>>): Promise<void>
  delete(id: string): Promise<void>
}

export function createBindingStore({ db }: Database): BindingStore {
  const owned = ({ tenantId }: TenantScope, owner: Owner, within: Queryable) =>
    within
      .selectFrom('git_bindings')
      .innerJoin('volumes', 'volumes.id', 'git_bindings.volume_id')
      .where('git_bindings.tenant_id', '=', tenantId)
      .where('volumes.owner_kind', '=', owner.kind)
      .where('volumes.owner_id', '=', owner.id)
  return {
    async insert(binding, within) {
      await within
        .insertInto('git_bindings')
        .values({
          id: binding.id,
          tenant_id: binding.tenantId,
          volume_id: binding.volumeId,
          repo_url: binding.repoUrl,
          ref_kind: binding.ref.kind,
          ref_value: binding.ref.value,
          credential_id: binding.credentialId,
          sparse_paths: JSON.stringify(binding.sparsePaths),
          is_shallow: binding.isShallow ? 1 : 0,
          commit_sha: binding.commit,
          busy_until: binding.busyUntil,
          created_by: binding.createdBy,
          created_at: binding.createdAt,
          refreshed_at: binding.refreshedAt,
        })
        .execute()
    },
    async find({ tenantId }, id) {
      const row = await db
        .selectFrom('git_bindings')
        .innerJoin('volumes', 'volumes.id', 'git_bindings.volume_id')
        .selectAll('git_bindings')
        .where('git_bindings.tenant_id', '=', tenantId)
        .where('git_bindings.id', '=', id)
        .executeTakeFirst()
      return row ? bindingOf(row) : null
    },
    async list(scope, owner) {
      const rows = await owned(scope, owner, db)
        .selectAll('git_bindings')
        .orderBy('git_bindings.created_at')
        .orderBy('git_bindings.id')
        .execute()
      return rows.map(bindingOf)
    },
    async count(scope, owner, within) {
      const row = await owned(scope, owner, within)
        .select((e) => e.fn.countAll<number>().as('count'))
        .executeTakeFirst()
      return Number(row?.count ?? 0)
    },
    async claim(id, now, until) {
      const result = await db
        .updateTable('git_bindings')
        .set({ busy_until: until })
        .where('id', '=', id)
        .where((e) => e.or([e('busy_until', 'is', null), e('busy_until', '<=', now)]))
        .executeTakeFirst()
      return Number(result.numUpdatedRows) === 1
    },
    async release(id, { commit, ref, refreshedAt } = {}) {
      await db
        .updateTable('git_bindings')
        .set({
          busy_until: null,
          ...(commit === undefined ? {} : { commit_sha: commit }),
          ...(ref === undefined ? {} : { ref_kind: ref.kind, ref_value: ref.value }),
          ...(refreshedAt === undefined ? {} : { refreshed_at: refreshedAt }),
        })
        .where('id', '=', id)
        .execute()
    },
    async delete(id) {
      await db.deleteFrom('git_bindings').where('id', '=', id).execute()
    },
  }
}

const bindingOf = (row: Selectable<GitBindingRow>): Binding => ({
  id: row.id,
  tenantId: row.tenant_id,
  volumeId: row.volume_id,
  repoUrl: row.repo_url,
  ref: { kind: row.ref_kind as GitRef['kind'], value: row.ref_value },
  credentialId: row.credential_id,
  sparsePaths: JSON.parse(row.sparse_paths) as string[],
  isShallow: row.is_shallow === 1,
  commit: row.commit_sha,
  busyUntil: row.busy_until,
  createdBy: row.created_by,
  createdAt: row.created_at,
  refreshedAt: row.refreshed_at,
})
