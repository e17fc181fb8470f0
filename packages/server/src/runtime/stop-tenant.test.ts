import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../test/harness.ts'
import { deployAgent, scriptEnvironment, startExecution, until } from '../../test/runtime.ts'

onEachDatabase('what runs of a tenant that is stopped', (start) => {
  let t: TestServer
  afterEach(() => t?.close())

  const post = (url: string, headers: Record<string, string>, payload: object = {}) =>
    t.request({ method: 'POST', url, headers, payload })

  /** A tenant with an execution that waits for its model, and a workflow that asks a person; and one execution of another tenant. */
  async function twoTenants() {
    t = await start({
      environment: { ...scriptEnvironment([{ text: 'late', delay_ms: 3_600_000 }]), LICTOR_SANDBOX: 'process' },
    })
    await t.listen()
    const operator = await t.admin()
    const owner = await t.otherTenant()
    const { db } = t.server.database
    const other = await db.selectFrom('tenants').selectAll().where('slug', '!=', 'default').executeTakeFirstOrThrow()
    const begun = await Promise.all(
      [operator, owner].map(async (headers) => startExecution(t, headers, await deployAgent(t, headers))),
    )
    const asks = { kind: 'Human', prompt: 'Go on?', transitions: [] }
    await post('/v1/workflows', owner, {
      name: 'asks',
      definition: { initial_state: 'ASK', states: { ASK: asks } },
    })
    const run = (await post('/v1/workflows/asks/run', owner)).json<{ id: string }>().id
    const statusOf = async (id: string | undefined) =>
      (
        await db
          .selectFrom('executions')
          .select('status')
          .where('id', '=', id ?? '')
          .executeTakeFirstOrThrow()
      ).status
    const runStatus = async () =>
      (await db.selectFrom('workflow_runs').select('status').where('id', '=', run).executeTakeFirstOrThrow()).status
    for (const id of begun) await until(async () => (await statusOf(id)) === 'running')
    return { operator, owner, slug: other.slug, tenantId: other.id, begun, statusOf, runStatus }
  }

  it('ends before the answer, executions and workflows alike, and nothing of another tenant does', async () => {
    const { operator, owner, slug, begun, statusOf, runStatus } = await twoTenants()
    expect((await post(`/v1/admin/tenants/${slug}/suspend`, operator)).statusCode).toBe(200)
    expect([await statusOf(begun[1]), await runStatus()]).toEqual(['cancelled', 'cancelled'])
    expect(await statusOf(begun[0])).toBe('running')
    expect((await post('/v1/workflows/asks/run', owner)).statusCode).toBe(403)
    await post(`/v1/admin/tenants/${slug}/resume`, operator)
    expect(await statusOf(begun[1])).toBe('cancelled')
    expect((await post('/v1/workflows/asks/run', owner)).statusCode).toBeLessThan(300)
  })

  it('ends also where the server died between the two', async () => {
    const { tenantId, begun, statusOf, runStatus } = await twoTenants()
    // As it lies in the database when the server that suspended the tenant came no further.
    await t.server.database.db.updateTable('tenants').set({ status: 'suspended' }).where('id', '=', tenantId).execute()
    await t.clock.advance(15_000)
    await until(async () => (await statusOf(begun[1])) === 'cancelled' && (await runStatus()) === 'cancelled')
    expect(await statusOf(begun[0])).toBe('running')
  })
})
