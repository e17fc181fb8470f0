import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'

type Headers = Record<string, string>

const event = (over: Record<string, unknown> = {}) => ({
  call_id: 'call_0',
  agent_id: 'alice',
  tool_name: 'read_file',
  verdict: 'call_allowed',
  mode: 'enforce',
  timestamp: '2026-03-01T12:00:00Z',
  payload: {},
  ...over,
})

onEachDatabase('the identity of an event', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  const send = async (headers: Headers, ...events: unknown[]) =>
    (await t.request({ method: 'POST', url: '/api/v1/events', headers, payload: { events } })).json()
  const count = async (headers: Headers) =>
    (await t.request({ method: 'GET', url: '/api/v1/events', headers })).json().length

  it('calls that share a provider’s id are all kept: of another agent, of another tool later, of another environment', async () => {
    t = await start()
    const agent = await t.agent()
    const staging = await t.agent('staging')
    expect(
      await send(
        agent,
        event(),
        event({ agent_id: 'bob', tool_name: 'delete_all' }),
        event({ timestamp: '2026-03-01T13:00:00Z', tool_name: 'delete_all' }),
        event({ payload: { decision_name: 'second-stage' } }),
        event({ verdict: 'call_executed' }),
      ),
    ).toEqual({ accepted: 5, duplicates: 0 })
    expect(await send(staging, event())).toEqual({ accepted: 1, duplicates: 0 })
    expect(await count(await t.admin())).toBe(6)
  })

  it('an exact re-delivery is a duplicate, however its instant is written', async () => {
    t = await start()
    const agent = await t.agent()
    expect(await send(agent, event(), event())).toEqual({ accepted: 1, duplicates: 1 })
    expect(await send(agent, event({ timestamp: '2026-03-01T13:00:00+01:00' }))).toEqual({ accepted: 0, duplicates: 1 })
    expect(await send(agent, event({ timestamp: 1772366400 }))).toEqual({ accepted: 0, duplicates: 1 })
  })

  it('where the client sends an event id, it alone decides, within one agent and environment', async () => {
    t = await start()
    const agent = await t.agent()
    const one = { payload: { event_id: 'e-1' } }
    expect(await send(agent, event(one), event({ payload: { event_id: 'e-2' } }))).toEqual({
      accepted: 2,
      duplicates: 0,
    })
    const again = event({ ...one, call_id: 'other', tool_name: 'other', verdict: 'call_denied', timestamp: 0 })
    expect(await send(agent, again)).toEqual({ accepted: 0, duplicates: 1 })
    expect(await send(agent, event({ ...one, agent_id: 'bob' }))).toEqual({ accepted: 1, duplicates: 0 })
    expect(await send(await t.agent('staging'), event(one))).toEqual({ accepted: 1, duplicates: 0 })
    // What is no text, or none at all, is no id.
    expect(await send(agent, event({ payload: { event_id: '' } }), event({ payload: { event_id: 7 } }))).toEqual({
      accepted: 1,
      duplicates: 1,
    })
  })

  it('without a call everything of the event decides', async () => {
    t = await start()
    const agent = await t.agent()
    const bare = { call_id: '' }
    expect(
      await send(
        agent,
        event(bare),
        event({ ...bare, tool_name: 'write_file' }),
        event({ ...bare, payload: { n: 1 } }),
        event({ ...bare, mode: 'observe' }),
        event(bare),
      ),
    ).toEqual({ accepted: 4, duplicates: 1 })
  })
})
