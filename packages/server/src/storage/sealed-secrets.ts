import type { SecretBox } from '../ports/secret-box.ts'
import {
  KEPT_VERSIONS,
  type SecretFields,
  type SecretStore,
  SecretsUnavailable,
  type SecretVersion,
} from '../ports/secrets.ts'
import type { Database } from './database.ts'
import { microsOf } from './instants.ts'

/** What is sealed: the fields together with where they belong, so that a row moved to another place does not open there. */
interface Sealed {
  readonly tenantId: string
  readonly path: string
  readonly version: number
  readonly fields: SecretFields
}

/** Secrets as sealed rows of the database: the store of a server that was given no other. */
export function createSealedSecrets(deps: {
  database: Database
  secretBox: SecretBox
  clock: { now(): number }
}): SecretStore {
  const { database, secretBox, clock } = deps
  const { db } = database

  function open(sealed: Uint8Array, tenantId: string, path: string, version: number): SecretFields {
    let held: Sealed
    try {
      held = JSON.parse(Buffer.from(secretBox.open(sealed)).toString('utf8')) as Sealed
    } catch (cause) {
      throw new SecretsUnavailable(
        `The secret '${path}' cannot be opened with this server's master key (LICTOR_MASTER_KEY), or its row was altered.`,
        { cause },
      )
    }
    if (held.tenantId !== tenantId || held.path !== path || held.version !== version)
      throw new SecretsUnavailable(`The row of the secret '${path}' holds another one: the database was altered.`)
    return held.fields
  }

  return {
    async read({ tenantId }, path, version) {
      let query = db
        .selectFrom('secret_versions')
        .select(['version', 'value_sealed', 'created_at'])
        .where('tenant_id', '=', tenantId)
        .where('path', '=', path)
      if (version !== undefined) query = query.where('version', '=', version)
      const row = await query.orderBy('version', 'desc').limit(1).executeTakeFirst()
      if (!row) return { state: 'missing' }
      if (row.value_sealed === null) return { state: 'destroyed', version: row.version }
      const fields = open(row.value_sealed, tenantId, path, row.version)
      return { state: 'live', version: row.version, createdAt: row.created_at, fields }
    },

    write: ({ tenantId }, path, fields, after) =>
      db.transaction().execute(async (within): Promise<SecretVersion | null> => {
        await database.lock(`secret ${tenantId} ${path}`, within)
        const newest = await within
          .selectFrom('secrets')
          .select('version')
          .where('tenant_id', '=', tenantId)
          .where('path', '=', path)
          .executeTakeFirst()
        const before = newest?.version ?? 0
        if (after !== undefined && after !== before) return null
        const version = before + 1
        const at = microsOf(clock.now())
        if (newest) {
          await within
            .updateTable('secrets')
            .set({ version, updated_at: at })
            .where('tenant_id', '=', tenantId)
            .where('path', '=', path)
            .execute()
        } else {
          await within
            .insertInto('secrets')
            .values({ tenant_id: tenantId, path, version, created_at: at, updated_at: at })
            .execute()
        }
        const sealed: Sealed = { tenantId, path, version, fields }
        await within
          .insertInto('secret_versions')
          .values({
            tenant_id: tenantId,
            path,
            version,
            value_sealed: secretBox.seal(Buffer.from(JSON.stringify(sealed))),
            created_at: at,
          })
          .execute()
        await within
          .deleteFrom('secret_versions')
          .where('tenant_id', '=', tenantId)
          .where('path', '=', path)
          .where('version', '<=', version - KEPT_VERSIONS)
          .execute()
        return { version, createdAt: at, state: 'live' }
      }),

    async versions({ tenantId }, path) {
      const rows = await db
        .selectFrom('secret_versions')
        .select(['version', 'created_at'])
        .select((e) => e.case().when('value_sealed', 'is', null).then(1).else(0).end().as('is_destroyed'))
        .where('tenant_id', '=', tenantId)
        .where('path', '=', path)
        .orderBy('version', 'desc')
        .execute()
      return rows.map((row) => ({
        version: row.version,
        createdAt: row.created_at,
        state: Number(row.is_destroyed) === 1 ? 'destroyed' : 'live',
      }))
    },

    async destroy({ tenantId }, path, version) {
      const result = await db
        .updateTable('secret_versions')
        .set({ value_sealed: null })
        .where('tenant_id', '=', tenantId)
        .where('path', '=', path)
        .where('version', '=', version)
        .executeTakeFirst()
      return Number(result.numUpdatedRows) === 1
    },

    remove: ({ tenantId }, path) =>
      db.transaction().execute(async (within) => {
        await database.lock(`secret ${tenantId} ${path}`, within)
        await within.deleteFrom('secret_versions').where('tenant_id', '=', tenantId).where('path', '=', path).execute()
        const result = await within
          .deleteFrom('secrets')
          .where('tenant_id', '=', tenantId)
          .where('path', '=', path)
          .executeTakeFirst()
        return Number(result.numDeletedRows) === 1
      }),

    async list({ tenantId }, prefix) {
      const rows = await db
        .selectFrom('secrets')
        .innerJoin('secret_versions', (join) =>
          join
            .onRef('secret_versions.tenant_id', '=', 'secrets.tenant_id')
            .onRef('secret_versions.path', '=', 'secrets.path')
            .onRef('secret_versions.version', '=', 'secrets.version'),
        )
        .select(['secrets.path', 'secrets.version', 'secrets.created_at', 'secrets.updated_at'])
        .where('secrets.tenant_id', '=', tenantId)
        .where('secret_versions.value_sealed', 'is not', null)
        .execute()
      // By code units, here: databases sort and match text each in its own way.
      return rows
        .filter(({ path }) => path.startsWith(prefix))
        .sort((one, other) => (one.path < other.path ? -1 : 1))
        .map((row) => ({
          path: row.path,
          version: row.version,
          createdAt: row.created_at,
          updatedAt: row.updated_at,
        }))
    },
  }
}
