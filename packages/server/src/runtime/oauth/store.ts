import type { SystemScope, TenantScope } from '../../identity/scope.ts'
import type { SecretBox } from '../../ports/secret-box.ts'
import type { Database } from '../../storage/database.ts'
import type { Micros } from '../../storage/instants.ts'
import type { OAuthProviderRow } from '../../storage/schema.ts'
import type { Flow, FlowKey } from './flow.ts'
import type { Provider, ProviderSettings } from './provider.ts'

/** SQL for providers and sign-ins under way; what a stranger could use of them is sealed. */
export interface OAuthStore {
  putProvider(scope: TenantScope, name: string, settings: ProviderSettings, at: Micros): Promise<Provider>
  findProvider(scope: TenantScope, name: string): Promise<Provider | null>
  /** By name. */
  listProviders(scope: TenantScope): Promise<Provider[]>
  /** False when there is none. */
  deleteProvider(scope: TenantScope, name: string): Promise<boolean>
  insertFlow(flow: Flow): Promise<void>
  /** One that has not expired and was begun by this very caller; null otherwise. */
  findFlow(scope: TenantScope, key: FlowKey, now: Micros): Promise<Flow | null>
  /** As `findFlow`, and it is over: of several who ask at once, one gets it. */
  takeFlow(scope: TenantScope, key: FlowKey, now: Micros): Promise<Flow | null>
  updateFlow(flow: Flow): Promise<void>
  deleteExpired(scope: SystemScope, now: Micros): Promise<void>
}

export function createOAuthStore({ db }: Database, secretBox: SecretBox): OAuthStore {
  const seal = (value: unknown) => secretBox.seal(Buffer.from(JSON.stringify(value)))
  const open = (sealed: Uint8Array): unknown => JSON.parse(Buffer.from(secretBox.open(sealed)).toString('utf8'))
  const providerOf = (row: OAuthProviderRow): Provider => ({
    tenantId: row.tenant_id,
    name: row.name,
    settings: open(row.settings_sealed) as ProviderSettings,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  })

  const find: OAuthStore['findProvider'] = async ({ tenantId }, name) => {
    const row = await db
      .selectFrom('oauth_providers')
      .selectAll()
      .where('tenant_id', '=', tenantId)
      .where('name', '=', name)
      .executeTakeFirst()
    return row ? providerOf(row) : null
  }

  const findFlow: OAuthStore['findFlow'] = async ({ tenantId }, { id, kind, startedBy }, now) => {
    const row = await db
      .selectFrom('oauth_flows')
      .selectAll()
      .where('id', '=', id)
      .where('tenant_id', '=', tenantId)
      .where('kind', '=', kind)
      .where('started_by', '=', startedBy)
      .where('expires_at', '>', now)
      .executeTakeFirst()
    return row
      ? ({
          ...(open(row.flow_sealed) as object),
          id: row.id,
          kind: row.kind,
          tenantId: row.tenant_id,
          provider: row.provider,
          startedBy: row.started_by,
          createdAt: row.created_at,
          expiresAt: row.expires_at,
        } as Flow)
      : null
  }

  return {
    async putProvider(scope, name, settings, at) {
      await db
        .insertInto('oauth_providers')
        .values({ tenant_id: scope.tenantId, name, settings_sealed: seal(settings), created_at: at, updated_at: at })
        .onConflict((conflict) =>
          conflict.columns(['tenant_id', 'name']).doUpdateSet({ settings_sealed: seal(settings), updated_at: at }),
        )
        .execute()
      return (await find(scope, name)) ?? { tenantId: scope.tenantId, name, settings, createdAt: at, updatedAt: at }
    },
    findProvider: find,
    async listProviders({ tenantId }) {
      const rows = await db
        .selectFrom('oauth_providers')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .orderBy('name')
        .execute()
      return rows.map(providerOf)
    },
    async deleteProvider({ tenantId }, name) {
      const result = await db
        .deleteFrom('oauth_providers')
        .where('tenant_id', '=', tenantId)
        .where('name', '=', name)
        .executeTakeFirst()
      return Number(result.numDeletedRows) === 1
    },
    async insertFlow(flow) {
      const { id, kind, tenantId, provider, startedBy, createdAt, expiresAt, ...sealed } = flow
      await db
        .insertInto('oauth_flows')
        .values({
          id,
          kind,
          tenant_id: tenantId,
          provider,
          started_by: startedBy,
          flow_sealed: seal(sealed),
          created_at: createdAt,
          expires_at: expiresAt,
        })
        .execute()
    },
    findFlow,
    async takeFlow(scope, key, now) {
      const flow = await findFlow(scope, key, now)
      if (!flow) return null
      const result = await db.deleteFrom('oauth_flows').where('id', '=', flow.id).executeTakeFirst()
      return Number(result.numDeletedRows) === 1 ? flow : null
    },
    async updateFlow(flow) {
      const { id, kind: _k, tenantId: _t, provider: _p, startedBy: _s, createdAt: _c, expiresAt, ...sealed } = flow
      await db
        .updateTable('oauth_flows')
        .set({ flow_sealed: seal(sealed), expires_at: expiresAt })
        .where('id', '=', id)
        .execute()
    },
    async deleteExpired(_scope, now) {
      await db.deleteFrom('oauth_flows').where('expires_at', '<=', now).execute()
    },
  }
}
