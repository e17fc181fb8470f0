import { BadRequest, InvalidInput } from '../../errors.ts'
import type { Micros } from '../../storage/instants.ts'

export const clientAuthentications = ['client_secret_basic', 'client_secret_post', 'none'] as const

/** An authorization server, and who this server is to it. */
export interface ProviderSettings {
  /** Its metadata is read there (OpenID Connect discovery, RFC 8414); null where the addresses are given instead. */
  readonly issuer: string | null
  readonly authorizationUrl: string | null
  readonly tokenUrl: string | null
  readonly deviceAuthorizationUrl: string | null
  readonly clientId: string
  readonly clientSecret: string | null
  readonly authentication: (typeof clientAuthentications)[number]
  /** Asked for where a sign-in names none. */
  readonly scopes: readonly string[]
  /** Where a sign-in may come back to: exactly one of these. */
  readonly redirectUris: readonly string[]
  /** Further parameters of the authorization address, such as `access_type: offline`. */
  readonly parameters: Readonly<Record<string, string>>
}

export interface Provider {
  readonly tenantId: string
  readonly name: string
  readonly settings: ProviderSettings
  readonly createdAt: Micros
  readonly updatedAt: Micros
}

/** Addresses of providers that everybody knows, so that a client id is enough. */
const known: Readonly<Record<string, Partial<ProviderSettings>>> = {
  google: { issuer: 'https://accounts.google.com', parameters: { access_type: 'offline', prompt: 'consent' } },
  github: {
    authorizationUrl: 'https://github.com/login/oauth/authorize',
    tokenUrl: 'https://github.com/login/oauth/access_token',
    deviceAuthorizationUrl: 'https://github.com/login/device/code',
  },
}

/** What a provider of a known name has beside what was said of it. */
export function completed(name: string, given: ProviderSettings): ProviderSettings {
  const { parameters = {}, ...usual } = known[name] ?? {}
  const hasOwn = given.issuer !== null || given.authorizationUrl !== null || given.tokenUrl !== null
  return { ...given, ...(hasOwn ? {} : usual), parameters: { ...parameters, ...given.parameters } }
}

/** @throws InvalidInput naming the field; BadRequest for a name that is none */
export function requireProvider(name: string, settings: ProviderSettings): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name))
    throw new BadRequest("A provider is named by 1 to 64 letters, digits, '.', '_' and '-'.", 'invalid_provider_name')
  const wrong = (field: string, msg: string) => new InvalidInput([{ loc: ['body', field], msg }], 'invalid_provider')
  if (settings.clientId.trim() === '') throw wrong('client_id', 'client_id must not be empty.')
  if (settings.issuer === null && (settings.authorizationUrl === null || settings.tokenUrl === null))
    throw wrong('issuer', `The provider '${name}' needs an issuer, or authorization_url and token_url.`)
  const addresses = {
    issuer: settings.issuer,
    authorization_url: settings.authorizationUrl,
    token_url: settings.tokenUrl,
    device_authorization_url: settings.deviceAuthorizationUrl,
  }
  for (const [field, address] of Object.entries(addresses))
    if (address !== null && !isSecure(address))
      throw wrong(field, `${field} must be an https address (http only on this machine's loopback).`)
  for (const [index, address] of settings.redirectUris.entries()) {
    const url = URL.parse(address)
    // The library that redeems codes compares redirect URIs without their query.
    if (url === null || url.hash !== '' || url.search !== '' || address.length > 2_000)
      throw wrong('redirect_uris', `redirect_uris[${index}] must be an address without query and fragment.`)
    if (/^(javascript|data|vbscript|file|blob):$/.test(url.protocol))
      throw wrong('redirect_uris', `redirect_uris[${index}] leads into no page.`)
  }
  if (settings.authentication !== 'none' && settings.clientSecret === null)
    throw wrong('client_secret', `${settings.authentication} needs a client_secret.`)
}

export const isLoopback = (address: string): boolean => {
  const url = URL.parse(address)
  return url !== null && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
}

const isSecure = (address: string): boolean => {
  const url = URL.parse(address)
  return url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(address))
}
