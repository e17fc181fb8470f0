import { afterEach, expect, it } from 'vitest'
import { ADMIN, onEachDatabase, type TestServer } from '../../test/harness.ts'

type Headers = Record<string, string>
type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

/** A repeated request is answered once, for what is not the library, bundles or the fleet. */
onEachDatabase('the same request twice', (start) => {
  let t: TestServer
  let admin: Headers
  let agent: Headers
  afterEach(() => t.close())

  async function begin() {
    t = await start()
    admin = await t.admin()
    agent = await t.agent()
  }
  const once = async (method: Method, url: string, payload?: object, headers = admin) => {
    const answer = await t.request({ method, url: `/api/v1${url}`, headers, ...(payload ? { payload } : {}) })
    const body = answer.body === '' ? null : answer.json()
    return { status: answer.statusCode, body, cookie: String(answer.headers['set-cookie'] ?? '') }
  }
  const twice = async (method: Method, url: string, payload?: object, headers = admin) =>
    [await once(method, url, payload, headers), await once(method, url, payload, headers)] as const

  it('login makes another session; logout succeeds always', async () => {
    await begin()
    const [first, second] = await twice('POST', '/auth/login', ADMIN, {})
    expect([first.status, second.status, first.cookie === second.cookie]).toEqual([200, 200, false])
    const headers = { cookie: first.cookie.split(';')[0] ?? '', 'x-requested-with': 'x' }
    expect((await twice('POST', '/auth/logout', undefined, headers)).map(({ status }) => status)).toEqual([200, 200])
  })

  it('the first administrator is made once', async () => {
    t = await start()
    expect((await twice('POST', '/setup', ADMIN, {})).map(({ status }) => status)).toEqual([201, 409])
  })

  it('keys and approvals are made anew', async () => {
    await begin()
    for (const [url, payload, headers] of [
      ['/keys', { env: 'staging', label: 'x' }, admin],
      ['/approvals', { agent_id: 'a', tool_name: 't', message: 'm' }, agent],
    ] as const) {
      const [first, second] = await twice('POST', url, payload, headers)
      expect([first.status, second.status, first.body.id === second.body.id]).toEqual([201, 201, false])
    }
  })

  it('settings, channels and values come to the same', async () => {
    await begin()
    const channel = { name: 'c', channel_type: 'email', config: email }
    const { id } = (await once('POST', '/notifications/channels', channel)).body
    for (const [url, payload, headers] of [
      [`/notifications/channels/${id}`, { name: 'd', enabled: false }, admin],
      ['/settings/ai', { provider: 'openai', api_key: 'sk-0123456789-abcdef' }, admin],
      ['/sessions/k', { value: 'v' }, agent],
    ] as const) {
      const [first, second] = await twice('PUT', url, payload, headers)
      expect([first.status, second]).toEqual([200, first])
    }
  })

  it('what is deleted or revoked is 204, then 404; values and AI settings are deleted again and again', async () => {
    await begin()
    const channel = { name: 'c', channel_type: 'email', config: email }
    for (const url of [
      `/keys/${(await once('POST', '/keys', { env: 'staging' })).body.id}`,
      `/notifications/channels/${(await once('POST', '/notifications/channels', channel)).body.id}`,
    ])
      expect((await twice('DELETE', url)).map(({ status }) => status)).toEqual([204, 404])
    expect((await twice('DELETE', '/settings/ai')).map(({ status }) => status)).toEqual([204, 204])
    expect((await twice('DELETE', '/sessions/k', undefined, agent)).map(({ status, body }) => [status, body])).toEqual([
      [200, { value: null }],
      [200, { value: null }],
    ])
  })

  it('an approval is decided once', async () => {
    await begin()
    const { id } = (await once('POST', '/approvals', { agent_id: 'a', tool_name: 't', message: 'm' }, agent)).body
    expect((await twice('PUT', `/approvals/${id}`, { approved: true })).map(({ status }) => status)).toEqual([200, 409])
  })

  it('events are stored once, increments count each time, a key is rotated each time, a purge takes what is left', async () => {
    await begin()
    const event = { call_id: 'c', agent_id: 'a', tool_name: 't', verdict: 'v', mode: 'enforce', timestamp: 0 }
    expect((await twice('POST', '/events', { events: [event] }, agent)).map(({ body }) => body)).toEqual([
      { accepted: 1, duplicates: 0 },
      { accepted: 0, duplicates: 1 },
    ])
    expect((await twice('POST', '/sessions/n/increment', {}, agent)).map(({ body }) => body.value)).toEqual([1, 2])
    const [first, second] = await twice('POST', '/settings/rotate-signing-key')
    expect([first.status, second.status, first.body.public_key === second.body.public_key]).toEqual([201, 201, false])
    t.clock.set(t.clock.now() + 2 * 86_400_000)
    const login = await once('POST', '/auth/login', ADMIN, {})
    const headers = { cookie: login.cookie.split(';')[0] ?? '', 'x-requested-with': 'x' }
    const purged = await twice('DELETE', '/settings/purge-events?older_than_days=1', undefined, headers)
    expect(purged.map(({ body }) => body.deleted_count)).toEqual([1, 0])
  })
})

const email = {
  smtp_host: 'smtp.example.com',
  smtp_port: 587,
  smtp_user: 'u',
  smtp_password: 'p',
  from_address: 'a@example.com',
  to_addresses: 'b@example.com',
}
