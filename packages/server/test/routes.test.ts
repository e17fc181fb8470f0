import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Access } from '../src/http/access.ts'
import type { DeclaredRoute } from '../src/http/server.ts'
import { startTestServer, type TestServer } from './harness.ts'

/** What anybody may call. A route joins this list by a decision, not by an oversight. */
const publicRoutes = [
  'GET /api/v1/auth/oidc/callback',
  'GET /api/v1/auth/oidc/start',
  'GET /api/v1/auth/saml/:tenant/metadata',
  'GET /api/v1/auth/saml/complete',
  'GET /api/v1/auth/saml/start',
  'GET /api/v1/auth/sso',
  'GET /api/v1/health',
  'GET /api/v1/health/live',
  'GET /api/v1/health/ready',
  'GET /api/v1/slack/manifest',
  'GET /v1/health',
  'GET /dashboard',
  'GET /dashboard/*',
  'GET /dashboard/assets/*',
  'GET /dashboard/assets/:file',
  'GET /docs',
  'GET /docs/swagger-ui-bundle.js',
  'GET /docs/swagger-ui.css',
  'GET /health',
  'GET /health/live',
  'GET /health/ready',
  'GET /metrics',
  'GET /openapi.json',
  'GET /realms/:realm/.well-known/openid-configuration',
  'GET /realms/:realm/protocol/openid-connect/certs',
  'GET /v1/billing/prices',
  'GET /v1/seal/keys',
  'POST /api/v1/auth/invitation',
  'POST /api/v1/auth/invitation/accept',
  'POST /api/v1/auth/local',
  'POST /api/v1/auth/login',
  'POST /api/v1/auth/logout',
  'POST /api/v1/auth/oidc/device',
  'POST /api/v1/auth/oidc/device/poll',
  'POST /api/v1/auth/password-reset',
  'POST /api/v1/auth/password-reset/complete',
  'POST /api/v1/setup',
  'POST /v1/api-keys/validate',
  'POST /realms/:realm/protocol/openid-connect/token',
]

const nowhere = '00000000-0000-4000-8000-000000000000'
const fill = (url: string) => url.replace(/:[a-z_]+/gi, nowhere).replace('*', 'x')
const nameOf = (route: DeclaredRoute) => `${route.method} ${route.url}`

