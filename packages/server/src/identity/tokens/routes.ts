import Type from 'typebox'
import { BadRequest, DomainError } from '../../errors.ts'
import { CreatedBy, failures, Instant, Maybe, Nullable, runtimeFailures } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import type { RateLimiter } from '../../ports/rate-limiter.ts'
import { toWireTime } from '../../storage/instants.ts'
import { userOf } from '../caller.ts'
import { createFailedAttempts } from './failed-attempts.ts'
import { accountRoles, type ServiceAccounts } from './service-accounts.ts'
import type { ServiceAccount } from './store.ts'
import type { TokenKeys } from './token-keys.ts'
import { AUDIENCE, type Tokens } from './tokens.ts'

const ServiceAccountBody = Type.Object({
  id: Type.String(),
  client_id: Type.String(),
  name: Type.String(),
  role: Type.String(),
  scopes: Nullable(Type.Array(Type.String())),
  created_by: CreatedBy,
  created_at: Instant,
})

const wireAccount = (account: ServiceAccount) => ({
  id: account.id,
  client_id: account.clientId,
  name: account.name,
  role: account.role,
  scopes: account.scopes === null ? null : [...account.scopes],
  created_by: account.createdBy,
  created_at: toWireTime(account.createdAt),
})

const OAuthError = Type.Object({ error: Type.String(), error_description: Type.String() })
const realm = { params: Type.Object({ realm: Type.String() }) }

/** Token endpoint and keys at the paths of the identity provider that AEGIS clients know, and service accounts for the console. */
export function accessRoutes(
  app: App,
  deps: { tokens: Tokens; tokenKeys: TokenKeys; serviceAccounts: ServiceAccounts; limiter: RateLimiter },
): void {
  const { tokens, tokenKeys, serviceAccounts, limiter } = deps
  const failedAttempts = createFailedAttempts(limiter)

  app.register(async (scope) => {
    const forms = scope as App
    forms.removeAllContentTypeParsers()
    forms.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body))
    forms.post(
      '/realms/:realm/protocol/openid-connect/token',
      {
        config: { access: 'public', scope: 'none', maxBody: 16_384, rawBody: true },
        schema: {
          ...realm,
          tags: ['tokens'],
          summary: 'Exchange client credentials for an access token',
          consumes: ['application/x-www-form-urlencoded'],
          response: {
            200: Type.Object({
              access_token: Type.String(),
              expires_in: Type.Integer({ description: 'Seconds.' }),
              refresh_expires_in: Type.Integer(),
              token_type: Type.String(),
              'not-before-policy': Type.Integer(),
              scope: Type.String(),
            }),
            400: OAuthError,
            401: OAuthError,
            429: OAuthError,
          },
        },
      },
      async (request, reply) => {
        reply.header('cache-control', 'no-store')
        try {
          requireRealm(request.params.realm)
          const form = new URLSearchParams(typeof request.body === 'string' ? request.body : '')
          const issued = await failedAttempts.within(request.ip, form.get('client_id') ?? '', () =>
            tokens.issue(request.params.realm, form),
          )
          return {
            access_token: issued.accessToken,
            expires_in: issued.expiresIn,
            refresh_expires_in: 0,
            token_type: 'Bearer',
            'not-before-policy': 0,
            scope: issued.scope,
          }
        } catch (error) {
          // OAuth2 has an error shape of its own (RFC 6749, section 5.2).
          if (!(error instanceof DomainError)) throw error
          reply.code(error.status as 400).headers(error.headers)
          return { error: error.code, error_description: error.message }
        }
      },
    )
  })

  app.get(
    '/realms/:realm/protocol/openid-connect/certs',
    {
      config: { access: 'public', scope: 'none' },
      schema: {
        ...realm,
        tags: ['tokens'],
        summary: 'Public keys of access tokens (JWKS)',
        response: {
          200: Type.Object({ keys: Type.Array(Type.Record(Type.String(), Type.Any())) }),
          ...runtimeFailures(400),
        },
      },
    },
    async (request) => {
      requireRealm(request.params.realm)
      return { keys: await tokenKeys.list() }
    },
  )

  app.get(
    '/realms/:realm/.well-known/openid-configuration',
    {
      config: { access: 'public', scope: 'none' },
      schema: {
        ...realm,
        tags: ['tokens'],
        summary: 'OpenID Connect discovery',
        response: { 200: Type.Record(Type.String(), Type.Any()), ...runtimeFailures(400) },
      },
    },
    async (request) => {
      requireRealm(request.params.realm)
      const issuer = tokens.issuerOf(request.params.realm)
      const base = `${issuer}/protocol/openid-connect`
      return {
        issuer,
        token_endpoint: `${base}/token`,
        jwks_uri: `${base}/certs`,
        grant_types_supported: ['client_credentials'],
        token_endpoint_auth_methods_supported: ['client_secret_post'],
        response_types_supported: ['token'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256'],
        claims_supported: ['iss', 'aud', 'sub', 'azp', 'iat', 'exp', 'tenant_id', 'scope'],
        audience: AUDIENCE,
      }
    },
  )

  app.post(
    '/api/v1/service-accounts',
    {
      config: { access: 'admin', scope: 'tenant' },
      schema: {
        tags: ['identity'],
        summary: 'Create a service account for the runtime API; its secret is shown once',
        body: Type.Object({
          name: Type.String({ minLength: 1, maxLength: 200 }),
          role: Type.Optional(Type.Union(accountRoles.map((role) => Type.Literal(role)))),
          scopes: Maybe(Type.Array(Type.String(), { maxItems: 100 })),
        }),
        response: {
          201: Type.Object({
            ...ServiceAccountBody.properties,
            client_secret: Type.String({ description: 'Shown once.' }),
          }),
          ...failures(401, 403, 422),
        },
      },
    },
    async (request, reply) => {
      const { name, role = 'aegis:operator', scopes = null } = request.body
      const { account, secret } = await serviceAccounts.create(userOf(request), { name, role, scopes })
      reply.code(201)
      return { ...wireAccount(account), client_secret: secret }
    },
  )

  app.get(
    '/api/v1/service-accounts',
    {
      config: { access: 'dashboard', scope: 'tenant' },
      schema: {
        tags: ['identity'],
        summary: 'List service accounts',
        response: { 200: Type.Array(ServiceAccountBody), ...failures(401) },
      },
    },
    async (request) => (await serviceAccounts.list(userOf(request))).map(wireAccount),
  )

  app.delete(
    '/api/v1/service-accounts/:id',
    {
      config: { access: 'admin', scope: 'tenant' },
      schema: {
        params: Type.Object({ id: Type.String({ format: 'uuid' }) }),
        tags: ['identity'],
        summary: 'Revoke a service account and every token issued to it',
        response: { 204: Type.Null(), ...failures(401, 403, 404, 422) },
      },
    },
    async (request, reply) => {
      await serviceAccounts.revoke(userOf(request), request.params.id)
      return reply.code(204).send(null)
    },
  )
}

function requireRealm(realm: string): void {
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(realm)) throw new BadRequest('Realm does not exist', 'invalid_request')
}
