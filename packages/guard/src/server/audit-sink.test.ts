import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AuditEvent, type AuditEventFields } from '../audit/event.ts'
import { silentLogger } from '../logger.ts'
import { FakeConsole, type Reply } from '../testing/fake-console.ts'
import { ManualClock, settle, until } from '../testing/manual-clock.ts'
import { ServerAuditSink, type ServerAuditSinkOptions } from './audit-sink.ts'
import { EdictumServerClient } from './client.ts'

let console_: FakeConsole
let clock: ManualClock
let client: EdictumServerClient
let lines: string[]

const event = (callId: string, more: Partial<AuditEventFields> = {}) =>
  new AuditEvent({ timestamp: '2026-03-01T12:00:00.000Z', callId, toolName: 'deploy', action: 'call_allowed', ...more })

const sinkWith = (options: ServerAuditSinkOptions = {}) => {
  let next = 0
  const logger = {
    ...silentLogger,
    warn: (line: string) => lines.push(line),
    error: (line: string) => lines.push(line),
  }
  return new ServerAuditSink(client, { clock, logger, newId: () => `event-${next++}`, ...options })
}

const posts = () => console_.to('/api/v1/events')
const ids = (index: number): string[] => posts()[index]?.body.events.map((sent: { call_id: string }) => sent.call_id)
const delivered = () => posts().flatMap((_, index) => ids(index))
const accept: Reply = { json: { accepted: 1, duplicates: 0 } }

beforeEach(async () => {
  console_ = await FakeConsole.start()
  console_.answer = () => accept
  clock = new ManualClock()
  lines = []
  client = new EdictumServerClient({
    baseUrl: console_.url,
    apiKey: 'k',
    agentId: 'ops-1',
    env: 'staging',
    bundleName: 'devops-agent',
    maxRetries: 1,
    logger: silentLogger,
    clock,
  })
})
afterEach(() => console_.close())

