import { afterEach, beforeEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { scopeOfRecord } from '../../identity/scope.ts'
import type { MadeAgent } from '../children/children.ts'
import { findContext } from '../contexts/security-contexts.ts'
import type { EventDraft } from '../record/events.ts'
import { type Execution, governedAs, madeName } from '../record/execution.ts'
import { createExecutionStore, type ExecutionStore } from '../record/store.ts'
import type { ToolRun } from '../tools/tool.ts'
import { createSwarmStore } from './store.ts'
import { createSwarms, type Swarms, swarmIdOf } from './swarms.ts'
import { swarmTools } from './tools.ts'

const context = findContext('aegis-system-agent-runtime')
if (!context) throw new Error('The context is missing.')
const manifest = {
  apiVersion: '100monkeys.ai/v1',
  kind: 'Agent',
  metadata: { name: 'worker', version: '1.0.0' },
  spec: { runtime: { language: 'python', version: '3.12' } },
} as const
const none = { executionId: '', agentId: '' }
const made: MadeAgent = { id: 'made', name: 'made', version: '1.0.0', status: 'active', manifest }
const executionOf = (id: string, more: Partial<Execution> = {}): Execution => ({
  id,
  tenantId: 't1',
  agentId: `agent-${id}`,
  agentName: 'worker',
  agentVersion: '1.0.0',
  manifest,
  env: 'production',
  status: 'running',
  input: null,
  intent: 'x',
  prompt: 'x',
  securityContext: context,
  startedBy: 'somebody',
  owner: 'another server',
  heartbeatAt: 9e15,
  totalIterations: 0,
  output: null,
  error: null,
  waitingFor: null,
  startedAt: 1,
  endedAt: null,
  updatedAt: 1,
  generation: 0,
  adoptions: 0,
  spentMs: 0,
  parentId: null,
  ancestors: [],
  childKey: null,
  swarmId: null,
  ...more,
})

onEachDatabase('the rules of swarms', (start) => {
  let t: TestServer
  let swarms: Swarms
  let executions: ExecutionStore
  let told: EventDraft[]
  /** A parent with two children, and somebody who is none of them. */
  const [parent, stranger] = [executionOf('p'), executionOf('s')]
  const childOf = (id: string) =>
    executionOf(id, { parentId: 'p', ancestors: ['p'], childKey: id, swarmId: swarmIdOf('p') })
  const [one, two] = [childOf('c1'), childOf('c2')]
  const swarmId = swarmIdOf('p')

  beforeEach(async () => {
    t = await start()
    const { database } = t.server
    executions = createExecutionStore(database)
    told = []
    swarms = createSwarms({
      store: createSwarmStore(database),
      executionStore: executions,
      clock: t.clock,
      count: { spawned() {}, messages() {}, locked() {}, dissolved() {} },
      events: {
        add: async (_tenant, events) => void told.push(...events),
        async tell(_concerned, change) {
          const { made, events } = await database.db.transaction().execute(change)
          told.push(...events)
          return made
        },
      },
      children: {
        async spawn(of, { key, swarm }) {
          const child = childOf(key)
          await database.db.transaction().execute(async (within) => {
            await swarm?.join(within)
            await executions.insert({ ...child, swarmId: swarm?.id ?? null, parentId: of.id }, within)
          })
          return { ...child, swarmId: swarm?.id ?? null }
        },
        async afterEnd({ id }) {
          for (const below of await executions.listUnfinishedBelow(id)) await end(below.id)
        },
      },
    })
    for (const execution of [parent, stranger]) await executions.insert(execution, database.db)
    for (const { id } of [one, two]) await swarms.spawn(parent, { key: id, agent: made, swarmId: null })
  })
  afterEach(() => t.close())

  const end = (id: string, status: Execution['status'] = 'cancelled') =>
    executions.update(id, { status, endedAt: 5, updatedAt: 5 }, t.server.database.db)
  const types = () => told.map(({ type }) => type)
  const lock = (by: Execution, callId: string, resource = 'db', ttlSeconds = 300) =>
    swarms.acquire(by, { callId, resource, ttlSeconds, swarmId: null })
  const payloads = async (by: Execution, callId: string) =>
    (await swarms.read(by, callId)).messages.map(({ payload }) => payload)

  it('one execution has one swarm, which is made with its first child', async () => {
    expect(types()).toEqual(['swarm_created'])
    const found = await swarms.get(scopeOfRecord(parent), swarmId)
    expect(found.members.map(({ executionId }) => executionId)).toEqual(['p', 'c1', 'c2'])
    expect(await swarms.countActive()).toBe(1)
    await expect(swarms.get(scopeOfRecord({ tenantId: 't2' }), swarmId)).rejects.toThrow('swarm not found')
  })

  it('a child is begun in the swarm of its parent where it says so, and in none that it is no member of', async () => {
    const deeper = await swarms.spawn(one, { key: 'c3', agent: made, swarmId })
    expect(deeper.swarmId).toBe(swarmId)
    await expect(swarms.spawn(stranger, { key: 'c4', agent: made, swarmId })).rejects.toThrow('swarm not found')
  })

  it('messages come in their order, once, and to a call that is made again as before', async () => {
    await swarms.send(one, { callId: 'a', toAgentId: 'agent-p', payload: 'first' })
    await swarms.send(one, { callId: 'b', toAgentId: 'agent-p', payload: 'second' })
    await swarms.send(one, { callId: 'b', toAgentId: 'agent-p', payload: 'second' })
    expect(await payloads(parent, 'r1')).toEqual(['first', 'second'])
    expect(await payloads(parent, 'r1')).toEqual(['first', 'second'])
    await swarms.send(two, { callId: 'c', toAgentId: 'agent-p', payload: 'third' })
    expect(await payloads(parent, 'r2')).toEqual(['third'])
    expect(await payloads(parent, 'r3')).toEqual([])
    const { messages, messageCount } = await swarms.get(scopeOfRecord(parent), swarmId)
    expect(messageCount).toBe(3)
    expect(messages[0]).toEqual({ from: 'agent-c2', to: 'agent-p', payloadBytes: 5, sentAt: expect.any(Number) })
    expect(JSON.stringify(told)).not.toContain('first')
  })

  it('a broadcast reaches all others that go on, and is told by its size', async () => {
    await end('c2', 'completed')
    expect(await swarms.broadcast(one, { callId: 'a', swarmId, payload: 'hello' })).toBe(1)
    expect(await payloads(parent, 'r')).toEqual(['hello'])
    expect(told.at(-1)).toEqual({
      type: 'swarm_message_broadcast',
      fields: { swarm_id: swarmId, from: 'agent-c1', recipient_count: 1, payload_bytes: 5 },
    })
    await expect(swarms.send(one, { callId: 'b', toAgentId: 'agent-c2', payload: 'x' })).rejects.toThrow(
      "The agent 'agent-c2' has ended; nobody reads it.",
    )
  })

  it('who is no member neither reads, nor sends, nor locks', async () => {
    await swarms.send(one, { callId: 'a', toAgentId: 'agent-p', payload: 'ours' })
    expect(await payloads(stranger, 'r')).toEqual([])
    await expect(swarms.send(stranger, { callId: 'b', toAgentId: 'agent-p', payload: 'x' })).rejects.toThrow(
      "No member of your swarm is the agent 'agent-p'.",
    )
    await expect(swarms.broadcast(stranger, { callId: 'c', swarmId, payload: 'x' })).rejects.toThrow('swarm not found')
    await expect(lock(stranger, 'd')).rejects.toThrow('This execution is in no swarm')
    await expect(swarms.acquire(stranger, { callId: 'e', resource: 'db', ttlSeconds: 1, swarmId })).rejects.toThrow(
      'swarm not found',
    )
    await expect(swarms.member(stranger, 'c1')).rejects.toThrow("No member of your swarm is the execution 'c1'.")
    const held = await lock(one, 'f')
    expect(held.kind === 'held' && (await swarms.release(stranger, held.lock.token))).toBe(false)
    expect((await lock(two, 'g')).kind).toBe('taken')
  })

  it('a thousand messages wait for one member, and no more', async () => {
    const [from, to] = [one, parent].map(({ id, agentId }) => ({ executionId: id, agentId }))
    const message = { swarmId, payload: 'x', payloadBytes: 1, sentAt: 1 }
    const { database } = t.server
    await database.db.transaction().execute(async (within) => {
      const all = Array.from({ length: 1000 }, (_, n) => ({
        ...message,
        callId: `m${n}`,
        from: from ?? none,
        to: to ?? none,
      }))
      await createSwarmStore(database).addMessages(all, within)
    })
    await expect(swarms.send(two, { callId: 'more', toAgentId: 'agent-p', payload: 'x' })).rejects.toThrow(
      "1000 messages wait for the agent 'agent-p'; it has to read some first.",
    )
    expect((await swarms.read(parent, 'r1')).hasMore).toBe(true)
    await swarms.read(parent, 'r2')
    await swarms.send(two, { callId: 'more', toAgentId: 'agent-p', payload: 'x' })
  })

  it('of many that want one lock exactly one holds it, until it gives it back', async () => {
    const all = await Promise.all([parent, one, two].map((by) => lock(by, `l-${by.id}`)))
    const held = all.flatMap((answer) => (answer.kind === 'held' ? [answer.lock] : []))
    expect(held).toHaveLength(1)
    const holder = [parent, one, two].find(({ id }) => id === held[0]?.holderId) ?? parent
    const other = [parent, one, two].find(({ id }) => id !== holder.id) ?? one
    const token = held[0]?.token ?? ''
    // The same holder has it still, by the same token.
    expect(await lock(holder, 'again')).toMatchObject({ kind: 'held', lock: { token } })
    await expect(swarms.release(other, token)).rejects.toThrow('only its holder releases it')
    expect(await swarms.release(holder, token)).toBe(true)
    expect(await swarms.release(holder, token)).toBe(false)
    expect((await lock(other, 'now')).kind).toBe('held')
    expect(types().slice(1)).toEqual(['swarm_lock_acquired', 'swarm_lock_released', 'swarm_lock_acquired'])
  })

  it('a lock that has run out is another’s at once, and is collected', async () => {
    await lock(one, 'a', 'db', 10)
    await lock(one, 'b', 'other', 10)
    await t.clock.advance(9_999)
    expect((await lock(two, 'c')).kind).toBe('taken')
    await t.clock.advance(1)
    expect((await lock(two, 'c')).kind).toBe('held')
    await swarms.sweep()
    const { locks } = await swarms.get(scopeOfRecord(parent), swarmId)
    expect(locks.map(({ resource, holderId }) => [resource, holderId])).toEqual([['db', 'c2']])
    expect(told.at(-1)).toEqual({
      type: 'swarm_lock_released',
      fields: { swarm_id: swarmId, resource_id: 'other' },
    })
  })

  it('a holder that ends holds nothing, and who has ended takes nothing', async () => {
    await lock(one, 'a')
    await end('c1', 'failed')
    await swarms.ending(one)
    expect((await lock(two, 'b')).kind).toBe('held')
    await expect(lock(one, 'c', 'x')).rejects.toThrow('The execution has ended.')
  })

  it('is there as long as its parent or a child goes on, and is dissolved by the last of them', async () => {
    await end('c1', 'completed')
    await swarms.ended(one)
    await end('p', 'completed')
    await swarms.ending(parent)
    await swarms.ended(parent)
    expect((await swarms.get(scopeOfRecord(parent), swarmId)).swarm.status).toBe('active')
    await swarms.send(two, { callId: 'a', toAgentId: 'agent-c1', payload: 'x' }).catch(() => {})
    await end('c2', 'completed')
    await swarms.ended(two)
    expect((await swarms.get(scopeOfRecord(parent), swarmId)).swarm).toMatchObject({
      status: 'dissolved',
      reason: 'AllChildrenComplete',
    })
    await swarms.ended(two)
    expect(types().filter((type) => type === 'swarm_dissolved')).toHaveLength(1)
  })

  it('what a server that died left half ended is ended by any other, once', async () => {
    await lock(one, 'a')
    await swarms.send(two, { callId: 'b', toAgentId: 'agent-c1', payload: 'unread' })
    // The parent was cancelled, and its server came no further.
    await end('p')
    await Promise.all([swarms.sweep(), swarms.sweep()])
    expect(await executions.listUnfinishedBelow('p')).toEqual([])
    const { swarm, locks } = await swarms.get(scopeOfRecord(parent), swarmId)
    expect([swarm.status, swarm.reason, locks]).toEqual(['dissolved', 'ParentCancelled', []])
    expect(types().filter((type) => type === 'swarm_dissolved')).toHaveLength(1)
    const kept = await t.server.database.db.selectFrom('swarm_messages').select('payload').execute()
    expect(kept).toEqual([{ payload: null }])
    await expect(swarms.spawn(parent, { key: 'c9', agent: made, swarmId: null })).rejects.toThrow(
      'The swarm is dissolved; it takes no more children.',
    )
  })

  it('swarms whose children go on hide none that a server left half ended, however many they are', async () => {
    const { db } = t.server.database
    // A hundred older ones: each parent completed, a child goes on.
    for (let n = 0; n < 100; n++) {
      const [id, swarm] = [`busy-${n}`, swarmIdOf(`busy-${n}`)]
      await executions.insert(executionOf(id, { status: 'completed', endedAt: 5 }), db)
      await executions.insert(
        executionOf(`${id}-c`, { parentId: id, ancestors: [id], childKey: 'c', swarmId: swarm }),
        db,
      )
      await db
        .insertInto('swarms')
        .values({
          id: swarm,
          tenant_id: 't1',
          parent_execution_id: id,
          status: 'active',
          reason: null,
          created_at: n,
          dissolved_at: null,
        })
        .execute()
    }
    for (const id of ['p', 'c1', 'c2']) await end(id, 'completed')
    await swarms.sweep()
    expect((await swarms.get(scopeOfRecord(parent), swarmId)).swarm.status).toBe('dissolved')
    expect(await swarms.countActive()).toBe(100)
  })

  it('a child is waited for: its output is told, and what was said meanwhile; one that goes on is told as that', async () => {
    const enabled = {
      ...parent,
      manifest: { ...manifest, spec: { ...manifest.spec, advanced: { swarm_enabled: true } } },
    }
    const [tool] = swarmTools({
      swarms: () => swarms,
      canonical: (name) => name,
      clock: t.clock,
      random: t.server as never,
      tasks: {
        get: async (_caller, id) =>
          id === 'p' ? enabled : ((await executions.find(scopeOfRecord(parent), String(id))) ?? enabled),
        waitFor: async (_run, { look }) => look(),
      },
    }).filter(({ name }) => name === 'aegis.await_child')
    const { db } = t.server.database
    const id = '6f0f4a52-7d0e-4a53-9d0e-0c1f5f6f2a77'
    await executions.insert({ ...childOf(id), agentId: 'agent-w' }, db)
    const wait = (invocationId: string) =>
      tool?.run?.({ caller: { executionId: 'p' }, args: { execution_id: id }, invocationId } as unknown as ToolRun)
    await swarms.send({ ...one, agentId: 'agent-c1' }, { callId: 'a', toAgentId: 'agent-p', payload: 'so far' })
    expect(await wait('w1')).toMatchObject({
      status: 'running',
      output: null,
      timed_out: true,
      messages: [{ from: 'agent-c1', payload: 'so far', payload_bytes: 6 }],
    })
    await executions.update(id, { status: 'completed', output: '42', endedAt: 5, updatedAt: 5 }, db)
    expect(await wait('w2')).toEqual({
      status: 'completed',
      output: '42',
      error: null,
      timed_out: false,
      messages: [],
      has_more: false,
    })
  })

  it('a dissolved swarm is forgotten after 90 days', async () => {
    await end('p')
    await swarms.sweep()
    await t.server.database.db.updateTable('swarms').set({ dissolved_at: 1 }).execute()
    await swarms.sweep()
    await expect(swarms.get(scopeOfRecord(parent), swarmId)).rejects.toThrow('swarm not found')
  })
})

it('a made agent is governed as the nearest one that was deployed, however deep it is', () => {
  const deployed = { id: 'd', agentName: 'planner', ancestors: ['r'] }
  const first = { id: 'm1', agentName: madeName(deployed, 'reader'), ancestors: ['r', 'd'] }
  const second = { id: 'm2', agentName: madeName(first, 'counter'), ancestors: ['r', 'd', 'm1'] }
  for (const one of [deployed, first, second])
    expect(governedAs(one)).toEqual({ agentName: 'planner', executionId: 'd' })
})
