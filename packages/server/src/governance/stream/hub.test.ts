import { pino } from 'pino'
import { beforeEach, describe, expect, it } from 'vitest'
import { manualClock } from '../../../test/manual-clock.ts'
import { inProcessBus } from '../../adapters/bus/in-process.ts'
import type { EventStream } from '../../http/event-stream.ts'
import { workers } from '../../operations/workers.ts'
import type { AgentConnection, DashboardConnection } from './connections.ts'
import { streamHub } from './hub.ts'
import type { LoggedRecord, StreamLog } from './log.ts'
import { STREAM_TOPIC } from './log.ts'

const HOUR = 3_600_000

/** A stream that remembers what was written to it. */
function memoryStream() {
  const frames: string[] = []
  const listeners: (() => void)[] = []
  let isEnded = false
  let retry: number | undefined
  const stream: EventStream = {
    write(frame) {
      frames.push(frame.toString())
      return true
    },
    end(milliseconds) {
      if (isEnded) return
      isEnded = true
      retry = milliseconds
      for (const listener of listeners) listener()
    },
    onEnd: (listener) => listeners.push(listener),
    get isEnded() {
      return isEnded
    },
  }
  return {
    stream,
    frames,
    types: () => frames.flatMap((frame) => /^event: (.+)$/m.exec(frame)?.[1] ?? []),
    isEnded: () => isEnded,
    retry: () => retry,
  }
}

