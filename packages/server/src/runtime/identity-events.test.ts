import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../test/harness.ts'
import { readStream, requestToken } from '../../test/runtime.ts'

onEachDatabase('what happens to identities', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  async function open() {
    t = await start()
    const address = await t.listen()
    const admin = await t.admin()
    const made = await t.request({
      method: 'POST',
      url: '/api/v1/service-accounts',
      headers: admin,
      payload: { name: 'operator' },
    })
    const account = made.json<{ id: string; client_id: string; client_secret: string }>()
    const token = async (secret = account.client_secret) => {
      const answer = await requestToken(t, {
        grant_type: 'client_credentials',
        client_id: account.client_id,
        client_secret: secret,
      })
      return answer.json<{ access_token: string }>().access_token
    }
    const told = async (bearer: string) => {
      const headers = { authorization: `Bearer ${bearer}` }
      const events = await readStream(address, '/v1/observability/events?follow=false', headers)
      return events.filter(({ category }) => category === 'iam')
    }
    return { address, admin, account, token, told }
  }
  const use = (bearer: string) =>
    t.request({ method: 'GET', url: '/v1/agents', headers: { authorization: `Bearer ${bearer}` } })

  it('who signs in, and who is let in, is told to operators of the tenant', async () => {
    const { account, token, told } = await open()
    const events = await told(await token())
    const sub = { sub: expect.any(String), authenticated_at: expect.any(String) }
    expect(events).toMatchObject([
      { type: 'user_authenticated', stage: 'identity', ...sub, realm_slug: 'console', identity_kind: 'operator' },
      {
        type: 'service_account_provisioned',
        client_id: account.client_id,
        realm_slug: 'aegis-system',
        grant_type: 'client_credentials',
        provisioned_at: expect.any(String),
      },
      {
        type: 'user_authenticated',
        sub: account.client_id,
        realm_slug: 'aegis-system',
        identity_kind: 'service_account',
        details: { type: 'iam', UserAuthenticated: sub },
      },
    ])
    expect(JSON.stringify(events)).not.toContain(account.client_secret)
  })

  it('a secret, a password and a token that are refused are told, a moment after the answer', async () => {
    const { account, token, told } = await open()
    const old = await token()
    const [first, second] = [await token('wrong'), await token('wrong')]
    expect([first, second]).toEqual([undefined, undefined])
    const login = { email: 'admin@example.com', password: 'wrong' }
    const headers = { 'x-requested-with': 'test' }
    const refused = await t.request({ method: 'POST', url: '/api/v1/auth/login', headers, payload: login })
    expect(refused.statusCode).toBe(401)
    await t.clock.advance(400_000)
    expect((await use(old)).statusCode).toBe(401)
    expect((await use('forged')).statusCode).toBe(401)
    await t.clock.advance(2_000)
    const reasons = async () => {
      const events = await told(await token())
      return events.flatMap((event) => (event.type === 'token_validation_failed' ? [event.reason] : [])).toSorted()
    }
    await expect
      .poll(reasons, { timeout: 15_000 })
      .toEqual(['expired', 'invalid_client_secret', 'invalid_client_secret', 'invalid_password'])
    const [event] = (await told(await token())).filter(({ type }) => type === 'token_validation_failed')
    expect(event).toMatchObject({ realm_slug: expect.any(String), attempted_at: expect.any(String) })
    expect(JSON.stringify(event)).not.toContain(account.client_secret)
  })

  it('an account that is revoked is told once, and the use of its tokens as a refusal', async () => {
    const { admin, account, token, told } = await open()
    const old = await token()
    const url = `/api/v1/service-accounts/${account.id}`
    const revoke = () => t.request({ method: 'DELETE', url, headers: admin })
    expect([(await revoke()).statusCode, (await revoke()).statusCode]).toEqual([204, 404])
    expect((await use(old)).statusCode).toBe(401)
    await t.clock.advance(2_000)
    const another = await t.request({
      method: 'POST',
      url: '/api/v1/service-accounts',
      headers: admin,
      payload: { name: 'another' },
    })
    const { client_id, client_secret } = another.json<Record<string, string>>()
    const form = { grant_type: 'client_credentials', client_id: client_id ?? '', client_secret: client_secret ?? '' }
    const bearer = (await requestToken(t, form)).json<{ access_token: string }>().access_token
    const ofAccount = async () =>
      (await told(bearer))
        .filter(({ client_id: of }) => of === account.client_id)
        .map(({ type, reason }) => [type, reason])
    await expect.poll(ofAccount, { timeout: 15_000 }).toEqual([
      ['service_account_provisioned', undefined],
      ['service_account_revoked', 'revoked'],
      ['token_validation_failed', 'revoked'],
    ])
  })

  it('somebody who is refused again and again fills no log', async () => {
    const { token, told } = await open()
    for (let attempt = 0; attempt < 30; attempt++) await token('wrong')
    await t.clock.advance(2_000)
    const refusals = async () =>
      (await told(await token())).filter(({ type }) => type === 'token_validation_failed').length
    await expect.poll(refusals, { timeout: 15_000 }).toBe(10)
  })

  it('another tenant hears nothing of it', async () => {
    const { account, address } = await open()
    const foreign = await t.otherTenant()
    const events = await readStream(address, '/v1/observability/events?follow=false', foreign)
    expect(JSON.stringify(events)).not.toContain(account.client_id)
  })
})