describe('batches', () => {
  test('the 50th event sends all 50 in one request', async () => {
    const sink = sinkWith()
    for (let index = 0; index < 49; index++) sink.emit(event(`c${index}`))
    await settle()
    expect(posts()).toHaveLength(0)
    sink.emit(event('c49'))
    await until(() => sink.pending === 0, 'the batch was delivered')
    expect(posts()).toHaveLength(1)
    expect(ids(0)).toHaveLength(50)
    expect(clock.pendingTimers).toBe(0)
  })

  test('fewer go after five seconds', async () => {
    const sink = sinkWith()
    sink.emit(event('a'))
    sink.emit(event('b'))
    await clock.advance(4_999)
    expect(posts()).toHaveLength(0)
    await clock.advance(1)
    await until(() => sink.pending === 0, 'the batch was delivered')
    expect(ids(0)).toEqual(['a', 'b'])
  })

  test('events emitted during a delivery are neither lost nor sent twice', async () => {
    let release: (reply: Reply) => void = () => {}
    console_.answer = () => new Promise((resolve) => (release = resolve))
    const sink = sinkWith({ batchSize: 2 })
    for (const id of ['a', 'b', 'c', 'd', 'e']) sink.emit(event(id))
    await until(() => posts().length === 1, 'the first delivery')
    console_.answer = () => accept
    release(accept)
    await until(() => sink.pending === 0, 'everything was delivered')
    expect(ids(0)).toEqual(['a', 'b'])
    expect(delivered()).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  test('more than the server takes at once is split', async () => {
    const sink = sinkWith({ batchSize: 5_000 })
    for (let index = 0; index < 2_500; index++) sink.emit(event(`c${index}`))
    await sink.flush()
    expect(posts().map((seen) => seen.body.events.length)).toEqual([1_000, 1_000, 500])
    expect(delivered()[2_499]).toBe('c2499')
  })

  test('awaitBatches holds the emit that fills a batch until it is delivered', async () => {
    const sink = sinkWith({ batchSize: 2, awaitBatches: true })
    expect(sink.emit(event('a'))).toBeUndefined()
    await sink.emit(event('b'))
    expect(ids(0)).toEqual(['a', 'b'])
    console_.answer = () => ({ status: 403 })
    sink.emit(event('c'))
    await expect(sink.emit(event('d'))).rejects.toMatchObject({ statusCode: 403 })
  })
})

describe('the wire', () => {
  test('fields travel as documented, with an event id besides', async () => {
    const sink = sinkWith()
    sink.emit(
      event('0b6c', {
        action: 'call_denied',
        toolArgs: { service: 'api' },
        sideEffect: 'irreversible',
        environment: 'production',
        principal: { userId: 'u1', serviceId: null, orgId: null, role: 'dev', ticketRef: null, claims: {} },
        decisionSource: 'yaml_precondition',
        decisionName: 'prod-needs-ticket',
        reason: 'Ticket required.',
        policyVersion: '9f2c',
      }),
    )
    await sink.flush()
    expect(posts()[0]?.body).toEqual({
      events: [
        {
          call_id: '0b6c',
          agent_id: 'ops-1',
          tool_name: 'deploy',
          verdict: 'call_denied',
          mode: 'enforce',
          timestamp: '2026-03-01T12:00:00.000Z',
          payload: {
            tool_args: { service: 'api' },
            side_effect: 'irreversible',
            environment: 'production',
            principal: { user_id: 'u1', service_id: null, org_id: null, role: 'dev', ticket_ref: null, claims: {} },
            decision_source: 'yaml_precondition',
            decision_name: 'prod-needs-ticket',
            reason: 'Ticket required.',
            policy_version: '9f2c',
            bundle_name: 'devops-agent',
            event_id: 'event-0',
          },
        },
      ],
    })
  })

  test('an empty environment becomes the client’s; the bundle is the one at emission', async () => {
    const sink = sinkWith()
    sink.emit(event('a'))
    client.bundleName = 'other'
    sink.emit(event('b'))
    await sink.flush()
    const payloads = posts()[0]?.body.events.map((sent: { payload: object }) => sent.payload)
    expect(payloads).toMatchObject([
      { environment: 'staging', bundle_name: 'devops-agent' },
      { environment: 'staging', bundle_name: 'other' },
    ])
  })

  test('an event JSON cannot hold does not cost its batch', async () => {
    const cyclic: Record<string, unknown> = { big: 10n }
    cyclic.self = cyclic
    const sink = sinkWith()
    sink.emit(event('a'))
    sink.emit(event('b', { toolArgs: cyclic }))
    await sink.flush()
    expect(delivered()).toEqual(['a', 'b'])
  })

  test('a payload above 32 KiB loses its arguments and says so', async () => {
    const sink = sinkWith()
    sink.emit(event('a', { toolArgs: { text: 'x'.repeat(40_000) } }))
    await sink.flush()
    expect(posts()[0]?.body.events[0].payload).toMatchObject({
      _truncated: true,
      tool_args: { _redacted: 'payload exceeded 32KB' },
    })
  })
})

describe('when the server does not take them', () => {
  test('401 and 403: flush rejects, the events are dropped and counted', async () => {
    for (const status of [401, 403]) {
      console_.answer = () => ({ status })
      const sink = sinkWith()
      sink.emit(event('a'))
      await expect(sink.flush()).rejects.toMatchObject({ statusCode: status })
      expect([sink.pending, sink.dropped]).toEqual([0, 1])
      await sink.flush()
    }
  })

  test('a batch refused for good in the background makes the next emit throw, once', async () => {
    console_.answer = () => ({ status: 401 })
    const sink = sinkWith({ batchSize: 1 })
    sink.emit(event('a'))
    await until(() => sink.dropped === 1, 'the batch was refused')
    console_.answer = () => accept
    expect(() => sink.emit(event('b'))).toThrow(/401/)
    sink.emit(event('c'))
    await sink.flush()
    expect(delivered()).toEqual(['a', 'b', 'c'])
  })

  test('429, 500 and a lost connection keep the events, in order, and flush resolves', async () => {
    const sink = sinkWith()
    for (const [index, status] of [429, 500].entries()) {
      console_.answer = () => ({ status })
      sink.emit(event(`e${index}`))
      await sink.flush()
      expect(sink.pending).toBe(index + 1)
    }
    const port = Number(new URL(console_.url).port)
    await console_.close()
    sink.emit(event('e2'))
    await sink.flush()
    expect([sink.pending, sink.dropped]).toEqual([3, 0])
    console_ = await FakeConsole.start(port)
    console_.answer = () => accept
    sink.emit(event('e3'))
    await sink.flush()
    expect(delivered()).toEqual(['e0', 'e1', 'e2', 'e3'])
  })

  test('a second delivery of an event carries the same event id', async () => {
    console_.answer = () => ({ status: 503 })
    const sink = sinkWith()
    sink.emit(event('a'))
    await sink.flush()
    console_.answer = () => accept
    await sink.flush()
    const eventIds = posts().map((seen) => seen.body.events[0].payload.event_id)
    expect(eventIds).toEqual(['event-0', 'event-0'])
  })

  test('after a failed timed delivery another is scheduled without new events', async () => {
    console_.answer = () => ({ status: 500 })
    const sink = sinkWith()
    sink.emit(event('a'))
    await clock.advance(5_000)
    await until(() => posts().length === 1 && clock.nextDelay === 5_000, 'the next try is scheduled')
    console_.answer = () => accept
    await clock.advance(5_000)
    await until(() => sink.pending === 0, 'the event was delivered')
  })

  test('beyond the buffer the oldest go, counted and logged', async () => {
    console_.answer = () => ({ status: 500 })
    const sink = sinkWith({ batchSize: 2, maxBufferSize: 4 })
    for (let index = 0; index < 4; index++) sink.emit(event(`e${index}`))
    await until(() => clock.nextDelay === 5_000, 'the delivery failed')
    for (let index = 4; index < 7; index++) sink.emit(event(`e${index}`))
    expect([sink.pending, sink.dropped]).toEqual([4, 3])
    expect(lines.some((line) => line.includes('dropped'))).toBe(true)
    console_.requests.length = 0
    console_.answer = () => accept
    await sink.flush()
    expect(delivered()).toEqual(['e3', 'e4', 'e5', 'e6'])
  })

  test('a full buffer waits for the delivery under way before anything is dropped', async () => {
    let release: (reply: Reply) => void = () => {}
    console_.answer = () => new Promise((resolve) => (release = resolve))
    const sink = sinkWith({ batchSize: 2, maxBufferSize: 3 })
    sink.emit(event('a'))
    sink.emit(event('b'))
    const waiting = sink.emit(event('c'))
    expect(waiting).toBeInstanceOf(Promise)
    await until(() => posts().length === 1, 'the delivery')
    console_.answer = () => accept
    release(accept)
    await waiting
    expect(sink.dropped).toBe(0)
  })

  test('one event the server cannot take does not discard its neighbours', async () => {
    console_.answer = (seen) =>
      seen.body.events.some((sent: { call_id: string }) => sent.call_id === 'bad') ? { status: 422 } : accept
    const sink = sinkWith()
    for (const id of ['a', 'b', 'bad', 'c', 'd']) sink.emit(event(id))
    await expect(sink.flush()).rejects.toMatchObject({ statusCode: 422 })
    const taken = posts().filter(
      (seen) => !seen.body.events.some((sent: { call_id: string }) => sent.call_id === 'bad'),
    )
    expect(taken.flatMap((seen) => seen.body.events.map((sent: { call_id: string }) => sent.call_id))).toEqual([
      'a',
      'b',
      'c',
      'd',
    ])
    expect([sink.pending, sink.dropped]).toEqual([0, 1])
  })

  test('events the server reports as rejected are counted and logged', async () => {
    console_.answer = () => ({ json: { accepted: 1, duplicates: 0, rejected: [{ index: 1, detail: 'mode' }] } })
    const sink = sinkWith()
    sink.emit(event('a'))
    sink.emit(event('b'))
    await sink.flush()
    expect(sink.dropped).toBe(1)
    expect(lines.join()).toContain('rejected')
  })
})

describe('close', () => {
  test('delivers what is buffered and clears the timer', async () => {
    const sink = sinkWith()
    sink.emit(event('a'))
    await sink.close()
    await sink.close()
    expect(delivered()).toEqual(['a'])
    expect(clock.pendingTimers).toBe(0)
    expect(() => sink.emit(event('b'))).toThrow(/closed/)
  })

  test('with the server away the loss is counted and logged, and no timer stays', async () => {
    console_.answer = () => ({ status: 500 })
    const sink = sinkWith()
    sink.emit(event('a'))
    await sink.close()
    expect(sink.dropped).toBe(1)
    expect(lines.at(-1)).toContain('undelivered')
    expect(clock.pendingTimers).toBe(0)
  })
})
