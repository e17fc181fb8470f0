import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { readStream } from '../../../test/runtime.ts'
import { readConfig } from '../../config.ts'

interface Issuer {
  readonly issuer: string
  /** How often its keys were asked for. */
  asked(): number
  /** A token of its, with a key of this name. */
  sign(claims: JWTPayload, kid?: string, header?: object): Promise<string>
  /** Publishes a key from now on. */
  publish(kid: string): Promise<void>
  /** Answers its keys so, instead. */
  answer(by: ((response: ServerResponse) => void) | null): void
  close(): Promise<void>
}

/** An issuer as Keycloak is one: its discovery document, its keys, and tokens signed with them. */
async function startIssuer(realm: string): Promise<Issuer> {
  const keys = new Map<string, CryptoKey>()
  const published: object[] = []
  let asked = 0
  let instead: ((response: ServerResponse) => void) | null = null
  const server = createServer((request, response) => {
    const isKeys = request.url === `/realms/${realm}/certs`
    if (isKeys) asked += 1
    if (isKeys && instead) return instead(response)
    const body = isKeys ? { keys: published } : { issuer, jwks_uri: `${issuer}/certs` }
    response.setHeader('content-type', 'application/json').end(JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}/realms/${realm}`
  const keyOf = async (kid: string): Promise<CryptoKey> => {
    const known = keys.get(kid)
    if (known) return known
    const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true })
    keys.set(kid, privateKey)
    published.push({ ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' })
    return privateKey
  }
  await keyOf('first')
  return {
    issuer,
    asked: () => asked,
    sign: async (claims, kid = 'first', header = {}) =>
      new SignJWT({ iss: issuer, ...claims })
        .setProtectedHeader({ alg: 'RS256', kid, ...header })
        .sign(keys.get(kid) ?? (await generateKeyPair('RS256')).privateKey),
    publish: async (kid) => void (await keyOf(kid)),
    answer: (by) => {
      instead = by
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

onEachDatabase('access tokens of other issuers', (start) => {
  let t: TestServer
  let system: Issuer
  let consumers: Issuer
  let acme: Issuer
  beforeEach(async () => {
    ;[system, consumers, acme] = (await Promise.all(
      ['aegis-system', 'zaru-consumer', 'tenant-acme'].map(startIssuer),
    )) as [Issuer, Issuer, Issuer]
    t = await start({
      environment: { LICTOR_TOKEN_ISSUERS: [system, consumers, acme].map(({ issuer }) => issuer).join(', ') },
    })
    await t.admin()
  })
  afterEach(async () => {
    await t?.close()
    await Promise.all([system, consumers, acme].map((one) => one?.close()))
  })

  const claims = (more: JWTPayload = {}): JWTPayload => ({
    aud: ['lictor', 'account'],
    sub: '2b0f8e52-3c1d-4c57-9d0a-1f1f52a3d8aa',
    exp: Math.floor(t.clock.now() / 1000) + 300,
    ...more,
  })
  const ask = (token: string, url = '/v1/agents') =>
    t.request({ method: 'GET', url, headers: { authorization: `Bearer ${token}` } })
  const statusOf = async (token: string, url?: string) => (await ask(token, url)).statusCode
  const makeTenant = async (slug: string) => {
    const made = await t.request({
      method: 'POST',
      url: '/v1/admin/tenants',
      headers: await t.admin(),
      payload: { slug, display_name: slug },
    })
    expect(made.statusCode, made.body).toBeLessThan(300)
  }

  it('an operator may what its role says, a program of the system realm what operators do', async () => {
    const readonly = await system.sign(claims({ aegis_role: 'aegis:readonly' }))
    const operator = await system.sign(claims({ aegis_role: 'aegis:operator' }))
    const program = await system.sign(claims({ azp: 'ci' }))
    const listed = await Promise.all([readonly, operator, program].map((token) => statusOf(token)))
    expect(listed).toEqual([200, 200, 200])
    const secrets = await Promise.all([readonly, operator, program].map((token) => statusOf(token, '/v1/secrets')))
    expect([secrets[0], secrets[1] === 403, secrets[2] === 403]).toEqual([403, false, false])
    const narrow = await system.sign(claims({ azp: 'ci', scope: 'openid agent:list' }))
    expect([await statusOf(narrow), await statusOf(narrow, '/v1/secrets')]).toEqual([200, 403])
    // A list narrows as a text does.
    const listing = await system.sign(claims({ azp: 'ci', typ: 'Bearer', scope: ['openid', 'agent:list'] }))
    expect([await statusOf(listing), await statusOf(listing, '/v1/secrets')]).toEqual([200, 403])
  })

  it('people of a tenant’s realm, and consumers, are of their own tenant alone', async () => {
    await makeTenant('acme')
    await makeTenant('u-2b0f8e523c1d4c579d0a1f1f52a3d8aa')
    const ours = await acme.sign(claims())
    const theirs = await consumers.sign(claims({ zaru_tier: 'Pro' }))
    expect([await statusOf(ours), await statusOf(theirs)]).toEqual([200, 200])
    const named = await consumers.sign(claims({ tenant_id: 'acme' }))
    expect(await statusOf(named)).toBe(200)
    const first = await consumers.sign(claims({ sub: 'somebody', tenant_id: 'default' }))
    expect((await ask(first)).json()).toMatchObject({ error: 'unknown_tenant', message: /u-somebody/ })
  })

  it('a token that is not good is refused, and what is wrong with it is said', async () => {
    const messages = async (token: string) => {
      const answer = await ask(token)
      return [answer.statusCode, (answer.json() as { message: string }).message]
    }
    const now = Math.floor(t.clock.now() / 1000)
    const [body] = (await system.sign(claims())).split(/\.[^.]*$/)
    const refused: [string, RegExp][] = [
      [await system.sign(claims({ aud: 'account' })), /unexpected "aud"/],
      [await system.sign(claims({ exp: now - 6 })), /"exp"/],
      [await system.sign(claims({ nbf: now + 60 })), /"nbf"/],
      [await system.sign({ ...claims(), exp: undefined as never }), /"exp"/],
      [await system.sign(claims({ aegis_role: 'root' })), /no role/],
      [await system.sign(claims({ aegis_role: ['aegis:admin'] })), /no role/],
      [await system.sign(claims()), /'azp'/],
      [await system.sign(claims({ azp: 'ci', zaru_tier: 'gold' })), /no tier/],
      ...(await Promise.all(
        ['ID', 'Refresh', 'Offline', 'Logout', 'DPoP', 7].map(
          async (typ): Promise<[string, RegExp]> => [
            await system.sign(claims({ azp: 'ci', typ: typ as never })),
            /no access token/,
          ],
        ),
      )),
      [await system.sign(claims({ azp: 'ci', scope: { list: true } as never })), /'scope'/],
      [await system.sign(claims({ azp: 'ci', scope: ['agent:list', 7] as never })), /'scope'/],
      [await system.sign(claims({ azp: 'ci', scope: null as never })), /'scope'/],
      [await system.sign(claims({ azp: 'ci' }), 'unpublished'), /key/],
      [await acme.sign(claims({ iss: system.issuer, azp: 'ci' })), /signature/],
      [`${body}.AAAA`, /signature/],
      [await system.sign(claims({ iss: `${system.issuer}/`, azp: 'ci' })), /^Unauthorized$/],
      [
        await system.sign(claims({ iss: 'https://elsewhere.example/realms/aegis-system', azp: 'ci' })),
        /^Unauthorized$/,
      ],
    ]
    for (const [token, message] of refused) expect(await messages(token)).toEqual([401, expect.stringMatching(message)])
  })

  it('keys are kept for five minutes, read anew for an unknown one at most every 30 seconds, and up to an hour in an outage', async () => {
    const good = () => system.sign(claims({ azp: 'ci' }))
    for (let n = 0; n < 5; n++) expect(await statusOf(await good())).toBe(200)
    expect(system.asked()).toBe(1)
    await system.publish('second')
    const rotated = () => system.sign(claims({ azp: 'ci' }), 'second')
    expect(await statusOf(await rotated())).toBe(401)
    await t.clock.advance(31_000)
    expect(await statusOf(await rotated())).toBe(200)
    expect(await statusOf(await rotated())).toBe(200)
    expect(system.asked()).toBe(2)
    system.answer((response) => response.writeHead(500).end())
    await t.clock.advance(301_000)
    expect(await statusOf(await good())).toBe(200)
    await t.clock.advance(3_600_000)
    const answer = await ask(await good())
    expect([answer.statusCode, answer.json()]).toEqual([503, expect.objectContaining({ error: 'unavailable' })])
    system.answer(null)
    expect(await statusOf(await good())).toBe(200)
  })

  it('an issuer that does not answer is waited for by one request, and then left alone for 30 seconds', async () => {
    const good = () => system.sign(claims({ azp: 'ci' }))
    expect(await statusOf(await good())).toBe(200)
    const waiting = Promise.withResolvers<void>()
    system.answer(() => waiting.resolve())
    await t.clock.advance(301_000)
    const first = statusOf(await good())
    await waiting.promise
    await t.clock.advance(9_000)
    expect(await first).toBe(200)
    const asked = system.asked()
    for (let n = 0; n < 5; n++) expect(await statusOf(await good())).toBe(200)
    expect(system.asked()).toBe(asked)
    await t.clock.advance(30_000)
    system.answer(null)
    expect(await statusOf(await good())).toBe(200)
    expect(system.asked()).toBe(asked + 1)
  })

  it('of an issuer that answers without an end no more than a megabyte is read', async () => {
    const closed = Promise.withResolvers<void>()
    system.answer((response) => {
      response.on('close', () => closed.resolve())
      const more = () => response.write(`"${'x'.repeat(100_000)}"`, (error) => (error ? undefined : more()))
      more()
    })
    expect(await statusOf(await system.sign(claims({ azp: 'ci' })))).toBe(503)
    await closed.promise
    system.answer(null)
    expect(await statusOf(await system.sign(claims({ azp: 'ci' })))).toBe(200)
  })

  it('a tenant that is suspended, or gone, lets nobody in', async () => {
    await makeTenant('acme')
    const token = await acme.sign(claims())
    const suspend = await t.request({
      method: 'POST',
      url: '/v1/admin/tenants/acme/suspend',
      headers: await t.admin(),
      payload: {},
    })
    expect(suspend.statusCode, suspend.body).toBe(200)
    expect((await ask(token)).json()).toMatchObject({ error: 'tenant_suspended' })
  })

  it('its bearer makes no keys of its own: nobody would tell when they have to end', async () => {
    const token = await system.sign(claims({ azp: 'ci' }))
    const made = await t.request({
      method: 'POST',
      url: '/v1/api-keys',
      headers: { authorization: `Bearer ${token}` },
      payload: { name: 'mine', scopes: ['agent:list'] },
    })
    expect([made.statusCode, made.json()]).toEqual([403, expect.objectContaining({ error: 'no_own_keys' })])
  })

  it('its bearer attests no key of SEAL, also where an account of this server has the name of its program', async () => {
    const made = await t.request({
      method: 'POST',
      url: '/api/v1/service-accounts',
      headers: await t.admin(),
      payload: { name: 'ci' },
    })
    const token = await system.sign(claims({ azp: made.json<{ client_id: string }>().client_id }))
    const attested = await t.request({
      method: 'POST',
      url: '/v1/seal/attest',
      headers: { authorization: `Bearer ${token}` },
      payload: { public_key: Buffer.alloc(32, 1).toString('base64'), security_context: 'default' },
    })
    expect([attested.statusCode, attested.json()]).toEqual([401, expect.objectContaining({ status: 'error' })])
    expect(attested.body).toContain('another issuer')
  })

  it('who came in is told once for each token', async () => {
    const token = await system.sign(claims({ azp: 'ci' }))
    for (let n = 0; n < 3; n++) await ask(token)
    const events = await readStream(await t.listen(), '/v1/observability/events?follow=false', {
      authorization: `Bearer ${token}`,
    })
    expect(events.filter(({ type, sub }) => type === 'user_authenticated' && sub === 'ci')).toEqual([
      expect.objectContaining({ realm_slug: 'aegis-system', identity_kind: 'service_account' }),
    ])
  })
})

describe('LICTOR_TOKEN_ISSUERS', () => {
  const read = (text: string) => () => readConfig({ LICTOR_TOKEN_ISSUERS: text, LICTOR_DATA_DIR: '/nonexistent' })

  it.each([
    ['nonsense', /'nonsense'; it takes addresses of issuers/],
    ['https://id.example.com/realms/master', /it takes issuers of the realms aegis-system/],
    ['https://id.example.com', /name the realm of another issuer before it/],
    ['aegis-system=https://id.example.com?x=1', /it takes addresses of issuers/],
    [
      'https://id.example.com/realms/aegis-system,aegis-system=https://id.example.com/realms/aegis-system',
      /each issuer once/,
    ],
  ])('%s is refused with what it takes', (text, message) => {
    expect(read(text)).toThrow(message)
  })
})
