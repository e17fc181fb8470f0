import type { Database, Queryable } from '../../storage/database.ts'
import type { Micros } from '../../storage/instants.ts'
import type { TenantScope } from '../scope.ts'

export type ProviderKind = 'oidc' | 'saml'

/** `saml-answer`: an answer that was judged already, and waits for the browser that asked. */
export type SignInKind = ProviderKind | 'saml-answer'

/** A sign-in that somebody was sent away for. */
export interface SignIn {
  readonly stateHash: string
  readonly tenantId: string
  readonly kind: SignInKind
  /** Of what the browser that began it keeps. */
  readonly browserHash: string
  readonly sealedSecret: Uint8Array
  readonly returnTo: string
  readonly expiresAt: Micros
}

/** Somebody who signs in on a terminal, while they type their code in at the provider. */
export interface DeviceSignIn {
  /** Of what the terminal keeps. */
  readonly handleHash: string
  readonly tenantId: string
  readonly sealedSecret: Uint8Array
  /** Seconds between two questions, as the provider wants them. */
  readonly interval: number
  /** Before that, the provider is not asked. */
  readonly askAt: Micros
  readonly expiresAt: Micros
}

/** SQL for providers, sign-ins under way and external identities. */
export interface SsoStore {
  findProvider(scope: TenantScope, kind: ProviderKind): Promise<Uint8Array | null>
  putProvider(scope: TenantScope, kind: ProviderKind, sealed: Uint8Array, at: Micros): Promise<void>
  removeProvider(scope: TenantScope, kind: ProviderKind): Promise<boolean>
  begin(signIn: SignIn): Promise<void>
  /** The sign-in of this state, taken for good: null when there is none, it was taken before or has run out. */
  take(kind: SignInKind, stateHash: string, at: Micros): Promise<SignIn | null>
  beginDevice(signIn: DeviceSignIn): Promise<void>
  findDevice(handleHash: string): Promise<DeviceSignIn | null>
  /** Ask the provider now, and not again before `next`. False where it was asked too shortly ago, by whichever server. */
  takeDeviceTurn(handleHash: string, at: Micros, next: Micros): Promise<boolean>
  slowDeviceDown(handleHash: string, interval: number, next: Micros): Promise<void>
  /** True for exactly one of those who end it. */
  endDevice(handleHash: string): Promise<boolean>
  purge(before: Micros): Promise<void>
  findIdentity(scope: TenantScope, issuer: string, subject: string): Promise<string | null>
  link(
    scope: TenantScope,
    identity: { issuer: string; subject: string; userId: string; at: Micros },
    within: Queryable,
  ): Promise<void>
}

export function createSsoStore({ db }: Database): SsoStore {
  return {
    async findProvider({ tenantId }, kind) {
      const row = await db
        .selectFrom('identity_providers')
        .select('settings_sealed')
        .where('tenant_id', '=', tenantId)
        .where('kind', '=', kind)
        .executeTakeFirst()
      return row?.settings_sealed ?? null
    },
    async putProvider({ tenantId }, kind, sealed, at) {
      await db
        .insertInto('identity_providers')
        .values({ tenant_id: tenantId, kind, settings_sealed: sealed, updated_at: at })
        .onConflict((conflict) =>
          conflict.columns(['tenant_id', 'kind']).doUpdateSet({ settings_sealed: sealed, updated_at: at }),
        )
        .execute()
    },
    async removeProvider({ tenantId }, kind) {
      const result = await db
        .deleteFrom('identity_providers')
        .where('tenant_id', '=', tenantId)
        .where('kind', '=', kind)
        .executeTakeFirst()
      return Number(result.numDeletedRows) === 1
    },
    async begin(signIn) {
      await db
        .insertInto('sign_ins')
        .values({
          state_hash: signIn.stateHash,
          tenant_id: signIn.tenantId,
          kind: signIn.kind,
          browser_hash: signIn.browserHash,
          secret_sealed: signIn.sealedSecret,
          return_to: signIn.returnTo,
          expires_at: signIn.expiresAt,
          used_at: null,
        })
        .execute()
    },
    async take(kind, stateHash, at) {
      const row = await db
        .updateTable('sign_ins')
        .set({ used_at: at })
        .where('state_hash', '=', stateHash)
        .where('kind', '=', kind)
        .where('used_at', 'is', null)
        .where('expires_at', '>', at)
        .returningAll()
        .executeTakeFirst()
      return row
        ? {
            stateHash: row.state_hash,
            tenantId: row.tenant_id,
            kind: row.kind as SignInKind,
            browserHash: row.browser_hash,
            sealedSecret: row.secret_sealed,
            returnTo: row.return_to,
            expiresAt: row.expires_at,
          }
        : null
    },
    async beginDevice(signIn) {
      await db
        .insertInto('device_sign_ins')
        .values({
          handle_hash: signIn.handleHash,
          tenant_id: signIn.tenantId,
          secret_sealed: signIn.sealedSecret,
          interval_seconds: signIn.interval,
          ask_at: signIn.askAt,
          expires_at: signIn.expiresAt,
        })
        .execute()
    },
    async findDevice(handleHash) {
      const row = await db
        .selectFrom('device_sign_ins')
        .selectAll()
        .where('handle_hash', '=', handleHash)
        .executeTakeFirst()
      return row
        ? {
            handleHash: row.handle_hash,
            tenantId: row.tenant_id,
            sealedSecret: row.secret_sealed,
            interval: row.interval_seconds,
            askAt: row.ask_at,
            expiresAt: row.expires_at,
          }
        : null
    },
    async takeDeviceTurn(handleHash, at, next) {
      const result = await db
        .updateTable('device_sign_ins')
        .set({ ask_at: next })
        .where('handle_hash', '=', handleHash)
        .where('ask_at', '<=', at)
        .executeTakeFirst()
      return Number(result.numUpdatedRows) === 1
    },
    async slowDeviceDown(handleHash, interval, next) {
      await db
        .updateTable('device_sign_ins')
        .set({ interval_seconds: interval, ask_at: next })
        .where('handle_hash', '=', handleHash)
        .execute()
    },
    async endDevice(handleHash) {
      const result = await db.deleteFrom('device_sign_ins').where('handle_hash', '=', handleHash).executeTakeFirst()
      return Number(result.numDeletedRows) === 1
    },
    async purge(before) {
      await db.deleteFrom('sign_ins').where('expires_at', '<', before).execute()
      await db.deleteFrom('device_sign_ins').where('expires_at', '<', before).execute()
    },
    async findIdentity({ tenantId }, issuer, subject) {
      const row = await db
        .selectFrom('external_identities')
        .select('user_id')
        .where('tenant_id', '=', tenantId)
        .where('issuer', '=', issuer)
        .where('subject', '=', subject)
        .executeTakeFirst()
      return row?.user_id ?? null
    },
    async link({ tenantId }, { issuer, subject, userId, at }, within) {
      await within
        .insertInto('external_identities')
        .values({ tenant_id: tenantId, issuer, subject, user_id: userId, created_at: at })
        .execute()
    },
  }
}