describe('the push of events to open streams', () => {
  let clock: ReturnType<typeof manualClock>
  let hub: ReturnType<typeof streamHub>
  let bus: ReturnType<typeof inProcessBus>
  let asked: string[][]
  let gauges: { agents: number; dashboards: number }
  let id: number
  beforeEach(() => {
    clock = manualClock()
    bus = inProcessBus()
    asked = []
    gauges = { agents: 0, dashboards: 0 }
    id = 0
    const log: StreamLog = {
      transact: () => Promise.reject(new Error('nothing writes here')),
      since: async () => [],
      latestId: async () => 0,
      async newerThan(places) {
        asked.push([...places.keys()].sort())
        return []
      },
      purge: async () => {},
    }
    const gauge = (name: keyof typeof gauges) => {
      const inc = (by: number) => {
        gauges[name] += by
      }
      return { inc } as never
    }
    hub = streamHub({
      log,
      bus,
      clock,
      metrics: { agentStreams: gauge('agents'), dashboardStreams: gauge('dashboards') },
      reassign: async () => {},
      onReassigned() {},
      onError(error) {
        throw error
      },
    })
  })

  async function agent(more: Partial<AgentConnection> = {}) {
    const memory = memoryStream()
    const connection: AgentConnection = {
      kind: 'agent',
      stream: memory.stream,
      tenantId: 't',
      keyId: 'k',
      agentId: 'unknown',
      env: 'production',
      namedBundle: false,
      tags: {},
      connectedAt: clock.now(),
      head: 0,
      waiting: [],
      bundleName: null,
      followsAll: false,
      policyVersion: null,
      ...more,
    }
    await hub.join(connection)
    await hub.goLive(connection, 0)
    return { ...memory, connection }
  }
  async function dashboard(more: Partial<DashboardConnection> = {}) {
    const memory = memoryStream()
    const connection: DashboardConnection = {
      kind: 'dashboard',
      stream: memory.stream,
      tenantId: 't',
      connectedAt: clock.now(),
      head: 0,
      waiting: [],
      ...more,
    }
    await hub.join(connection)
    await hub.goLive(connection, 0)
    return { ...memory, connection }
  }
  const push = (type: string, more: Partial<LoggedRecord> = {}) => {
    const record: LoggedRecord = {
      id: ++id,
      after: id - 1,
      tenantId: 't',
      type,
      json: JSON.stringify({ type }),
      env: 'production',
      bundleName: null,
      agentId: null,
      dashboard: false,
      ...more,
    }
    return bus.publish(STREAM_TOPIC, [record])
  }
  const followed = async () => {
    await hub.catchUp()
    return asked.at(-1)
  }

  it('an agent is kept with its environment, tenant, bundle, revision and time of connection', async () => {
    const { connection } = await agent({ agentId: 'a', bundleName: 'devops', policyVersion: 'abc' })
    expect(hub.agents('t')).toEqual([connection])
    expect(hub.agents('t')[0]).toMatchObject({
      env: 'production',
      tenantId: 't',
      agentId: 'a',
      bundleName: 'devops',
      policyVersion: 'abc',
      connectedAt: clock.now(),
    })
    expect(connection.stream.isEnded).toBe(false)
  })

  it('connections are found by tenant and by agent, and counted over all tenants', async () => {
    const mine = await agent({ agentId: 'a' })
    const second = await agent({ agentId: 'b' })
    const theirs = await agent({ agentId: 'a', tenantId: 'other' })
    expect(hub.agents('t')).toEqual([mine.connection, second.connection])
    expect(hub.agents('t', 'a')).toEqual([mine.connection])
    expect(hub.agents('other')).toEqual([theirs.connection])
    expect(hub.agents('nobody')).toEqual([])
    expect(hub.agentCount).toBe(3)
  })

  it('an event of an environment reaches the agents of that environment and tenant alone', async () => {
    const production = await agent()
    const staging = await agent({ env: 'staging' })
    const foreign = await agent({ tenantId: 'other' })
    await push('approval_decided')
    expect([production.types(), staging.types(), foreign.types()]).toEqual([['approval_decided'], [], []])
  })

  it('an update of contracts reaches the agents that run its bundle, and none that run no bundle', async () => {
    const running = await agent({ bundleName: 'devops' })
    const other = await agent({ bundleName: 'billing' })
    const unassigned = await agent()
    await push('contract_update', { bundleName: 'devops' })
    expect([running.types(), other.types(), unassigned.types()]).toEqual([['contract_update'], [], []])
    await push('approval_decided')
    for (const each of [running, other, unassigned]) expect(each.types().at(-1)).toBe('approval_decided')
  })

  it('an event for one agent reaches each of its connections, in every environment, and no other tenant', async () => {
    const production = await agent({ agentId: 'a' })
    const staging = await agent({ agentId: 'a', env: 'staging' })
    const other = await agent({ agentId: 'ab' })
    const foreign = await agent({ agentId: 'a', tenantId: 'other' })
    await push('approval_decided', { agentId: 'a', env: null })
    expect([production, staging, other, foreign].map((each) => each.types().length)).toEqual([1, 1, 0, 0])
  })

  it('dashboards of the tenant, and no agents, receive what is for dashboards', async () => {
    const [first, second] = [await dashboard(), await dashboard()]
    const foreign = await dashboard({ tenantId: 'other' })
    const someAgent = await agent()
    await push('event_created', { env: null, dashboard: true })
    await push('approval_decided')
    expect([first, second, foreign, someAgent].map((each) => each.types())).toEqual([
      ['event_created'],
      ['event_created'],
      [],
      ['approval_decided'],
    ])
  })

  it('a connection that ended is gone at once, and with the last one its tenant', async () => {
    const [first, second] = [await agent({ agentId: 'a' }), await agent({ agentId: 'a' })]
    const console = await dashboard({ tenantId: 'other' })
    expect(await followed()).toEqual(['other', 't'])
    first.stream.end()
    expect(hub.agents('t')).toEqual([second.connection])
    await push('approval_decided')
    expect(first.frames).toEqual([])
    second.stream.end()
    expect(await followed()).toEqual(['other'])
    console.stream.end()
    expect(await followed()).toEqual([])
    expect([hub.agentCount, gauges]).toEqual([0, { agents: 0, dashboards: 0 }])
  })

  it('streams older than an hour, of agents and dashboards, end in one turn and are told to come back; younger ones stay', async () => {
    const old = [await agent(), await dashboard()]
    await clock.advance(HOUR / 2)
    const young = [await agent(), await dashboard()]
    await clock.advance(HOUR / 2 - 1)
    hub.keepAlive()
    expect([...old, ...young].map((each) => each.isEnded())).toEqual([false, false, false, false])
    await clock.advance(1)
    hub.keepAlive()
    expect(old.map((each) => [each.isEnded(), each.retry()])).toEqual([
      [true, 1_000],
      [true, 1_000],
    ])
    expect(young.map((each) => each.isEnded())).toEqual([false, false])
    expect(young.map((each) => each.frames)).toEqual([
      [': keepalive\n\n', ': keepalive\n\n'],
      [': keepalive\n\n', ': keepalive\n\n'],
    ])
    expect(gauges).toEqual({ agents: 1, dashboards: 1 })
    await push('approval_decided', { dashboard: true })
    for (const each of old) expect(each.types()).toEqual([])
    for (const each of young) expect(each.types()).toEqual(['approval_decided'])
  })

  it('a connection that ended and one that is too old go in the same turn, each counted once', async () => {
    const [closed, stale, kept] = [await agent(), await agent(), await dashboard()]
    await clock.advance(HOUR)
    const fresh = await agent()
    closed.stream.end()
    hub.keepAlive()
    expect(stale.isEnded()).toBe(true)
    expect(kept.isEnded()).toBe(true)
    expect(hub.agents('t')).toEqual([fresh.connection])
    expect(gauges).toEqual({ agents: 1, dashboards: 0 })
  })

  it('the clean-up runs by itself, once however often it is begun, and ends with the server', async () => {
    const work = workers({ clock, logger: pino({ level: 'silent' }) })
    let turns = 0
    for (let times = 0; times < 2; times++)
      work.every('stream_keepalive', 15_000, async () => {
        turns++
        hub.keepAlive()
      })
    const stale = await agent()
    await clock.advance(15_000)
    expect([turns, stale.isEnded()]).toEqual([1, false])
    await clock.advance(HOUR)
    expect(stale.isEnded()).toBe(true)
    const before = turns
    expect(before).toBeGreaterThan(1)
    await work.stop()
    await clock.advance(HOUR)
    expect(turns).toBe(before)
  })

  it('once the server ends, every stream is told to come back', async () => {
    const all = [await agent(), await agent({ tenantId: 'other' }), await dashboard()]
    hub.drain()
    expect(all.map((each) => each.retry())).toEqual([1_000, 1_000, 1_000])
    expect([hub.isDraining, hub.agentCount]).toEqual([true, 0])
  })
})
