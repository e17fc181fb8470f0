import { describe, expect, it } from 'vitest'
import { readLine } from '../gateway/message.ts'
import { manualClock, settled, TOOL, testJudge } from '../testing/between.ts'
import type { WayEvents } from './link.ts'
import { createUpstream } from './member.ts'
import { createSession } from './session.ts'

/** A server of a test: what it was sent, and a way to answer. */
function fakeServer(name: string) {
  const sent: Record<string, unknown>[] = []
  let events: WayEvents | null = null
  const opened: PromiseWithResolvers<void>[] = []
  const server = {
    name,
    sent,
    /** How often it was to be connected to. */
    attempts: () => opened.length,
    write: (line: string) => events?.message(line),
    say: (message: object) => events?.message(JSON.stringify({ jsonrpc: '2.0', ...message })),
    /** The newest attempt succeeds, and it answers what every server is asked. */
    async comeUp(tools: readonly object[] = [TOOL], capabilities: object = { tools: {} }) {
      opened.at(-1)?.resolve()
      await settled()
      server.answer('initialize', { protocolVersion: '2025-11-25', capabilities })
      server.tools = tools
      await settled()
    },
    tools: [] as readonly object[],
    answer(method: string, result: object) {
      const { id } = sent.findLast((one) => one.method === method) ?? {}
      server.say({ id, result })
    },
    fail: (reason: string) => opened.at(-1)?.reject(new Error(reason)),
    end: (reason: string) => events?.closed(reason),
    upstream: createUpstream({
      name,
      async open(told) {
        const attempt = Promise.withResolvers<void>()
        opened.push(attempt)
        await attempt.promise
        events = told
        return {
          async send(text: string) {
            const message = JSON.parse(text) as Record<string, unknown>
            sent.push(message)
            if (message.method === 'tools/list') server.say({ id: message.id, result: { tools: server.tools } })
          },
          close: async () => {},
        }
      },
      pins: { read: () => ({ tools: {}, held: {} }), keep: () => {} },
      roots: 'hide',
      connectMs: 120_000,
    }),
  }
  return server
}

function between(names: readonly string[]) {
  const servers = names.map(fakeServer)
  const clock = manualClock()
  const standing: Record<string, unknown>[] = []
  const notes: string[] = []
  const session = createSession({
    upstreams: servers.map(({ upstream }) => upstream),
    judge: testJudge(),
    clock,
    random: () => 0,
    patience: { answerMs: 50_000, progressMs: 15_000, keepMs: 600_000 },
    limits: { largestToClient: 9_000_000, largestToServer: 9_000_000 },
    client: { capabilities: { sampling: {}, roots: {} }, clientInfo: { name: 'test', version: '1' } },
    isShared: false,
    startMs: 10_000,
    standing: (text) => standing.push(JSON.parse(text) as Record<string, unknown>),
    note: (line) => notes.push(line),
  })
  const line = (message: object) => readLine(JSON.stringify({ jsonrpc: '2.0', ...message }))
  return {
    servers,
    clock,
    session,
    standing,
    notes,
    hear: (message: object) => session.hear(line(message)),
    /** What the client is told of this request. */
    call(name: string, id: number | string = 1) {
      const said: Record<string, unknown>[] = []
      const params = { name, arguments: {} }
      session.request(line({ id, method: 'tools/call', params }), {
        message: (text) => said.push(JSON.parse(text) as Record<string, unknown>),
        answer: (text) => said.push(JSON.parse(text) as Record<string, unknown>),
        end: () => said.push({ ended: true }),
      })
      return said
    },
  }
}

const textOf = (said: readonly Record<string, unknown>[]) =>
  (said.at(-1)?.result as { content: { text: string }[] } | undefined)?.content[0]?.text

