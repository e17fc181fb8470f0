import { createHook } from 'node:async_hooks'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { addressOf, type Operation, operations } from './every-operation.ts'
import { ADMIN, onEachDatabase, type TestServer } from './harness.ts'

/** Streams are followed, not answered. */
const followed = /^GET (\/api\/v1\/stream(\/dashboard)?|\/v1\/.*\/(stream|events|logs))$/
/**
 * Whose cookie is not what lets them in: they take credentials of their own in the body, or are the
 * platforms'. What a SAML provider lets a browser post is signed, and comes from the provider's site.
 */
const withoutCookie =
  /^POST (\/api\/v1\/(auth\/(login|saml\/\{tenant\}\/acs)|setup|telegram|discord|slack)|\/realms|\/x\/|\/v1\/(dispatch-gateway|webhooks|billing\/webhook|seal\/attest|(seal\/)?invoke)\b)/
/** Each access to a secret is an audit event, a reading one too. */
const recorded = /^GET \/v1\/secret/

onEachDatabase('every operation of the OpenAPI document', (start) => {
  let t: TestServer
  let session: Record<string, string>
  beforeAll(async () => {
    t = await start({
      overrides: { limiter: { hit: async () => ({ allowed: true }), peek: async () => ({ allowed: true }) } },
    })
    session = await t.admin()
    // The key pairs of tokens are made when they are first asked for, by whatever request.
    await t.request({ method: 'GET', url: '/realms/aegis-system/protocol/openid-connect/certs' })
    await t.request({ method: 'GET', url: '/v1/seal/keys' })
  })
  afterAll(() => t.close())

  const send = (operation: Operation, headers: Record<string, string>) =>
    t.request({
      method: operation.method as 'POST',
      url: addressOf(operation),
      headers: { ...(operation.method === 'GET' ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(operation.method === 'GET' ? {} : { payload: JSON.stringify(operation.body?.example ?? {}) }),
    })
  async function everything(): Promise<Record<string, unknown>> {
    const { db } = t.server.database
    const tables = await db.introspection.getTables()
    const rows: Record<string, unknown> = {}
    for (const { name } of tables)
      rows[name] = (
        await db
          .selectFrom(name as 'events')
          .selectAll()
          .execute()
      )
        .map((row) => JSON.stringify(row))
        .sort()
    return rows
  }

  it('that changes something by a cookie is refused to a page of another site, and has changed nothing', async () => {
    const changing = operations.filter(({ method, name }) => method !== 'GET' && !withoutCookie.test(name))
    expect(changing.length).toBeGreaterThan(40)
    const before = await everything()
    const wrong: string[] = []
    for (const operation of changing) {
      // As a form, or a script of another site, may send it: with the cookie, without a header of one's own.
      for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded']) {
        const headers = { cookie: session.cookie ?? '', 'content-type': type, origin: 'https://evil.example' }
        const { statusCode, body } = await send(operation, headers)
        if (statusCode !== 403 || !/CSRF|another site/.test(body))
          wrong.push(`${operation.name} ${type}: ${statusCode} ${body}`)
      }
      const asked = await t.request({
        method: 'OPTIONS',
        url: addressOf(operation),
        headers: { origin: 'https://evil.example', 'access-control-request-headers': 'x-requested-with' },
      })
      if (asked.headers['access-control-allow-origin'] !== undefined) wrong.push(`${operation.name}: allowed to others`)
    }
    expect(wrong).toEqual([])
    expect(await everything()).toEqual(before)
  })

  it('that only reads changes nothing, with a cookie or without', async () => {
    const before = await everything()
    for (const operation of operations.filter(
      ({ method, name }) => method === 'GET' && !followed.test(name) && !recorded.test(name),
    ))
      for (const headers of [session, {}]) await send(operation, headers)
    expect(await everything()).toEqual(before)
  })

  it('a login does the same work for everybody, on each of many tries', async () => {
    // What it takes is the derivation of a key: how many there were, each with the same parameters, tells more than a clock.
    let derivations = 0
    const watching = createHook({
      init(_id, type) {
        if (type === 'SCRYPTREQUEST') derivations++
      },
    }).enable()
    const work = new Set<string>()
    for (let turn = 0; turn < 10; turn++)
      for (const [email, password] of [
        [ADMIN.email, 'a wrong password'],
        [ADMIN.email.toUpperCase(), 'a wrong password'],
        ['nobody@example.com', ADMIN.password],
        [`nobody-${turn}@example.com`, ''],
        ['', ''],
      ]) {
        const before = derivations
        const answer = await t.request({ method: 'POST', url: '/api/v1/auth/login', payload: { email, password } })
        work.add(`${answer.statusCode} ${answer.body} after ${derivations - before}`)
      }
    watching.disable()
    expect(work.size).toBe(1)
    expect([...work][0]).toMatch(/^401 .* after 1$/)
  })
})
