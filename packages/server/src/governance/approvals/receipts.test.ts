import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { manualClock } from '../../../test/manual-clock.ts'
import { createInProcessRateLimiter } from '../../adapters/rate-limiter/in-process.ts'
import { scopeOfRecord } from '../../identity/scope.ts'
import type { RateLimiter } from '../../ports/rate-limiter.ts'
import { verifyBytes } from '../signing/ed25519.ts'
import { createApprovalStore } from './store.ts'

type Headers = Record<string, string>
const DIGEST = 'a1'.repeat(32)

onEachDatabase('approvals of one action', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  const ask = async (headers: Headers, over: object = {}) =>
    t.request({
      ...{ method: 'POST', url: '/api/v1/approvals', headers },
      payload: { agent_id: 'a', tool_name: 'delete_user', message: 'Sure?', action_digest: DIGEST, ...over },
    })
  const decide = async (id: string, approved: boolean, headers: Headers = {}) =>
    (
      await t.request({
        ...{ method: 'PUT', url: `/api/v1/approvals/${id}`, headers: { ...(await t.admin()), ...headers } },
        payload: { approved },
      })
    ).json()
  const consume = async (headers: Headers, id: string, digest = DIGEST, more: Headers = {}) => {
    const answer = await t.request({
      ...{ method: 'POST', url: `/api/v1/approvals/${id}/consume`, headers: { ...headers, ...more } },
      payload: { action_digest: digest },
    })
    return [answer.statusCode, answer.json().code ?? answer.json()] as const
  }
  const read = async (headers: Headers, id: string, query = '') =>
    (await t.request({ method: 'GET', url: `/api/v1/approvals/${id}${query}`, headers })).json()

  it('the receipt of a decision is signed by the tenant over exactly what was decided, and everybody is shown it', async () => {
    t = await start()
    const agent = await t.agent()
    for (const approved of [true, false]) {
      const asked = (await ask(agent)).json()
      expect(asked).toMatchObject({ action_digest: DIGEST, receipt: null, consumed_at: null })
      const decided = await decide(asked.id, approved)
      const { receipt } = decided
      expect(receipt).toEqual({
        action_digest: DIGEST,
        approval_id: asked.id,
        decision: approved ? 'approved' : 'denied',
        decided_by: 'admin@example.com',
        decided_at: '2026-03-01T12:00:00Z',
        public_key: expect.stringMatching(/^[0-9a-f]{64}$/),
        signature: expect.stringMatching(/^[0-9a-f]{128}$/),
      })
      const verifies = (decision: string) =>
        verifyBytes(
          Buffer.from(receipt.public_key, 'hex'),
          Buffer.from(
            `{"action_digest":"${DIGEST}","approval_id":"${asked.id}","decided_at":"2026-03-01T12:00:00Z","decided_by":"admin@example.com","decision":"${decision}"}`,
          ),
          Buffer.from(receipt.signature, 'hex'),
        )
      expect([verifies('approved'), verifies('denied')]).toEqual([approved, !approved])
      expect((await read(agent, asked.id)).receipt).toEqual(receipt)
      const listed = (await t.request({ method: 'GET', url: '/api/v1/approvals', headers: await t.admin() })).json()
      expect(listed[0].receipt).toEqual(receipt)
      const told = await t.server.database.db
        .selectFrom('stream_log')
        .selectAll()
        .where('type', '=', 'approval_decided')
        .orderBy('id', 'desc')
        .executeTakeFirstOrThrow()
      expect(JSON.parse(told.data)).toMatchObject({ action_digest: DIGEST, receipt })
    }
  })

  it('an approval is used once, by whoever is first, for the action it is of, and not before it is given', async () => {
    t = await start()
    const agent = await t.agent()
    const { id } = (await ask(agent)).json()
    expect(await consume(agent, id)).toEqual([409, 'approval_not_approved'])
    await decide(id, true)
    expect(await consume(agent, id, 'b2'.repeat(32))).toEqual([409, 'action_mismatch'])
    expect((await consume(await t.agent('staging'), id))[0]).toBe(404)
    const uses = await Promise.all(Array.from({ length: 6 }, () => consume(agent, id)))
    expect(uses.filter(([status]) => status === 200)).toEqual([
      [200, { id, action_digest: DIGEST, consumed_at: '2026-03-01T12:00:00Z' }],
    ])
    expect(uses.filter(([, code]) => code === 'approval_consumed')).toHaveLength(5)
    expect((await read(agent, id)).consumed_at).toBe('2026-03-01T12:00:00Z')
    const denied = (await ask(agent)).json().id
    await decide(denied, false)
    expect(await consume(agent, denied)).toEqual([409, 'approval_not_approved'])
    const unbound = (await ask(agent, { action_digest: null })).json().id
    await decide(unbound, true)
    expect(await consume(agent, unbound)).toEqual([409, 'action_mismatch'])
    expect((await consume(agent, '00000000-0000-4000-8000-000000000000'))[0]).toBe(404)
  })

  it('a use that is repeated with its key is answered as it was the first time', async () => {
    t = await start()
    const agent = await t.agent()
    const { id } = (await ask(agent)).json()
    await decide(id, true)
    const key = { 'idempotency-key': 'use-1' }
    const first = await consume(agent, id, DIGEST, key)
    await t.clock.advance(1_000)
    expect(await consume(agent, id, DIGEST, key)).toEqual(first)
    expect(await consume(agent, id, DIGEST, { 'idempotency-key': 'use-2' })).toEqual([409, 'approval_consumed'])
    expect((await consume(agent, id, 'b2'.repeat(32), key))[0]).toBe(422)
  })

  it('says whether whoever asked still waits', async () => {
    t = await start()
    const agent = await t.agent()
    const { id } = (await ask(agent)).json()
    const admin = await t.admin()
    const asker = async () => {
      const { asker, asker_seen_at } = await read(admin, id)
      return [asker, asker_seen_at]
    }
    await t.clock.advance(31_000)
    expect(await asker()).toEqual(['detached', '2026-03-01T12:00:00Z'])
    await read({ ...agent, 'x-edictum-agent-id': 'neighbour' }, id)
    expect(await asker()).toEqual(['detached', '2026-03-01T12:00:00Z'])
    expect(await read(agent, id)).toMatchObject({ asker: 'attached', asker_seen_at: '2026-03-01T12:00:31Z' })
    await t.clock.advance(30_000)
    expect(await asker()).toEqual(['attached', '2026-03-01T12:00:31Z'])
    await t.clock.advance(1)
    expect((await asker())[0]).toBe('detached')
    // It is decided all the same: an SDK may come back.
    expect(await decide(id, true)).toMatchObject({ status: 'approved', asker: 'detached' })
  })

  it('a person may be waited for 30 days, and no longer', async () => {
    t = await start()
    const agent = await t.agent()
    expect((await ask(agent, { timeout: 2_592_000 })).json()).toMatchObject({ timeout_seconds: 2_592_000 })
    expect((await ask(agent, { timeout: 2_592_001 })).statusCode).toBe(422)
  })

  it('what an execution asked for is taken back with it, all of it; what an SDK asked for stays', async () => {
    t = await start()
    const agent = await t.agent()
    const { id, ...shown } = (await ask(agent)).json()
    const { db } = t.server.database
    const row = await db.selectFrom('approvals').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
    const { seq: _, ...columns } = row
    const owned = Array.from({ length: 520 }, (_, index) => ({
      ...columns,
      id: `${index}`.padStart(8, '0') + id.slice(8),
      subject_kind: 'execution',
      subject_id: index < 500 ? 'another' : 'ended',
    }))
    for (let from = 0; from < owned.length; from += 100)
      await db
        .insertInto('approvals')
        .values(owned.slice(from, from + 100))
        .execute()
    const store = createApprovalStore(t.server.database)
    const scope = scopeOfRecord({ tenantId: row.tenant_id })
    const withdraw = () => store.withdraw(scope, { kind: 'execution', id: 'ended' }, 'The execution ended.', db)
    expect(await withdraw()).toHaveLength(20)
    expect(await withdraw()).toEqual([])
    const withdrawn = (
      await t.request({ method: 'GET', url: '/api/v1/approvals?status=withdrawn', headers: await t.admin() })
    ).json()
    expect(withdrawn).toHaveLength(20)
    expect(withdrawn[0]).toMatchObject({
      ...{ status: 'withdrawn', decision_reason: 'The execution ended.', decided_via: 'system', decided_by: null },
    })
    expect(await decide(withdrawn[0].id, true)).toMatchObject({ decision: { status: 'withdrawn' } })
    expect(await read(agent, id)).toMatchObject({ status: shown.status })
  })

  it('a key that names a new agent with each request is limited all the same, and so is how many of its requests wait', async () => {
    t = await start()
    const agent = await t.agent()
    let agents = 0
    const askAs = () => ask({ ...agent, 'x-edictum-agent-id': `agent-${agents++}` })
    const { id } = (await askAs()).json()
    const { db } = t.server.database
    const { seq: _, ...row } = await db.selectFrom('approvals').selectAll().executeTakeFirstOrThrow()
    const waiting = Array.from({ length: 196 }, (_, index) => ({
      ...row,
      id: `${index}`.padStart(8, '0') + id.slice(8),
    }))
    for (const half of [waiting.slice(0, 98), waiting.slice(98)])
      await db.insertInto('approvals').values(half).execute()
    const answers = await Promise.all(Array.from({ length: 7 }, askAs))
    expect(answers.filter((answer) => answer.statusCode === 201)).toHaveLength(3)
    const refused = answers.filter((answer) => answer.statusCode === 429)
    expect(refused).toHaveLength(4)
    expect(refused[0]?.headers['retry-after']).toBe('15')
    await db.updateTable('approvals').set({ status: 'denied' }).execute()
    expect((await askAs()).statusCode).toBe(201)
    // Another key of the tenant has room of its own.
    expect((await ask(await t.agent())).statusCode).toBe(201)
  })

  it('requests of a key are counted together, whatever agents it names', async () => {
    const counted: [key: string, most: number][] = []
    const limiter: RateLimiter = {
      ...createInProcessRateLimiter(manualClock()),
      async hit(key, most) {
        counted.push([key, most])
        return { allowed: true }
      },
    }
    t = await start({ overrides: { limiter } })
    const agent = await t.agent()
    counted.length = 0
    for (const name of ['a', 'b']) await ask({ ...agent, 'x-edictum-agent-id': name })
    expect(counted.map(([, most]) => most)).toEqual([10, 600, 10, 600])
    expect(counted[1]).toEqual(counted[3])
    expect(counted[0]).not.toEqual(counted[2])
  })

  it('what was decided on the command line is said to be decided there', async () => {
    t = await start()
    const { id } = (await ask(await t.agent())).json()
    expect(await decide(id, true, { 'x-requested-with': 'lictor-cli' })).toMatchObject({ decided_via: 'cli' })
  })

  it('lists show large arguments as their beginnings; an approval by itself has them whole', async () => {
    t = await start()
    const agent = await t.agent()
    const args = { text: 'x'.repeat(40_000), count: 7, small: ['a'] }
    const { id } = (await ask(agent, { tool_args: args })).json()
    const [listed] = (await t.request({ method: 'GET', url: '/api/v1/approvals', headers: await t.admin() })).json()
    expect(listed).toMatchObject({
      tool_args_shortened: true,
      tool_args: { text: { $preview: 'x'.repeat(1_024), $bytes: 40_002 }, count: 7, small: ['a'] },
    })
    expect(await read(agent, id)).toMatchObject({ tool_args: args, tool_args_shortened: false })
  })
})
