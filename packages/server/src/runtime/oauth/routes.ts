import Type from 'typebox'
import { Instant, Maybe, Nullable, runtimeFailures } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { toWireTime } from '../../storage/instants.ts'
import type { Credential, CredentialCaller } from '../credentials/credential.ts'
import { namedIn, namingFields, tags } from '../credentials/wire.ts'
import { ListOf, listed, missingInBody, runtimeCallerOf } from '../http.ts'
import type { OAuth, SignInRequest } from './oauth.ts'
import { clientAuthentications, type Provider } from './provider.ts'

const maxBody = 65_536
const byName = Type.Object({ name: Type.String() })

const ProviderBody = Type.Object({
  name: Type.String(),
  issuer: Nullable(Type.String()),
  authorization_url: Nullable(Type.String()),
  token_url: Nullable(Type.String()),
  device_authorization_url: Nullable(Type.String()),
  client_id: Type.String(),
  client_secret: Nullable(Type.String({ description: '`***` where there is one.' })),
  token_endpoint_auth_method: Type.String(),
  scopes: Type.Array(Type.String()),
  redirect_uris: Type.Array(Type.String()),
  parameters: Type.Record(Type.String(), Type.String()),
  created_at: Instant,
  updated_at: Instant,
})

const shown = ({ name, settings, createdAt, updatedAt }: Provider) => ({
  name,
  issuer: settings.issuer,
  authorization_url: settings.authorizationUrl,
  token_url: settings.tokenUrl,
  device_authorization_url: settings.deviceAuthorizationUrl,
  client_id: settings.clientId,
  client_secret: settings.clientSecret === null ? null : '***',
  token_endpoint_auth_method: settings.authentication,
  scopes: [...settings.scopes],
  redirect_uris: [...settings.redirectUris],
  parameters: { ...settings.parameters },
  created_at: toWireTime(createdAt),
  updated_at: toWireTime(updatedAt),
})

const SignInBody = {
  ...namingFields,
  scopes: Maybe(Type.Union([Type.Array(Type.String()), Type.String()])),
  credential_id: Maybe(Type.String()),
}
const SignedIn = Type.Object({
  id: Type.String(),
  credential_id: Type.String(),
  status: Type.String(),
  provider: Type.String(),
  stored: Type.Literal(true),
})
const Answer = Type.Object({
  code: Maybe(Type.String()),
  state: Maybe(Type.String()),
  iss: Maybe(Type.String()),
  provider: Maybe(Type.String()),
  error: Maybe(Type.String()),
  error_description: Maybe(Type.String()),
})
const Polled = Type.Object({
  status: Type.String(),
  provider: Type.String(),
  interval: Type.Optional(Type.Integer()),
  credential_id: Type.Optional(Type.String()),
  binding_id: Type.Optional(Type.String()),
})

