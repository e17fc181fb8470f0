import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import type { Socket } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { createInProcessBus } from '../src/adapters/bus/in-process.ts'
import { createJournalStore } from '../src/changes/journal/store.ts'
import { createStreamLog } from '../src/changes/stream-log.ts'
import { createReplayStore } from '../src/governance/replay/store.ts'
import { scopeOfRecord } from '../src/identity/scope.ts'
import { bundleYaml } from './documents.ts'
import { onEachDatabase, type TestServer } from './harness.ts'
import { deployAgent, scriptEnvironment, startExecution, until } from './runtime.ts'

const MIB = 1024 ** 2
const PAGE_BYTES = MIB

onEachDatabase('what was missed, however large', (start) => {
  let t: TestServer
  afterEach(() => t.close())
  const tenantOf = async () =>
    (await t.server.database.db.selectFrom('users').selectAll().executeTakeFirstOrThrow()).tenant_id

  /** Records of the log of `size` bytes each, for agents and dashboards; their numbers are in them. */
  async function log(count: number, size: number): Promise<string> {
    const tenantId = await tenantOf()
    for (let number = 0; number < count; number++)
      await t.server.database.db
        .insertInto('stream_log')
        .values({
          tenant_id: tenantId,
          type: 'contract_update',
          data: JSON.stringify({ type: 'contract_update', number, yaml_bytes: 'x'.repeat(size) }),
          env: 'production',
          bundle_name: 'devops',
          agent_id: null,
          dashboard: 1,
          created_at: t.clock.now() * 1000,
        })
        .execute()
    return tenantId
  }

  /** Read a stream as a slow client does, until so many numbers came or the stream ended. */
  async function readSlowly(address: string, path: string, headers: Record<string, string>, wanted: number) {
    const served = new Set<Socket>()
    const keep = (message: unknown) => served.add((message as { socket: Socket }).socket)
    subscribe('net.server.socket', keep)
    const outgoing = request(`${address}${path}`, { headers, agent: false })
    outgoing.end()
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
    const numbers: number[] = []
    let rest = ''
    incoming.setEncoding('utf8')
    // Nothing is read until everything that fits has been sent, and the server waits.
    await expect.poll(() => [...served].some((socket) => socket.writableNeedDrain)).toBe(true)
    unsubscribe('net.server.socket', keep)
    for await (const chunk of incoming) {
      const frames = (rest + (chunk as string)).split('\n\n')
      rest = frames.pop() ?? ''
      for (const frame of frames) {
        const number = /"number":(\d+)/.exec(frame)?.[1]
        if (number !== undefined) numbers.push(Number(number))
      }
      if (numbers.length >= wanted) break
    }
    outgoing.destroy()
    return numbers
  }
  const upTo = (count: number) => Array.from({ length: count }, (_, index) => index)

  it('an agent and a dashboard that read slowly get all of it on one connection', async () => {
    t = await start()
    const agent = await t.agent()
    await log(24, MIB)
    const address = await t.listen()
    const path = '/api/v1/stream?env=production&bundle_name=devops'
    expect(await readSlowly(address, path, { ...agent, 'last-event-id': '0' }, 24)).toEqual(upTo(24))
    const dashboard = { ...(await t.admin()), 'last-event-id': '0' }
    expect(await readSlowly(address, '/api/v1/stream/dashboard', dashboard, 24)).toEqual(upTo(24))
  })

  it('who follows an execution and reads slowly gets all of it on one connection', async () => {
    t = await start({ environment: scriptEnvironment([{ text: 'Done.' }]) })
    const admin = await t.admin()
    const agentId = await deployAgent(t, admin)
    const id = await startExecution(t, admin, agentId)
    const { db } = t.server.database
    await until(
      async () => (await db.selectFrom('executions').select('ended_at').executeTakeFirstOrThrow()).ended_at !== null,
    )
    const last = await db
      .selectFrom('journal_entries')
      .selectAll()
      .orderBy('sequence', 'desc')
      .executeTakeFirstOrThrow()
    await db.deleteFrom('journal_entries').where('subject_id', '=', id).execute()
    const { id: _, ...entry } = last
    for (let number = 0; number < 24; number++) {
      const data = JSON.stringify({ type: 'iteration_started', number, prompt: 'x'.repeat(MIB) })
      await db
        .insertInto('journal_entries')
        .values({ ...entry, type: number === 23 ? last.type : 'iteration_started', sequence: number + 1, data })
        .execute()
    }
    const address = await t.listen()
    expect(await readSlowly(address, `/v1/executions/${id}/stream`, admin, 25)).toEqual(upTo(24))
    expect(await readSlowly(address, `/v1/agents/${agentId}/events?follow=false`, admin, 25)).toEqual(upTo(24))
  })

  /** Read page after page; the sizes of the pages in rows. */
  async function pages<Row>(read: (after: Row | undefined) => Promise<{ rows: readonly Row[]; hasMore: boolean }>) {
    const all: Row[] = []
    const sizes: number[] = []
    for (let hasMore = true; hasMore; ) {
      const page = await read(all.at(-1))
      all.push(...page.rows)
      sizes.push(page.rows.length)
      hasMore = page.hasMore
    }
    return { all, sizes }
  }

  it('is read from the database in pages of 1 MiB, and one larger record alone', async () => {
    t = await start()
    await t.admin()
    const tenantId = await log(7, 400_000)
    await log(1, 3 * PAGE_BYTES)
    await log(2, 10)
    const { database } = t.server
    const records = createStreamLog({ database, bus: createInProcessBus(), clock: t.clock, onPublishError: () => {} })
    const scope = scopeOfRecord({ tenantId })
    const first = await records.since(scope, 0, 100)
    const { all, sizes } = await pages<(typeof first.rows)[number]>((after) =>
      records.since(scope, after?.id ?? 0, 100),
    )
    expect(sizes).toEqual([2, 2, 2, 1, 1, 2])
    expect(all.map(({ id }) => id)).toEqual([...all.map(({ id }) => id)].sort((a, b) => a - b))
    expect(await records.since(scope, all.at(-1)?.id ?? 0, 100)).toEqual({ rows: [], hasMore: false })
    const few = await records.since(scope, 0, 1)
    expect([few.rows.length, few.hasMore]).toEqual([1, true])

    const journal = createJournalStore(database)
    const subject = { kind: 'execution' as const, id: 'e' }
    const entries = [600_000, 600_000, 10, 2 * MIB, 10].map((size, index) => ({
      sequence: index + 1,
      type: 'x',
      data: 'x'.repeat(size),
    }))
    await database.db.transaction().execute(async (within) => {
      await journal.append([{ subject, scope, agentId: 'a', at: 0, entries }], within)
    })
    const bySubject = await pages<{ sequence: number }>((after) => journal.after(subject, after?.sequence ?? 0, 100))
    expect([bySubject.sizes, bySubject.all.map(({ sequence }) => sequence)]).toEqual([
      [1, 2, 1, 1],
      [1, 2, 3, 4, 5],
    ])
    const byAgent = await pages<{ id: number; sequence: number }>((after) =>
      journal.ofAgentAfter(scope, 'a', after?.id ?? 0, 100),
    )
    expect([byAgent.sizes, byAgent.all.map(({ sequence }) => sequence)]).toEqual([
      [1, 2, 1, 1],
      [1, 2, 3, 4, 5],
    ])
  })

  it('recorded calls with large arguments are replayed in pages of 1 MiB, none left out', async () => {
    t = await start()
    const admin = await t.admin()
    const agent = await t.agent()
    for (const size of [600_000, 600_000, 600_000, 3 * MIB, 10, 10]) {
      const event = {
        call_id: `c${Math.random()}`,
        agent_id: 'agent-1',
        tool_name: 'read_file',
        verdict: 'call_allowed',
        mode: 'enforce',
        timestamp: t.clock.now() / 1000,
        payload: { tool_args: { path: 'x'.repeat(size) } },
      }
      const payload = { events: [event] }
      const answer = await t.request({ method: 'POST', url: '/api/v1/events', headers: agent, payload })
      expect(answer.json()).toMatchObject({ accepted: 1 })
    }
    const store = createReplayStore(t.server.database)
    const scope = scopeOfRecord({ tenantId: await tenantOf() })
    const read = await pages<{ seq: number; timestamp: number }>((after) =>
      store.decisions(scope, 'production', 0, 100, after ?? null),
    )
    expect(read.sizes).toEqual([2, 1, 1, 1, 1])
    expect(new Set(read.all.map(({ seq }) => seq)).size).toBe(6)
    const upload = { yaml_content: bundleYaml('devops') }
    await t.request({ method: 'POST', url: '/api/v1/bundles', headers: admin, payload: upload })
    const url = '/api/v1/bundles/devops/1/replay?env=production'
    const replayed = (await t.request({ method: 'POST', url, headers: admin })).json()
    expect(replayed).toMatchObject({ events: 6, truncated: false })
    const few = (await t.request({ method: 'POST', url: `${url}&limit=4`, headers: admin })).json()
    expect(few).toMatchObject({ events: 4, truncated: true })
  })
})
