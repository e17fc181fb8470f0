import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Dialect } from '../database.ts'

/**
 * Volumes, their files by path (the bytes are blobs), what is on its way into them, what is still to be removed of the blobs, where
 * they are mounted, and what somebody tried with them and may not.
 */
export function volumes(dialect: Dialect): Migration {
  const counter = dialect === 'postgres' ? 'bigserial primary key' : 'integer primary key autoincrement'
  return {
    up: async (db: Kysely<never>) => {
      for (const statement of statements(counter)) await sql.raw(statement).execute(db)
    },
  }
}

const statements = (counter: string) => [
  `create table volumes (
    id text not null primary key,
    tenant_id text not null,
    owner_kind text not null,
    owner_id text not null,
    purpose text not null,
    label text not null,
    storage_class text not null,
    size_limit bigint not null,
    used_bytes bigint not null,
    reserved_bytes bigint not null,
    created_by text not null,
    created_at bigint not null,
    expires_at bigint
  )`,
  'create unique index volumes_by_owner on volumes (tenant_id, owner_kind, owner_id, label)',
  'create index volumes_by_expiry on volumes (expires_at) where expires_at is not null',
  // Paths are longer than an index takes: found by their digests.
  `create table volume_files (
    volume_id text not null,
    path_key text not null,
    parent_key text not null,
    path text not null,
    name text not null,
    is_folder integer not null,
    size bigint not null,
    sha256 text,
    mime_type text,
    blob_key text,
    modified_at bigint not null,
    primary key (volume_id, path_key)
  )`,
  'create index volume_files_by_parent on volume_files (volume_id, parent_key)',
  `create table volume_uploads (
    id text not null primary key,
    volume_id text not null,
    blob_key text not null,
    held_bytes bigint not null,
    credit_bytes bigint not null,
    credit_key text,
    touched_at bigint not null
  )`,
  'create index volume_uploads_by_volume on volume_uploads (volume_id)',
  `create table volume_garbage (
    blob_key text not null primary key,
    created_at bigint not null
  )`,
  `create table volume_mounts (
    volume_id text not null,
    execution_id text not null,
    name text not null,
    mount_path text not null,
    access text not null,
    created_at bigint not null,
    released_at bigint,
    primary key (execution_id, name)
  )`,
  'create index volume_mounts_open on volume_mounts (volume_id) where released_at is null',
  `create table storage_violations (
    seq ${counter},
    id text not null,
    tenant_id text not null,
    category text not null,
    execution_id text,
    volume_id text,
    path text,
    operation text,
    details text not null,
    created_at bigint not null
  )`,
  'create index storage_violations_by_tenant on storage_violations (tenant_id, seq)',
]