/** Signing in at providers over HTTP. */
export function oauthRoutes(app: App, oauth: OAuth): void {
  app.put(
    '/v1/credentials/providers/:name',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'credential:create', permission: 'administer', maxBody },
      schema: {
        tags,
        summary: 'Set up an OAuth provider',
        params: byName,
        body: Type.Object({
          issuer: Maybe(Type.String()),
          authorization_url: Maybe(Type.String()),
          token_url: Maybe(Type.String()),
          device_authorization_url: Maybe(Type.String()),
          client_id: Type.String(),
          client_secret: Maybe(Type.String()),
          token_endpoint_auth_method: Maybe(Type.Enum([...clientAuthentications])),
          scopes: Maybe(Type.Array(Type.String({ minLength: 1, maxLength: 255 }), { maxItems: 100 })),
          redirect_uris: Maybe(Type.Array(Type.String(), { maxItems: 100 })),
          parameters: Maybe(Type.Record(Type.String(), Type.String())),
        }),
        response: { 200: ProviderBody, ...runtimeFailures(400, 401, 403, 413, 422) },
      },
    },
    async (request) => {
      const { body } = request
      const provider = await oauth.putProvider(runtimeCallerOf(request), request.params.name, {
        issuer: body.issuer || null,
        authorizationUrl: body.authorization_url || null,
        tokenUrl: body.token_url || null,
        deviceAuthorizationUrl: body.device_authorization_url || null,
        clientId: body.client_id,
        clientSecret: body.client_secret || null,
        authentication: body.token_endpoint_auth_method ?? 'client_secret_post',
        scopes: body.scopes ?? [],
        redirectUris: body.redirect_uris ?? [],
        parameters: body.parameters ?? {},
      })
      return shown(provider)
    },
  )

  app.get(
    '/v1/credentials/providers',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'credential:list' },
      schema: {
        tags,
        summary: 'OAuth providers',
        response: { 200: ListOf('providers', ProviderBody), ...runtimeFailures(401, 403) },
      },
    },
    async (request) => listed('providers', (await oauth.listProviders(runtimeCallerOf(request))).map(shown)),
  )

  app.get(
    '/v1/credentials/providers/:name',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'credential:read' },
      schema: {
        tags,
        summary: 'One OAuth provider',
        params: byName,
        response: { 200: ProviderBody, ...runtimeFailures(401, 403, 404) },
      },
    },
    async (request) => shown(await oauth.getProvider(runtimeCallerOf(request), request.params.name)),
  )

  app.delete(
    '/v1/credentials/providers/:name',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'credential:delete', permission: 'administer' },
      schema: {
        tags,
        summary: 'Remove an OAuth provider',
        params: byName,
        response: {
          200: Type.Object({ status: Type.Literal('deleted'), name: Type.String(), success: Type.Literal(true) }),
          ...runtimeFailures(401, 403, 404),
        },
      },
    },
    async (request) => {
      const { name } = request.params
      await oauth.deleteProvider(runtimeCallerOf(request), name)
      return { status: 'deleted' as const, name, success: true as const }
    },
  )

  app.post(
    '/v1/credentials/oauth/initiate',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'credential:create', maxBody },
      schema: {
        tags,
        summary: 'Begin signing in at a provider',
        body: Type.Object({ ...SignInBody, redirect_uri: Maybe(Type.String()) }),
        response: {
          200: Type.Object({
            authorization_url: Type.String(),
            auth_url: Type.String(),
            url: Type.String(),
            state: Type.String(),
            state_token: Type.String(),
            redirect_uri: Type.String(),
            expires_at: Instant,
          }),
          ...runtimeFailures(400, 401, 403, 404, 422, 503),
        },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store')
      const { url, state, redirectUri, expiresAt } = await oauth.initiate(runtimeCallerOf(request), {
        ...signInOf(request.body),
        redirectUri: request.body.redirect_uri || null,
      })
      return {
        authorization_url: url,
        auth_url: url,
        url,
        state,
        state_token: state,
        redirect_uri: redirectUri,
        expires_at: toWireTime(expiresAt),
      }
    },
  )

  const signedIn = { 200: SignedIn, ...runtimeFailures(400, 401, 403, 404, 422, 503) }
  app.get(
    '/v1/credentials/oauth/callback',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'credential:create' },
      schema: {
        tags,
        summary: "Finish signing in, with the provider's answer",
        querystring: Answer,
        response: signedIn,
      },
    },
    async (request) => answered(oauth, runtimeCallerOf(request), request.query),
  )
  app.post(
    '/v1/credentials/oauth/callback',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'credential:create', maxBody },
      schema: {
        tags,
        summary: "Finish signing in, with the provider's answer as JSON",
        body: Answer,
        response: signedIn,
      },
    },
    async (request) => answered(oauth, runtimeCallerOf(request), request.body),
  )

  app.post(
    '/v1/credentials/oauth/device/initiate',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'credential:create', maxBody },
      schema: {
        tags,
        summary: 'Begin signing in on another device',
        body: Type.Object(SignInBody),
        response: {
          200: Type.Object({
            device_code: Type.String(),
            user_code: Type.String(),
            verification_uri: Type.String(),
            verification_uri_complete: Nullable(Type.String()),
            expires_in: Type.Integer(),
            interval: Type.Integer(),
            expires_at: Instant,
            provider: Type.String(),
          }),
          ...runtimeFailures(400, 401, 403, 404, 422, 503),
        },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store')
      const given = await oauth.initiateDevice(runtimeCallerOf(request), signInOf(request.body))
      return {
        device_code: given.deviceCode,
        user_code: given.userCode,
        verification_uri: given.verificationUri,
        verification_uri_complete: given.verificationUriComplete,
        expires_in: given.expiresIn,
        interval: given.interval,
        expires_at: toWireTime(given.expiresAt),
        provider: given.provider,
      }
    },
  )

  for (const path of ['/v1/credentials/oauth/device/poll', '/v1/credentials/device/poll'])
    app.post(
      path,
      {
        config: { access: 'bearer', scope: 'tenant', requires: 'credential:create', maxBody },
        schema: {
          tags,
          summary: 'Ask whether a sign-in on another device is done',
          body: Type.Object({ device_code: Type.String(), provider: Maybe(Type.String()) }),
          response: { 200: Polled, 202: Polled, ...runtimeFailures(400, 401, 403, 422, 503) },
        },
      },
      async (request, reply) => {
        const { device_code, provider } = request.body
        const polled = await oauth.pollDevice(runtimeCallerOf(request), device_code, provider || null)
        if (polled.status === 'pending') {
          reply.code(202)
          return { status: polled.status, provider: polled.provider, interval: polled.interval }
        }
        if (polled.status !== 'approved') return { status: polled.status, provider: polled.provider }
        const { id } = polled.credential
        return { status: polled.status, provider: polled.provider, credential_id: id, binding_id: id }
      },
    )
}

async function answered(
  oauth: OAuth,
  caller: CredentialCaller,
  answer: {
    code?: string | null
    state?: string | null
    iss?: string | null
    provider?: string | null
    error?: string | null
    error_description?: string | null
  },
) {
  if (!answer.state) throw missingInBody('state')
  const said = [answer.error, answer.error_description].filter((text) => text).join(': ')
  const credential: Credential = await oauth.callback(caller, {
    state: answer.state,
    code: answer.code || null,
    issuer: answer.iss || null,
    provider: answer.provider || null,
    error: answer.error ? said : null,
  })
  return {
    id: credential.id,
    credential_id: credential.id,
    status: credential.status,
    provider: credential.provider,
    stored: true as const,
  }
}

function signInOf(
  body: Parameters<typeof namedIn>[0] & { scopes?: string | string[] | null; credential_id?: string | null },
): SignInRequest {
  const { scopes } = body
  return {
    ...namedIn(body),
    scopes: !scopes ? null : typeof scopes === 'string' ? scopes.split(/[\s,]+/).filter((one) => one !== '') : scopes,
    credentialId: body.credential_id || null,
  }
}
