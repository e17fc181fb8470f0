import { createPublicKey } from 'node:crypto'
import { verifySecurityToken } from '@lictor/seal'
import { decodeProtectedHeader } from 'jose'
import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { readStream, serviceHeaders } from '../../../test/runtime.ts'
import { sealHand } from '../../../test/seal.ts'

const DAY = 86_400_000

onEachDatabase('the keys of security tokens', (start) => {
  let t: TestServer
  let headers: Record<string, string>
  afterEach(() => t.close())

  async function open(): Promise<void> {
    t = await start()
    headers = await serviceHeaders(t)
  }
  const hand = () => sealHand(t, { security_context: 'default' }, { headers })
  const rotate = (payload: object = {}) => t.request({ method: 'POST', url: '/v1/seal/keys/rotate', headers, payload })
  const retire = (kid: string) => t.request({ method: 'DELETE', url: `/v1/seal/keys/${kid}`, headers })
  const published = async () =>
    (await t.request({ method: 'GET', url: '/v1/seal/keys' })).json<{
      keys: { kid: string; alg: string; kty: string }[]
    }>().keys
  type Hand = Awaited<ReturnType<typeof hand>>
  const status = async (of: Hand) => (await of.call('fs.list', { path: '.' })).statusCode
  const headerOf = ({ token }: Hand) => decodeProtectedHeader(token)

  it('rotated, sign with the new one at once, and end no session', async () => {
    await open()
    const before = await hand()
    const answer = await rotate()
    expect(answer.statusCode).toBe(201)
    const { kid, algorithm, verifies_until, keys } = answer.json()
    expect([algorithm, verifies_until, keys.length]).toEqual(['RS256', null, 2])
    const after = await hand()
    expect(headerOf(after)).toMatchObject({ kid, alg: 'RS256' })
    expect(headerOf(before).kid).toBe(keys[1].kid)
    expect([await status(before), await status(after)]).toEqual([200, 200])
    expect((await published()).map((key) => key.kid)).toEqual([kid, keys[1].kid])
  })

  it('change their algorithm by a rotation, keep it by the next, and verify by what they are', async () => {
    await open()
    const rsa = await hand()
    expect((await rotate({ algorithm: 'EdDSA' })).json()).toMatchObject({ algorithm: 'EdDSA' })
    const edwards = await hand()
    expect(headerOf(edwards).alg).toBe('EdDSA')
    const [key] = await published()
    expect(key).toMatchObject({ kty: 'OKP', alg: 'EdDSA' })
    const expected = { issuer: 'aegis-orchestrator', audience: 'aegis-agents', now: t.clock.now } as const
    const publicKey = createPublicKey({ key: key as never, format: 'jwk' })
    expect(verifySecurityToken(edwards.token, { ...expected, key: publicKey, algorithm: 'EdDSA' }).claims.jti).toBe(
      edwards.sessionId,
    )
    expect([await status(rsa), await status(edwards)]).toEqual([200, 200])
    expect((await rotate()).json()).toMatchObject({ algorithm: 'EdDSA' })
    expect((await rotate({ algorithm: 'HS256' })).statusCode).toBe(422)
    expect(await published()).toHaveLength(3)
  })

  it('verify for as long as a token may live once there is a newer one, and are then forgotten', async () => {
    await open()
    const first = headerOf(await hand()).kid
    const second = (await rotate()).json().kid
    const until = (await rotate()).json().keys.map((key: { verifies_until: string }) => key.verifies_until)
    expect(until.slice(1).map((text: string) => Date.parse(text) - t.clock.now() >= DAY)).toEqual([true, true])
    t.clock.set(t.clock.now() + DAY)
    expect((await published()).map(({ kid }) => kid)).toEqual(expect.arrayContaining([first, second]))
    t.clock.set(t.clock.now() + 200_000)
    expect(await published()).toHaveLength(1)
    await t.clock.advance(60_000)
    await expect.poll(async () => (await stored()).length).toBe(1)
  })
  const stored = () => t.server.database.db.selectFrom('seal_token_keys').select('id').execute()

  it('rotated many times in one moment, are in one order, and one of them signs', async () => {
    await open()
    const before = await hand()
    const answers = await Promise.all(Array.from({ length: 6 }, () => rotate({ algorithm: 'EdDSA' })))
    const rows = await t.server.database.db.selectFrom('seal_token_keys').selectAll().execute()
    expect(new Set(rows.map(({ created_at }) => created_at)).size).toBe(7)
    const [newest] = rows.sort((one, other) => other.created_at - one.created_at)
    const after = await hand()
    expect(headerOf(after).kid).toBe(newest?.id)
    expect(answers.map((answer) => answer.json().kid)).toContain(newest?.id)
    expect((await published()).map(({ kid }) => kid)).toEqual(rows.map(({ id }) => id))
    expect([await status(before), await status(after)]).toEqual([200, 200])
  })

  it('taken back, refuse what they signed; the one that signs cannot be', async () => {
    await open()
    const leaked = await hand()
    const kid = headerOf(leaked).kid ?? ''
    expect((await retire(kid)).statusCode).toBe(409)
    await rotate()
    expect((await retire(kid)).json()).toEqual({ status: 'retired', kid })
    const refused = await leaked.call('fs.list', { path: '.' })
    expect([refused.statusCode, refused.json().error.code]).toEqual([401, 1004])
    expect(await status(await hand())).toBe(200)
    expect((await retire(kid)).statusCode).toBe(404)
    const audit = (await t.request({ method: 'GET', url: '/api/v1/events?limit=200', headers: await t.admin() })).json()
    const told = audit.filter(({ tool_name }: { tool_name: string }) => tool_name.startsWith('seal_key.'))
    expect(told.map(({ tool_name, verdict }: Record<string, string>) => [tool_name, verdict])).toEqual([
      ['seal_key.retire', 'call_allowed'],
      ['seal_key.rotate', 'call_allowed'],
    ])
  })

  it('are for operators alone', async () => {
    await open()
    const { kid } = headerOf(await hand())
    headers = await serviceHeaders(t, { role: 'aegis:readonly' })
    expect([(await rotate()).statusCode, (await retire(kid ?? '')).statusCode]).toEqual([403, 403])
    headers = {}
    expect([(await rotate()).statusCode, (await retire(kid ?? '')).statusCode]).toEqual([401, 401])
    expect(await published()).toHaveLength(1)
  })
})

