import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { previewOf } from '../preview.ts'

type Headers = Record<string, string>

onEachDatabase('lists of large events', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  const send = (headers: Headers, callId: string, payload: object) =>
    t.request({
      ...{ method: 'POST', url: '/api/v1/events', headers },
      payload: {
        events: [
          {
            ...{ call_id: callId, agent_id: 'a', tool_name: 't', verdict: 'call_allowed', mode: 'enforce' },
            ...{ timestamp: '2026-03-01T12:00:00Z', payload },
          },
        ],
      },
    })
  const get = (headers: Headers, path: string) => t.request({ method: 'GET', url: `/api/v1/events${path}`, headers })

  it('values up to 32 KiB stay whole and keep their type, a larger one is its beginning; the event by itself is whole', async () => {
    t = await start()
    const agent = await t.agent()
    const payload = {
      tool_args: { small: 'y'.repeat(32_000), large: 'x'.repeat(2_000_000), count: 7, flag: true, none: null },
      list: [1, 'z'.repeat(40_000)],
      decision_name: 'large',
    }
    await send(agent, 'large', payload)
    const [listed] = (await get(agent, '')).json()
    expect(listed).toMatchObject({
      payload_shortened: true,
      payload_bytes: JSON.stringify(payload).length,
      payload: {
        tool_args: {
          ...payload.tool_args,
          large: { $preview: 'x'.repeat(1_024), $bytes: 2_000_002 },
        },
        list: [1, { $preview: 'z'.repeat(1_024), $bytes: 40_002 }],
        decision_name: 'large',
      },
    })
    const whole = (await get(agent, `/${listed.id}`)).json()
    expect(whole).toMatchObject({ payload, payload_shortened: false, seq: listed.seq })
    expect((await get(await t.agent('staging'), `/${listed.id}`)).statusCode).toBe(404)
    expect((await get(await t.otherTenant(), `/${listed.id}`)).statusCode).toBe(404)
    expect((await get(agent, '/00000000-0000-4000-8000-000000000000')).statusCode).toBe(404)
    expect((await get(agent, '/unknown')).statusCode).toBe(422)
  })

  it('a page is bounded in bytes, says that there is more, and nothing is left out', async () => {
    t = await start()
    const agent = await t.agent()
    // Many values that are small apart.
    const payload = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`v${index}`, 'x'.repeat(20_000)]))
    for (let index = 0; index < 14; index++) await send(agent, `call-${index}`, payload)
    const seen: string[] = []
    let pages = 0
    for (let cursor = ''; ; pages++) {
      const page = await get(agent, `?limit=100${cursor}`)
      expect(page.body.length).toBeLessThan(5 * 1024 * 1024)
      seen.push(...page.json().map((event: { call_id: string }) => event.call_id))
      const next = page.headers['x-next-cursor']
      if (next === undefined) break
      cursor = `&cursor=${next}`
    }
    expect(pages).toBeGreaterThan(0)
    expect(seen).toEqual(Array.from({ length: 14 }, (_, index) => `call-${13 - index}`))
  })
})

it('a preview is bounded whatever is sent, and costs no more than the text is long', () => {
  const nested = (depth: number, inner: unknown): object => (depth === 0 ? { inner } : { a: nested(depth - 1, inner) })
  const deep = nested(2_000, 'x'.repeat(1_000_000))
  expect(previewOf(deep, JSON.stringify(deep))?.length).toBeLessThan(10_000)
  const wide = Object.fromEntries(Array.from({ length: 60_000 }, (_, index) => [`v${index}`, 'x'.repeat(40)]))
  expect(previewOf(wide, JSON.stringify(wide))?.length).toBeLessThan(512 * 1024)
  const escaped = { text: '\u0000'.repeat(40_000) }
  expect(JSON.parse(previewOf(escaped, JSON.stringify(escaped)) ?? '').text.$bytes).toBe(240_002)
  expect(previewOf({ text: 'short' }, '{"text":"short"}')).toBe(null)
})