describe('every route', () => {
  let t: TestServer
  let routes: DeclaredRoute[]
  beforeAll(async () => {
    t = await startTestServer()
    await t.server.http.ready()
    routes = t.server.http.declaredRoutes
  })
  afterAll(() => t.close())

  const guarded = () => routes.filter((route) => !['public', 'webhook', 'seal'].includes(route.config.access as Access))

  it('declares who may call it, what its data is confined to, and its schema', () => {
    const bare = routes.filter(
      ({ config, schema }) => !config.access || !config.scope || Object.keys(schema).length === 0,
    )
    expect(bare.map(nameOf)).toEqual([])
    expect(routes.length).toBeGreaterThan(20)
  })

  it('is public only when it stands in the list', () => {
    const open = routes.filter((route) => route.config.access === 'public').map(nameOf)
    expect(open.filter((name) => !publicRoutes.includes(name.replace(/^HEAD /, 'GET ')))).toEqual([])
  })

  it('is confined to a tenant unless it is public or about the server itself', () => {
    const unconfined = guarded()
      .filter((route) => route.config.scope === 'none')
      .map(nameOf)
    const ofTheServer = [
      // Of the installation: its administrators set limits for every tenant, and its servers are nobody's own.
      'DELETE /v1/admin/rate-limits/overrides/:id',
      'DELETE /v1/cluster/nodes/:id',
      'DELETE /v1/seal/keys/:kid',
      'GET /api/v1/health/details',
      'GET /v1/admin/rate-limits/overrides',
      'GET /v1/admin/rate-limits/usage',
      'GET /v1/cluster/nodes',
      'GET /v1/cluster/status',
      'POST /v1/admin/rate-limits/overrides',
      'POST /v1/cluster/nodes/:id/activate',
      'POST /v1/cluster/nodes/:id/drain',
      'DELETE /v1/admin/tenants/:slug',
      'GET /v1/admin/tenants',
      // Of a person, in whichever tenants.
      'DELETE /v1/colony/teams/:team_id',
      'GET /v1/colony/teams',
      'POST /v1/colony/teams',
      'GET /v1/admin/tenants/:slug',
      'POST /v1/admin/tenants',
      'POST /v1/admin/tenants/:slug/invitations',
      'POST /v1/admin/tenants/:slug/resume',
      'POST /v1/admin/tenants/:slug/suspend',
      'POST /v1/seal/keys/rotate',
      'PUT /v1/admin/tenants/:slug/quotas',
    ]
    expect(unconfined.toSorted()).toEqual(ofTheServer.toSorted())
  })

  it('describes each of its path parameters, its answers and its purpose', () => {
    const poor = routes.filter(({ url, schema }) => {
      if ((schema as { hide?: boolean }).hide || url === '/metrics') return false
      const declared = Object.keys((schema.params as { properties?: object } | undefined)?.properties ?? {})
      const named = [...url.matchAll(/:([a-z_]+)/gi)].map((match) => match[1] ?? '')
      return (
        named.some((name) => !declared.includes(name)) || !schema.response || !(schema as { summary?: string }).summary
      )
    })
    expect(poor.map(nameOf)).toEqual([])
  })

  it('refuses a call without credentials before it looks at the input', async () => {
    const answers = await Promise.all(
      guarded().map(async (route) => {
        const answer = await t.request({
          method: route.method as 'GET',
          url: fill(route.url),
          headers: { 'x-requested-with': 'test' },
          ...(route.method === 'GET' || route.method === 'HEAD' ? {} : { payload: {} }),
        })
        return `${nameOf(route)} ${answer.statusCode}`
      }),
    )
    expect(answers.filter((line) => !line.endsWith(' 401'))).toEqual([])
  })

  it('refuses forged, malformed and foreign kinds of credentials', async () => {
    await t.admin()
    const key = await t.agent()
    const forged: Record<string, Record<string, string>> = {
      'an unknown session': { cookie: `edictum_session=${'A'.repeat(43)}` },
      'an unknown key': { authorization: `Bearer edk_production_${'A'.repeat(43)}` },
      'a key with a changed end': { authorization: `${key.authorization?.slice(0, -1)}~` },
      'an unsigned token': {
        authorization: `Bearer ${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{"sub":"x"}').toString('base64url')}.`,
      },
      'a basic header': { authorization: 'Basic YWRtaW46YWRtaW4=' },
      'an unknown API key of the runtime': { authorization: `Bearer aegis_${'A'.repeat(40)}` },
    }
    const wrong: string[] = []
    for (const [what, headers] of Object.entries(forged)) {
      for (const route of guarded()) {
        const answer = await t.request({
          method: route.method as 'GET',
          url: fill(route.url),
          headers: { ...headers, 'x-requested-with': 'test' },
          ...(route.method === 'GET' ? {} : { payload: {} }),
        })
        if (answer.statusCode !== 401) wrong.push(`${nameOf(route)} with ${what} answered ${answer.statusCode}`)
      }
    }
    expect(wrong).toEqual([])
  })

  it('for people refuses an API key, and for agents refuses a session', async () => {
    const session = await t.admin()
    const key = await t.agent()
    const wrong: string[] = []
    for (const route of guarded()) {
      const { access } = route.config
      const headers =
        access === 'dashboard' || access === 'admin'
          ? { ...key, 'x-requested-with': 'test' }
          : access === 'agent'
            ? session
            : null
      if (!headers) continue
      const answer = await t.request({
        method: route.method as 'GET',
        url: fill(route.url),
        headers,
        ...(route.method === 'GET' ? {} : { payload: {} }),
      })
      if (answer.statusCode !== 401) wrong.push(`${nameOf(route)} answered ${answer.statusCode}`)
    }
    expect(wrong).toEqual([])
  })

  it('is in the OpenAPI document, with its credentials', async () => {
    const document = (await t.request({ method: 'GET', url: '/openapi.json' })).json<{
      openapi: string
      paths: Record<string, Record<string, { security: unknown[] }>>
    }>()
    expect(document.openapi).toBe('3.1.0')
    const missing = routes
      .filter(({ schema, method }) => !(schema as { hide?: boolean }).hide && method !== 'HEAD')
      .filter(
        ({ method, url }) =>
          !document.paths[url.replace(/:([a-z_]+)/gi, '{$1}').replace('*', '{*}')]?.[method.toLowerCase()],
      )
    expect(missing.map(nameOf)).toEqual([])
  })
})
