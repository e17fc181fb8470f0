import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'

type Headers = Record<string, string>

onEachDatabase('purging events', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  const DAY_MS = 86_400_000
  let calls = 0
  const send = (headers: Headers, count = 1) =>
    t.request({
      method: 'POST',
      url: '/api/v1/events',
      headers,
      payload: {
        events: Array.from({ length: count }, () => ({
          call_id: `call-${calls++}`,
          agent_id: 'agent-1',
          tool_name: 'exec',
          verdict: 'call_allowed',
          mode: 'enforce',
          timestamp: '2020-01-01T00:00:00Z',
        })),
      },
    })
  const purge = (headers: Headers, query: string) =>
    t.request({ method: 'DELETE', url: `/api/v1/settings/purge-events${query}`, headers })
  const left = async (headers: Headers) =>
    (await t.request({ method: 'GET', url: '/api/v1/events?limit=100', headers })).json().length

  it('goes by the time of arrival and leaves what is younger', async () => {
    t = await start()
    const agent = await t.agent()
    for (const wait of [30, 50, 9, 0]) {
      await send(agent)
      t.clock.set(t.clock.now() + wait * DAY_MS)
    }
    const answer = await purge(await signedInAgain(), '?older_than_days=30')
    expect([answer.statusCode, answer.json()]).toEqual([200, { deleted_count: 2, cutoff: '2026-04-29T12:00:00Z' }])
    expect(await left(await signedInAgain())).toBe(2)
    expect((await purge(await signedInAgain(), '?older_than_days=30')).json().deleted_count).toBe(0)
  })

  it('of more than one stretch deletes all', async () => {
    t = await start()
    const agent = await t.agent()
    for (let batch = 0; batch < 6; batch++) await send(agent, 1_000)
    t.clock.set(t.clock.now() + 2 * DAY_MS)
    expect((await purge(await signedInAgain(), '?older_than_days=1')).json().deleted_count).toBe(6_000)
  })

  it("leaves another tenant's events", async () => {
    t = await start()
    const other = await t.otherTenant()
    const key = await t.request({ method: 'POST', url: '/api/v1/keys', headers: other, payload: { env: 'staging' } })
    const theirs = { authorization: `Bearer ${key.json().key}` }
    await send(theirs)
    await send(await t.agent())
    t.clock.set(t.clock.now() + 2 * DAY_MS)
    expect((await purge(await signedInAgain(), '?older_than_days=1')).json().deleted_count).toBe(1)
    expect(await left(theirs)).toBe(1)
  })

  it('needs a number of days, at least one, and an administrator', async () => {
    t = await start()
    for (const query of ['', '?older_than_days=0', '?older_than_days=-1', '?older_than_days=x', '?older_than_days=1.5'])
      expect((await purge(await t.admin(), query)).statusCode).toBe(422)
    await t.server.database.db.updateTable('members').set({ role: 'member' }).execute()
    await t.server.database.db.updateTable('members').set({ role: 'member' }).execute()
    expect((await purge(await t.admin(), '?older_than_days=1')).statusCode).toBe(403)
  })

  /** Sessions do not outlive the days these tests let pass. */
  async function signedInAgain(): Promise<Headers> {
    const answer = await t.request({
      method: 'POST',
      url: '/api/v1/auth/login',
      payload: { email: 'admin@example.com', password: 'correct horse battery' },
    })
    return { cookie: String(answer.headers['set-cookie']).split(';')[0] ?? '', 'x-requested-with': 'test' }
  }
})