describe('one client before many upstreams', () => {
  it('what one server says in two ways is dropped, and ends nothing', async () => {
    const { servers, call, notes, standing } = between(['one'])
    const [one] = servers as [(typeof servers)[0]]
    await one.comeUp()
    await settled()
    const called = call('one__echo')
    await settled()
    const before = standing.length
    for (const line of [
      '{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"a","uri":"b"}}',
      '{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"a"},"params":{"uri":"b"}}',
      '{"jsonrpc":"2.0","id":3,"method":"sampling/createMessage","params":{},"id":4}',
      '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":3,"requestId":3}}',
    ])
      one.write(line)
    await settled()
    expect([called, standing.length]).toEqual([[], before])
    expect(notes.filter((line) => line.includes('may be read in two ways'))).not.toEqual([])
    one.answer('tools/call', { content: [{ type: 'text', text: 'done' }] })
    await settled()
    expect(textOf(called)).toBe('done')
  })

  it('a server whose list may be read in two ways takes nothing from the lists of others', async () => {
    const { servers, session } = between(['one', 'two'])
    const [one, two] = servers as [(typeof servers)[0], (typeof servers)[0]]
    for (const server of [one, two]) await server.comeUp([], { prompts: {} })
    const said: Record<string, unknown>[] = []
    session.request(readLine('{"jsonrpc":"2.0","id":1,"method":"prompts/list"}'), {
      message: () => {},
      answer: (text) => said.push(JSON.parse(text) as Record<string, unknown>),
      end: () => {},
    })
    await settled()
    const { id } = one.sent.at(-1) ?? {}
    one.write(`{"jsonrpc":"2.0","id":${id},"result":{"prompts":[{"name":"a"}],"prompts":[{"name":"b"}]}}`)
    two.answer('prompts/list', { prompts: [{ name: 'c' }] })
    await settled()
    expect(said).toEqual([{ jsonrpc: '2.0', id: 1, result: { prompts: [{ name: 'two__c' }] } }])
  })

  it('a call waits for a server that is being started, and is made once; for half a minute, and then not at all', async () => {
    const { servers, clock, call } = between(['one'])
    const [one] = servers as [(typeof servers)[0]]
    const late = call('one__echo', 'late')
    clock.advance(29_999)
    await settled()
    expect(late).toEqual([])
    clock.advance(1)
    expect(textOf(late)).toBe("The upstream 'one' is not there: It is being connected to. The call was not made.")
    const inTime = call('one__echo', 'in time')
    await one.comeUp()
    await settled()
    expect(one.sent.filter(({ method }) => method === 'tools/call')).toHaveLength(1)
    one.answer('tools/call', { content: [{ type: 'text', text: 'done' }] })
    await settled()
    expect([textOf(inTime), late.length]).toEqual(['done', 1])
  })

  it('a new client waits ten seconds for its servers; one that comes later is announced', async () => {
    const { servers, clock, session, standing } = between(['one', 'two'])
    const [one, two] = servers as [(typeof servers)[0], (typeof servers)[0]]
    let isReady = false
    void session.ready.then(() => {
      isReady = true
    })
    await one.comeUp()
    clock.advance(9_999)
    await settled()
    expect(isReady).toBe(false)
    clock.advance(1)
    await settled()
    expect([isReady, standing]).toEqual([true, []])
    await two.comeUp()
    expect(standing).toEqual([{ jsonrpc: '2.0', method: 'notifications/tools/list_changed' }])
  })

  it('a server that does not come up is tried again after one second, two, four, at most sixty', async () => {
    const { servers, clock } = between(['one'])
    const [one] = servers as [(typeof servers)[0]]
    const pauses: number[] = []
    for (let attempt = 1; attempt <= 9; attempt++) {
      expect(one.attempts()).toBe(attempt)
      one.fail('no')
      await settled()
      let waited = 0
      while (one.attempts() === attempt) {
        clock.advance(1000)
        waited++
      }
      pauses.push(waited)
    }
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60])
  })

  it('one that held for a minute before it ended is tried again at once as if for the first time', async () => {
    const { servers, clock } = between(['one'])
    const [one] = servers as [(typeof servers)[0]]
    for (let failed = 0; failed < 5; failed++) {
      one.fail('no')
      await settled()
      clock.advance(60_000)
    }
    await one.comeUp()
    clock.advance(60_000)
    one.end('It ended')
    await settled()
    const before = one.attempts()
    clock.advance(999)
    expect(one.attempts()).toBe(before)
    clock.advance(1)
    expect(one.attempts()).toBe(before + 1)
  })

  it('two servers ask under one id: the client tells them apart, and each gets its own answer', async () => {
    const { servers, hear, standing } = between(['one', 'two'])
    for (const server of servers) await server.comeUp()
    for (const server of servers) server.say({ id: 0, method: 'sampling/createMessage', params: { messages: [] } })
    await settled()
    const ids = standing.map(({ id }) => id)
    expect(new Set(ids).size).toBe(2)
    hear({ id: ids[1], result: { model: 'of two' } })
    hear({ id: ids[0], result: { model: 'of one' } })
    // Nobody asked for this one.
    hear({ id: 77, result: { model: 'of nobody' } })
    await settled()
    expect(servers.map(({ sent }) => sent.at(-1))).toEqual([
      { jsonrpc: '2.0', id: 0, result: { model: 'of one' } },
      { jsonrpc: '2.0', id: 0, result: { model: 'of two' } },
    ])
  })

  it('what the client can do is said to each server, but for roots that are hidden', async () => {
    const { servers } = between(['one'])
    const [one] = servers as [(typeof servers)[0]]
    await one.comeUp()
    expect(one.sent[0]).toMatchObject({
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: { sampling: {} }, clientInfo: { name: 'test' } },
    })
    expect(JSON.stringify(one.sent[0])).not.toContain('roots')
  })

  it('a question or a message of a server goes with the newest call that it has', async () => {
    const { servers, call, standing } = between(['one', 'two'])
    const [one, two] = servers as [(typeof servers)[0], (typeof servers)[0]]
    for (const server of servers) await server.comeUp()
    const older = call('one__echo', 1)
    const newer = call('one__echo', 2)
    const others = call('two__echo', 3)
    await settled()
    one.say({ method: 'notifications/message', params: { level: 'info', data: 'of one' } })
    await settled()
    expect([older, others, standing]).toEqual([[], [], []])
    expect(newer).toMatchObject([{ params: { data: 'of one' } }])
    two.answer('tools/call', { content: [] })
    await settled()
    two.say({ method: 'notifications/message', params: { level: 'info', data: 'of two' } })
    await settled()
    expect(standing).toMatchObject([{ params: { data: 'of two' } }])
  })
})
