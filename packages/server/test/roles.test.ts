import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DeclaredRoute } from '../src/http/server.ts'
import {
  isAllowed,
  type Permission,
  permissionOfRoute,
  permissionOfScope,
  permissions,
  type Role,
  roles,
} from '../src/identity/roles.ts'
import { everyScope } from '../src/identity/tokens/scopes.ts'
import { startTestServer, type TestServer } from './harness.ts'

/**
 * What falls out of the rule that reading is for everybody and changing for members. A route joins these lists by a decision, not by an
 * oversight.
 */
const readsThatTakeMore: Readonly<Record<string, Permission>> = {
  'GET /api/v1/administration/acts': 'administer',
  'GET /api/v1/events/export': 'administer',
  'GET /api/v1/sso/oidc': 'own',
  'GET /api/v1/sso/saml': 'own',
  'GET /v1/colony/saml': 'own',
  'GET /v1/admin/tenants': 'administer',
  'GET /v1/admin/tenants/:slug': 'administer',
  'GET /v1/credentials/oauth/callback': 'work',
}
const changesForViewers = [
  'DELETE /api/v1/auth/sessions',
  'DELETE /api/v1/auth/sessions/:id',
  'POST /api/v1/auth/second-factor',
  'POST /api/v1/auth/second-factor/confirm',
  'POST /api/v1/auth/second-factor/remove',
  'POST /api/v1/auth/tenant/leave',
  'POST /v1/colony/invitations/:token/accept',
  'POST /v1/workflows/validate',
  'PUT /api/v1/auth/password',
  'PUT /api/v1/auth/tenant',
]

const nowhere = '00000000-0000-4000-8000-000000000000'
const fill = (url: string) => url.replace(/:[a-z_]+/gi, nowhere).replace('*', 'x')
const nameOf = (route: DeclaredRoute) => `${route.method} ${route.url}`
const isRead = ({ method }: DeclaredRoute) => method === 'GET' || method === 'HEAD'

describe('what a role may do', () => {
  let t: TestServer
  let routes: DeclaredRoute[]
  const cookies = new Map<Role, Record<string, string>>()
  beforeAll(async () => {
    t = await startTestServer({
      overrides: { limiter: { hit: async () => ({ allowed: true }), peek: async () => ({ allowed: true }) } },
    })
    await t.server.http.ready()
    // Followed without end, they would be held open.
    routes = t.server.http.declaredRoutes.filter(
      ({ config, url }) =>
        ['dashboard', 'admin', 'either', 'bearer'].includes(config.access ?? '') && !/stream|events$|logs$/.test(url),
    )
    for (const role of roles) cookies.set(role, await t.member(role))
  })
  afterAll(() => t.close())

  it('follows from one table: each route falls under one permission, and no role is asked for anywhere else', () => {
    const more = routes
      .filter((one) => isRead(one) && permissionOfRoute(one.method, one.config) !== 'view')
      .filter(({ config }) => !config.requires?.startsWith('secret:'))
      .map((one) => [nameOf(one), permissionOfRoute(one.method, one.config)])
    expect(Object.fromEntries(more)).toEqual(readsThatTakeMore)
    const forViewers = routes
      .filter((one) => !isRead(one) && permissionOfRoute(one.method, one.config) === 'view')
      .map(nameOf)
    expect(forViewers.filter((name) => !changesForViewers.includes(name))).toEqual([])
  })

  it.each(roles)(
    '%s: every route refuses what is above the role, before it looks at the input, and nothing else',
    async (role) => {
      const headers = cookies.get(role) ?? {}
      const wrong: string[] = []
      for (const route of routes) {
        const permission = permissionOfRoute(route.method, route.config)
        // What would end the session or the membership that asks is tried by tests of its own.
        if (
          isAllowed(role, permission) &&
          !isRead(route) &&
          (permission === 'own' || /sessions|leave|logout/.test(route.url))
        )
          continue
        const answer = await t.request({
          method: route.method as 'GET',
          url: fill(route.url),
          headers,
          ...(isRead(route) ? {} : { payload: {} }),
        })
        const isRefused =
          answer.statusCode === 403 &&
          /Admin access required|Your role in this tenant is|Operator or Admin role required/.test(answer.body)
        if (isRefused === isAllowed(role, permission))
          wrong.push(`${nameOf(route)} (${permission}) answered ${answer.statusCode} ${answer.body.slice(0, 120)}`)
        if (
          answer.statusCode === 401 ||
          (answer.statusCode >= 500 && answer.statusCode !== 501 && answer.statusCode !== 503)
        )
          wrong.push(`${nameOf(route)} answered ${answer.statusCode} ${answer.body.slice(0, 120)}`)
      }
      expect(wrong).toEqual([])
    },
  )

  it('is the same for keys of a person: the scopes that the role has', async () => {
    for (const role of roles.filter((one) => isAllowed(one, 'work'))) {
      const expected = everyScope.filter((scope) => isAllowed(role, permissionOfScope(scope)))
      const made = await t.request({
        method: 'POST',
        url: '/v1/api-keys',
        headers: cookies.get(role) ?? {},
        payload: { name: role, scopes: expected },
      })
      expect([role, made.statusCode]).toEqual([role, 201])
      const beyond = everyScope.find((scope) => !expected.includes(scope))
      if (beyond === undefined) continue
      const refused = await t.request({
        method: 'POST',
        url: '/v1/api-keys',
        headers: cookies.get(role) ?? {},
        payload: { name: role, scopes: [beyond] },
      })
      expect([role, refused.statusCode]).toEqual([role, 403])
    }
  })

  it('stands in the docs as it stands in the code', () => {
    const page = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8')
    const rows = Object.values(permissions).map(({ least, means }) => {
      const marks = roles.map((role) => (roles.indexOf(role) >= roles.indexOf(least) ? 'yes' : '–')).join(' | ')
      return `| ${means} | ${marks} |`
    })
    for (const row of rows) expect(page).toContain(row)
  })
})