onEachDatabase('limits of tiers', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  async function open(environment: Record<string, string> = { LICTOR_LIMITS: 'on' }) {
    t = await start({ environment })
    const headers = await serviceHeaders(t)
    return (body: object = {}) => sealHand(t, { security_context: 'default', user_id: 'u-1', ...body }, { headers })
  }
  type Hand = Awaited<ReturnType<typeof sealHand>>
  const status = async (of: Hand, name: string, args: object = {}) => (await of.call(name, args)).statusCode
  async function calls(of: Hand, times: number, name: string, args: object = {}): Promise<number[]> {
    const seen = new Set<number>()
    for (let n = 0; n < times; n++) seen.add(await status(of, name, args))
    return [...seen]
  }

  it('count the calls of one user by class, over all their sessions, and open again', async () => {
    const hand = await open()
    const free = await hand({ zaru_tier: 'Free' })
    expect(await calls(free, 30, 'aegis.tools.list')).toEqual([200])
    const refused = await free.call('aegis.runtime.list')
    expect([refused.statusCode, refused.json().error.code]).toEqual([429, 2005])
    const wait = Number(refused.headers['retry-after'])
    expect(wait).toBeGreaterThan(0)
    // Files are a class of their own, and so is another user.
    expect(await status(free, 'fs.list', { path: '.' })).toBe(200)
    expect(await status(await hand({ zaru_tier: 'free', user_id: 'u-2' }), 'aegis.tools.list')).toBe(200)
    expect(await status(await hand({ zaru_tier: 'free' }), 'aegis.tools.list')).toBe(429)
    await t.clock.advance(wait * 1000)
    expect(await status(free, 'aegis.tools.list')).toBe(200)
  })

  it('100 calls at once by somebody whom nobody has seen before: as many as there are left go through, and no more', async () => {
    const hand = await open()
    const unknown = await hand({ zaru_tier: 'free', user_id: 'never-seen' })
    const statuses = await Promise.all(Array.from({ length: 100 }, () => status(unknown, 'aegis.tools.list')))
    const count = (wanted: number) => statuses.filter((one) => one === wanted).length
    expect([count(200), count(429)]).toEqual([30, 70])
    // With 10 of 60 left, over two sessions of the user.
    const second = await hand({ zaru_tier: 'free', user_id: 'never-seen' })
    expect(await calls(unknown, 50, 'fs.list', { path: '.' })).toEqual([200])
    const more = await Promise.all(
      Array.from({ length: 100 }, (_, n) => status(n % 2 === 0 ? unknown : second, 'fs.list', { path: '.' })),
    )
    expect(more.filter((one) => one === 200)).toHaveLength(10)
    expect(more.filter((one) => one === 429)).toHaveLength(90)
  })

  it('that one is near is told once in its time, that a call was beyond it each time', async () => {
    const hand = await open()
    const free = await hand({ zaru_tier: 'free' })
    expect(await calls(free, 30, 'aegis.tools.list')).toEqual([200])
    expect(await calls(free, 2, 'aegis.tools.list')).toEqual([429])
    const address = await t.listen()
    const headers = await serviceHeaders(t)
    const told = await readStream(address, '/v1/observability/events?follow=false', headers)
    const of = {
      category: 'rate_limit',
      user_id: 'u-1',
      tenant_id: expect.any(String),
      resource_type: 'seal_tool:*',
      bucket: 'per_minute',
      limit: 30,
    }
    expect(told.filter(({ category }) => category === 'rate_limit')).toMatchObject([
      { ...of, type: 'rate_limit_warning', current: 24, threshold_percent: 80, timestamp: expect.any(String) },
      { ...of, type: 'rate_limit_exceeded', counter: 30, timestamp: expect.any(String) },
      { ...of, type: 'rate_limit_exceeded', counter: 30 },
    ])
  })

  it('are those of the tier that the attestation named, of enterprise without one, and of none that there is not', async () => {
    const hand = await open()
    const enterprise = await hand()
    expect(await calls(enterprise, 31, 'aegis.tools.list')).toEqual([200])
    await expect(hand({ zaru_tier: 'platinum' })).rejects.toThrow("There is no tier 'platinum'")
  })

  it('are off unless an operator turns them on', async () => {
    const hand = await open({})
    expect(await calls(await hand({ zaru_tier: 'free' }), 31, 'aegis.tools.list')).toEqual([200])
  })
})
