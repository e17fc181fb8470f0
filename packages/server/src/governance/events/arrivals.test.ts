import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'

type Headers = Record<string, string>

onEachDatabase('events in the order of arrival', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  const event = (callId: string, over: Record<string, unknown> = {}) => ({
    ...{ call_id: callId, agent_id: 'agent-1', tool_name: 'exec', verdict: 'call_allowed', mode: 'enforce' },
    timestamp: '2026-03-01T12:00:00Z',
    ...over,
  })
  const send = async (headers: Headers, ...events: unknown[]) =>
    (await t.request({ method: 'POST', url: '/api/v1/events', headers, payload: { events } })).json()
  const after = async (headers: Headers, seq: number, more = '') => {
    const answer = await t.request({ method: 'GET', url: `/api/v1/events?after_seq=${seq}${more}`, headers })
    const events = answer.json() as { call_id: string; seq: number }[]
    return {
      calls: events.map((found) => found.call_id),
      next: Number(answer.headers['x-next-seq']),
      more: answer.headers['x-has-more'] === 'true',
      events,
    }
  }

  it('an event that happened long ago and arrives late comes last, and the numbers have no gaps', async () => {
    t = await start()
    const agent = await t.agent()
    await send(agent, event('a'), event('b'))
    await send(agent, event('a'), event('late', { timestamp: '2020-01-01T00:00:00Z' }))
    await send(agent, event('c'))
    expect(await after(agent, 0)).toMatchObject({ calls: ['a', 'b', 'late', 'c'], next: 4 })
    expect((await after(agent, 0)).events.map(({ seq }) => seq)).toEqual([1, 2, 3, 4])
    expect((await after(agent, 2)).calls).toEqual(['late', 'c'])
    expect(await after(agent, 4)).toMatchObject({ calls: [], next: 4 })
    const listed = (await t.request({ method: 'GET', url: '/api/v1/events', headers: agent })).json()
    expect(listed.map((found: { call_id: string; seq: number }) => [found.call_id, found.seq])).toEqual([
      ...[
        ['c', 4],
        ['b', 2],
        ['a', 1],
      ],
      ['late', 3],
    ])
  })

  it('who reads on from where the last page ended, while many write, gets every event once', async () => {
    t = await start()
    const agent = await t.agent()
    const other = await t.otherTenant()
    const key = await t.request({ method: 'POST', url: '/api/v1/keys', headers: other, payload: { env: 'production' } })
    const theirs = { authorization: `Bearer ${key.json().key}` }
    const writing = Array.from({ length: 30 }, (_, batch) =>
      send(
        batch % 3 === 2 ? theirs : agent,
        ...Array.from({ length: 40 }, (_, index) => event(`call-${batch}-${index % 30}`)),
      ),
    )
    const seen: number[] = []
    let place = 0
    const read = async () => {
      const page = await after(agent, place, '&limit=70')
      seen.push(...page.events.map(({ seq }) => seq))
      place = page.next
      return page.events.length
    }
    for (const batch of writing) {
      await batch
      await read()
    }
    while ((await read()) > 0);
    expect(seen).toEqual(Array.from({ length: 600 }, (_, index) => index + 1))
  })

  it('an answer that was cut off says that there may be more, and one that reaches the newest does not', async () => {
    t = await start()
    const agent = await t.agent()
    await send(agent, event('a'), event('b'), event('c', { agent_id: 'agent-2' }))
    expect(await after(agent, 0, '&limit=2')).toMatchObject({ calls: ['a', 'b'], next: 2, more: true })
    expect(await after(agent, 2, '&limit=2')).toMatchObject({ calls: ['c'], next: 3, more: false })
    expect(await after(agent, 0)).toMatchObject({ calls: ['a', 'b', 'c'], more: false })
    expect(await after(agent, 0, '&agent_id=agent-1')).toMatchObject({ calls: ['a', 'b'], next: 3, more: false })
  })

  it('filters and the environment of a key leave out what they leave out, and say where to go on all the same', async () => {
    t = await start()
    const production = await t.agent('production')
    const staging = await t.agent('staging')
    await send(production, event('a'), event('b', { verdict: 'call_denied' }), event('c'))
    await send(staging, event('d'), event('e', { verdict: 'call_denied' }))
    expect(await after(production, 0)).toMatchObject({ calls: ['a', 'b', 'c'], next: 5 })
    expect(await after(staging, 0)).toMatchObject({ calls: ['d', 'e'], next: 5 })
    expect(await after(await t.admin(), 0, '&verdict=call_denied')).toMatchObject({ calls: ['b', 'e'], next: 5 })
    expect(await after(await t.admin(), 0, '&verdict=call_denied&limit=1')).toMatchObject({ calls: ['b'], next: 2 })
    expect(await after(await t.admin(), 2, '&verdict=call_denied&limit=1')).toMatchObject({ calls: ['e'], next: 5 })
    expect((await t.request({ method: 'GET', url: '/api/v1/events?after_seq=-1', headers: staging })).statusCode).toBe(
      422,
    )
  })
})
