import { pino } from 'pino'
import { beforeEach, describe, expect, it } from 'vitest'
import { manualClock } from '../../../test/manual-clock.ts'
import { createInProcessBus } from '../../adapters/bus/in-process.ts'
import type { LoggedRecord, StreamLog } from '../../changes/stream-log.ts'
import { STREAM_TOPIC } from '../../changes/stream-log.ts'
import type { EventStream } from '../../http/event-stream.ts'
import { scopeOfRecord } from '../../identity/scope.ts'
import { createWorkers } from '../../operations/workers.ts'
import { type AgentConnection, type Connections, createConnections, type DashboardConnection } from './connections.ts'
import { createFrames } from './frames.ts'
import { createHub } from './hub.ts'

const HOUR = 3_600_000

/** A stream that remembers what was written to it. */
function memoryStream() {
  const frames: string[] = []
  const listeners: (() => void)[] = []
  let isEnded = false
  let isCut = false
  let retry: number | undefined
  const stream: EventStream = {
    write(frame) {
      frames.push(frame.toString())
      return true
    },
    drained: async () => {},
    end(milliseconds) {
      if (isEnded) return
      isEnded = true
      retry = milliseconds
      for (const listener of listeners) listener()
    },
    cut() {
      if (isEnded) return
      isEnded = true
      isCut = true
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
    isCut: () => isCut,
    retry: () => retry,
  }
}

describe('the push of events to open streams', () => {
  let clock: ReturnType<typeof manualClock>
  let hub: ReturnType<typeof createHub>
  let connections: Connections
  let bus: ReturnType<typeof createInProcessBus>
  let asked: string[][]
  let gauges: { agents: number; dashboards: number }
  let reassign: (connections: readonly AgentConnection[]) => Promise<void>
  let id: number
  beforeEach(() => {
    clock = manualClock()
    bus = createInProcessBus()
    asked = []
    reassign = async () => {}
    gauges = { agents: 0, dashboards: 0 }
    id = 0
    const log: StreamLog = {
      transact: () => Promise.reject(new Error('nothing writes here')),
      since: async () => ({ rows: [], hasMore: false }),
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
    connections = createConnections()
    hub = createHub({
      connections,
      log,
      bus,
      clock,
      metrics: { agentStreams: gauge('agents'), dashboardStreams: gauge('dashboards') },
      reassign: (affected) => reassign(affected),
      frames: createFrames('hex'),
      documentOf: () => Promise.reject(new Error('nobody is owed a document here')),
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
      reads: 'contracts',
      signature: 'hex',
      namedBundle: false,
      tags: {},
      connectedAt: clock.now(),
      head: 0,
      waiting: [],
      waitingCharacters: 0,
      bundleName: null,
      followsAll: false,
      policyVersion: null,
      isOwedDocument: false,
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
      waitingCharacters: 0,
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

  it('who is still told what it missed while too much more comes is sent back for it, and nothing of it is held', async () => {
    const { stream, isEnded, retry } = memoryStream()
    const { connection } = await agent({ bundleName: 'devops' })
    const joining: AgentConnection = { ...connection, agentId: 'late', stream, waiting: [], waitingCharacters: 0 }
    await hub.join(joining)
    for (let record = 0; record < 4; record++) await push('contract_update', { json: 'x'.repeat(1024 ** 2) })
    expect([isEnded(), joining.waiting?.length]).toEqual([false, 4])
    await push('contract_update')
    expect([isEnded(), retry(), joining.waiting?.length]).toEqual([true, 1000, 0])
    expect(connections.agents(scopeOfRecord({ tenantId: 't' }))).toEqual([connection])
  })

  it('an agent is kept with its environment, tenant, bundle, revision and time of connection', async () => {
    const { connection } = await agent({ agentId: 'a', bundleName: 'devops', policyVersion: 'abc' })
    expect(connections.agents(scopeOfRecord({ tenantId: 't' }))).toEqual([connection])
    expect(connections.agents(scopeOfRecord({ tenantId: 't' }))[0]).toMatchObject({
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
    expect(connections.agents(scopeOfRecord({ tenantId: 't' }))).toEqual([mine.connection, second.connection])
    expect(connections.agents(scopeOfRecord({ tenantId: 't' }), 'a')).toEqual([mine.connection])
    expect(connections.agents(scopeOfRecord({ tenantId: 'other' }))).toEqual([theirs.connection])
    expect(connections.agents(scopeOfRecord({ tenantId: 'nobody' }))).toEqual([])
    expect(connections.agentCount).toBe(3)
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
    expect(connections.agents(scopeOfRecord({ tenantId: 't' }))).toEqual([second.connection])
    await push('approval_decided')
    expect(first.frames).toEqual([])
    second.stream.end()
    expect(await followed()).toEqual(['other'])
    console.stream.end()
    expect(await followed()).toEqual([])
    expect([connections.agentCount, gauges]).toEqual([0, { agents: 0, dashboards: 0 }])
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
    expect(connections.agents(scopeOfRecord({ tenantId: 't' }))).toEqual([fresh.connection])
    expect(gauges).toEqual({ agents: 1, dashboards: 0 })
  })

  it('the clean-up runs by itself, once however often it is begun, and ends with the server', async () => {
    const work = createWorkers({ clock, logger: pino({ level: 'silent' }) })
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
    expect([hub.isDraining, connections.agentCount]).toEqual([true, 0])
  })

  it('says once what a connection with tags of its own found for itself, also when the record names every environment', async () => {
    const tagged = await agent({ tags: { team: 'x' } })
    // Looks at the database late: what is assigned explicitly by then is what it finds.
    reassign = async (connections) => {
      for (const connection of connections) {
        if (connection.bundleName === 'explicit') continue
        connection.bundleName = 'explicit'
        connection.stream.write(Buffer.from('event: assignment_changed\ndata: {"bundle_name":"explicit"}\n\n'))
      }
    }
    const told = { agentId: 'unknown', json: '{"bundle_name":"explicit"}' }
    await push('assignment_changed', told)
    await push('assignment_changed', { ...told, env: null })
    expect(tagged.frames).toHaveLength(1)
  })
})
