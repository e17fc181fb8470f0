import { Conflict, type DomainError, Unavailable } from '../../errors.ts'
import { scopeOfRecord, type TenantScope } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { SecretStore } from '../../ports/secrets.ts'
import type { Database } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import { asking } from '../secrets/secrets.ts'
import { type Credential, placeOfCredential } from './credential.ts'
import type { CredentialStore } from './store.ts'
import { fieldsOfTokens, type TokenSet, tokensOfFields } from './tokens.ts'

/** The other half of a renewal: the authorization server of a provider. */
export interface TokenProvider {
  /**
   * A new access token for a refresh token.
   * @throws GrantGone when the server takes the refresh token no more; ProviderAway when it did not answer
   */
  renew(scope: TenantScope, provider: string, refreshToken: string): Promise<TokenSet>
}

/** The provider takes the refresh token no more: somebody has to sign in again. */
export class GrantGone extends Error {
  override readonly name = 'GrantGone'
}

/** The provider gave no answer that could be read. Nothing is known to have changed. */
export class ProviderAway extends Error {
  override readonly name = 'ProviderAway'
}

export interface Renewal {
  /**
   * The tokens of an OAuth credential, renewed where they are about to expire: once, by one of all who ask, on whatever node.
   * @param isForced renew them although they have not expired
   * @throws Conflict when somebody has to sign in again; Unavailable when provider or store do not answer
   */
  current(credential: Credential, isForced?: boolean): Promise<{ tokens: TokenSet; version: number }>
}

/** An access token is renewed when it has less left than this: who gets it still has time to use it. */
const LEEWAY_MICROS = 60_000_000
const ATTEMPTS = 3

export function createRenewal(deps: {
  database: Pick<Database, 'exclusively'>
  secretStore: SecretStore
  store: CredentialStore
  provider: TokenProvider
  clock: Clock
}): Renewal {
  const { database, secretStore, store, provider, clock } = deps
  const underway = new Map<string, Promise<{ tokens: TokenSet; version: number }>>()
  /** What a provider gave and the store did not take: the refresh token before it is used up already. */
  const unsaved = new Map<string, TokenSet>()

  const isFresh = ({ expiresAt }: TokenSet): boolean =>
    expiresAt === null || expiresAt - LEEWAY_MICROS > microsOf(clock.now())

  async function read(credential: Credential): Promise<{ tokens: TokenSet; version: number }> {
    const found = await asking(() => secretStore.read(scopeOfRecord(credential), placeOfCredential(credential.id)))
    if (found.state !== 'live') throw gone(credential, 'it has no token')
    return { tokens: tokensOfFields(found.fields), version: found.version }
  }

  async function save(credential: Credential, tokens: TokenSet): Promise<{ tokens: TokenSet; version: number }> {
    unsaved.set(credential.id, tokens)
    const scope = scopeOfRecord(credential)
    const written = await asking(() =>
      secretStore.write(scope, placeOfCredential(credential.id), fieldsOfTokens(tokens)),
    )
    unsaved.delete(credential.id)
    await store.update(scope, credential.id, { updatedAt: microsOf(clock.now()), scopes: tokens.scopes })
    return { tokens, version: written?.version ?? 0 }
  }

  async function renewed(
    credential: Credential,
    before: number | null,
  ): Promise<{ tokens: TokenSet; version: number }> {
    const kept = unsaved.get(credential.id)
    if (kept) return save(credential, kept)
    // Whoever had the turn before may have renewed it already.
    const held = await read(credential)
    if (before === null ? isFresh(held.tokens) : held.version !== before && isFresh(held.tokens)) return held
    const { refreshToken } = held.tokens
    if (refreshToken === null) {
      await expire(credential)
      throw gone(credential, 'its access token has expired, and its provider gave no refresh token')
    }
    try {
      const given = await ask(credential, refreshToken)
      return await save(credential, {
        ...given,
        refreshToken: given.refreshToken ?? refreshToken,
        scopes: given.scopes.length > 0 ? given.scopes : held.tokens.scopes,
      })
    } catch (error) {
      if (error instanceof GrantGone) {
        await expire(credential)
        throw gone(credential, `its provider takes its refresh token no more (${error.message})`)
      }
      if (error instanceof ProviderAway) {
        // What is left of the token's time is better than nothing.
        if (before === null && (held.tokens.expiresAt ?? 0) > microsOf(clock.now())) return held
        throw new Unavailable(
          `The provider '${credential.provider}' of the credential '${credential.label}' did not answer: ${error.message}. It is asked again with the next use.`,
          { cause: error, code: 'provider_unavailable', retryAfter: 5 },
        )
      }
      throw error
    }
  }

  /** An answer that was lost on its way leaves the grant as it was: the same question is put again. */
  async function ask(credential: Credential, refreshToken: string): Promise<TokenSet> {
    for (let attempt = 1; ; attempt++)
      try {
        return await provider.renew(scopeOfRecord(credential), credential.provider, refreshToken)
      } catch (error) {
        if (!(error instanceof ProviderAway) || attempt === ATTEMPTS) throw error
      }
  }

  async function expire(credential: Credential): Promise<void> {
    await store.update(scopeOfRecord(credential), credential.id, {
      status: 'expired',
      updatedAt: microsOf(clock.now()),
    })
  }

  return {
    async current(credential, isForced = false) {
      const held = await read(credential)
      if (!isForced && isFresh(held.tokens) && !unsaved.has(credential.id)) return held
      const known = underway.get(credential.id)
      if (known) return known
      const before = isForced ? held.version : null
      const work = database
        .exclusively(`renew ${credential.id}`, () => renewed(credential, before))
        .finally(() => underway.delete(credential.id))
      underway.set(credential.id, work)
      return work
    },
  }
}

const gone = ({ label }: Credential, why: string): DomainError =>
  new Conflict(
    `The credential '${label}' cannot be used: ${why}. Sign in again with POST /v1/credentials/oauth/initiate and its credential_id.`,
    'credential_expired',
  )
