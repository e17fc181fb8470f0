import type { SecretFields } from '../../ports/secrets.ts'
import type { Micros } from '../../storage/instants.ts'

/** What an authorization server gave: who bears the access token acts for the one who signed in. */
export interface TokenSet {
  readonly accessToken: string
  /** Gets the next access token; null where the server gave none. */
  readonly refreshToken: string | null
  /** Null: never. */
  readonly expiresAt: Micros | null
  readonly scopes: readonly string[]
}

/** The tokens as a secret holds them; what a manifest refers to is the access token. */
export const fieldsOfTokens = ({ accessToken, refreshToken, expiresAt, scopes }: TokenSet): SecretFields => ({
  value: accessToken,
  ...(refreshToken === null ? {} : { refresh_token: refreshToken }),
  ...(expiresAt === null ? {} : { expires_at: String(expiresAt) }),
  scope: scopes.join(' '),
})

export const tokensOfFields = (fields: SecretFields): TokenSet => ({
  accessToken: fields.value ?? '',
  refreshToken: fields.refresh_token ?? null,
  expiresAt: fields.expires_at === undefined ? null : Number(fields.expires_at),
  scopes: (fields.scope ?? '').split(' ').filter((scope) => scope !== ''),
})
