import { afterEach, expect, it, vi } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { deployAgent, readStream, serviceHeaders } from '../../../test/runtime.ts'

type Headers = Record<string, string>

onEachDatabase('the tenant of a request', (start) => {
  let t: TestServer
  afterEach(() => t?.close())

  const agents = async (headers: Headers) => {
    const answer = await t.request({ method: 'GET', url: '/v1/agents', headers })
    return answer.statusCode === 200
      ? answer.json<{ agents: { name: string }[] }>().agents.map(({ name }) => name)
      : [answer.statusCode, answer.json<{ error: string }>().error]
  }
  /** Two tenants, each with an agent that bears its name; and the program of the first tenant's administrators. */
  async function world() {
    t = await start()
    const operator = await serviceHeaders(t, { role: 'aegis:admin' })
    await deployAgent(t, operator, {}, { name: 'ours' })
    const theirOwner = await t.otherTenant()
    const { db } = t.server.database
    const { id } = await db
      .selectFrom('tenants')
      .select('id')
      .where('slug', 'not in', ['default', 'aegis-system'])
      .executeTakeFirstOrThrow()
    const theirs = await serviceHeaders(t, { role: 'aegis:admin' }, theirOwner)
    await deployAgent(t, theirs, {}, { name: 'theirs' })
    return { operator, theirOwner, theirs, id }
  }
  const tenantsOf = async (name: string) =>
    t.server.database.db.selectFrom('agents').select('tenant_id').where('name', '=', name).execute()

  it('administrators of the installation act in the tenant that they name, by either header, and it is told there', async () => {
    const { operator, theirs, id } = await world()
    for (const named of [id, `t-${id}`, id.toUpperCase()])
      for (const header of ['x-aegis-tenant', 'x-tenant-id'])
        expect(await agents({ ...operator, [header]: named })).toEqual(['theirs'])
    await deployAgent(t, { ...operator, 'x-aegis-tenant': id }, {}, { name: 'made-there' })
    expect(await tenantsOf('made-there')).toEqual([{ tenant_id: id }])
    expect(await agents(operator)).toEqual(['ours'])
    const told = await readStream(await t.listen(), '/v1/observability/events?follow=false', theirs)
    const acts = told.filter(({ type }) => type === 'admin_cross_tenant_access')
    expect(acts).toHaveLength(7)
    expect(acts[0]).toMatchObject({ target_tenant_id: id, admin_identity: expect.stringMatching(/^service_account:/) })
    expect(await agents({ ...operator, 'x-aegis-tenant': 'nowhere' })).toEqual([404, 'Tenant not found: nowhere'])
    // What is no name of a tenant names none.
    expect(await agents({ ...operator, 'x-aegis-tenant': 'no name' })).toEqual(['ours'])
  })

  it('a person who administers the installation does so with a session', async () => {
    const { id } = await world()
    const admin = await t.admin()
    expect(await agents({ ...admin, 'x-aegis-tenant': id })).toEqual(['theirs'])
    expect(await agents(admin)).toEqual(['ours'])
  })

  it('for anybody else X-Aegis-Tenant means nothing, and X-Tenant-Id lets nobody out of their tenant', async () => {
    const { theirs, id } = await world()
    const first = (await tenantsOf('ours'))[0]?.tenant_id ?? ''
    const lesser = await serviceHeaders(t, { role: 'aegis:operator' })
    const member = await t.member('admin')
    const elsewhere = { 'x-tenant-id': id }
    expect(await agents({ ...theirs, 'x-aegis-tenant': first })).toEqual(['theirs'])
    expect(await agents({ ...lesser, 'x-aegis-tenant': id })).toEqual(['ours'])
    expect(await agents({ ...theirs, 'x-tenant-id': first })).toEqual([403, 'forbidden_tenant_switch'])
    expect(await agents({ ...theirs, 'x-tenant-id': 'default' })).toEqual([403, 'forbidden_tenant_switch'])
    expect(await agents({ ...lesser, ...elsewhere })).toEqual([403, 'forbidden_tenant_switch'])
    for (const own of [id, `t-${id}`]) expect(await agents({ ...theirs, 'x-tenant-id': own })).toEqual(['theirs'])
    // An administrator of the first tenant is one of the installation; a plain member is not.
    expect(await agents({ ...member, ...elsewhere })).toEqual(['theirs'])
    expect(await agents({ ...(await t.member()), ...elsewhere })).toEqual([403, 'not_a_team_member'])
    expect(await agents({ ...(await t.member()), 'x-aegis-tenant': id })).toEqual(['ours'])
  })

  it('a person acts in each tenant of theirs, with the role they have there, as long as they are a member', async () => {
    const { theirs, id } = await world()
    const bob = await t.member('member')
    const { db } = t.server.database
    const { id: bobId } = await db
      .selectFrom('users')
      .select('id')
      .where('email', 'not in', ['admin@example.com', `${id}@example.org`])
      .executeTakeFirstOrThrow()
    const membership = { tenant_id: id, user_id: bobId, role: 'viewer', joined_at: 0, invited_at: null }
    await db.insertInto('members').values(membership).execute()
    const there = { ...bob, 'x-tenant-id': `t-${id}` }
    expect(await agents(there)).toEqual(['theirs'])
    const write = await t.request({ method: 'DELETE', url: `/v1/agents/${crypto.randomUUID()}`, headers: there })
    expect([write.statusCode, write.json().error]).toEqual([403, 'role_required'])
    const address = await t.listen()
    const told = await readStream(address, '/v1/observability/events?follow=false', theirs)
    expect(told.find(({ type }) => type === 'tenant_context_switched')).toMatchObject({
      caller_user_id: bobId,
      to_tenant_id: id,
      via_header: 'X-Tenant-Id',
    })
    // A stream that is open there ends with the membership there, though the session goes on.
    const seen = (await t.request({ method: 'GET', url: '/v1/agents/lookup/theirs', headers: there })).json()
    const stream = await fetch(`${address}/v1/agents/${seen.id}/events`, { headers: there })
    expect(stream.status).toBe(200)
    const ended = stream.text()
    await db.deleteFrom('members').where('tenant_id', '=', id).where('user_id', '=', bobId).execute()
    let isOver = false
    void ended.then(() => {
      isOver = true
    })
    await vi.waitFor(
      async () => {
        await t.clock.advance(1_000)
        expect(isOver).toBe(true)
      },
      { timeout: 20_000 },
    )
    expect(await agents(there)).toEqual([403, 'not_a_team_member'])
    expect(await agents(bob)).toEqual(['ours'])
  })

  it('nobody acts in a tenant that is suspended or gone', async () => {
    const { operator, id } = await world()
    const { db } = t.server.database
    for (const [status, error] of [
      ['suspended', [403, 'tenant_suspended']],
      ['deleted', [404, `Tenant not found: ${id}`]],
    ] as const) {
      await db.updateTable('tenants').set({ status }).where('id', '=', id).execute()
      expect(await agents({ ...operator, 'x-aegis-tenant': id })).toEqual(error)
    }
  })

  it('teams of a person are made, listed, acted in and deleted', async () => {
    t = await start()
    const bob = await t.member('admin')
    const send = (method: 'GET' | 'POST' | 'DELETE', url: string, headers: Headers, payload?: object) =>
      t.request({ method, url, headers, ...(payload ? { payload } : {}) })
    const made = await send('POST', '/v1/colony/teams', bob, { display_name: 'Bob & Friends', tier: 'business' })
    expect([made.statusCode, made.json()]).toMatchObject([
      201,
      { slug: 'bob-friends', role: 'owner', tier: 'business' },
    ])
    const team = made.json<{ team_id: string }>().team_id
    const listed = (await send('GET', '/v1/colony/teams', bob)).json<{ teams: { slug: string; role: string }[] }>()
    expect(listed.teams.map(({ slug, role }) => [slug, role])).toContainEqual(['bob-friends', 'owner'])
    expect(await agents({ ...bob, 'x-tenant-id': `t-${team}` })).toEqual([])
    expect((await send('POST', '/v1/colony/teams', bob, { display_name: 'Bob & Friends' })).statusCode).toBe(409)
    expect((await send('POST', '/v1/colony/teams', await t.member(), { display_name: 'x' })).statusCode).toBe(403)
    expect((await send('DELETE', `/v1/colony/teams/${team}`, await t.admin())).statusCode).toBe(404)
    expect((await send('DELETE', `/v1/colony/teams/${team}`, bob)).json()).toEqual({ status: 'deleted', team_id: team })
    expect((await send('DELETE', `/v1/colony/teams/${team}`, bob)).statusCode).toBe(404)
    const program = await serviceHeaders(t, { role: 'aegis:admin' })
    expect((await send('POST', '/v1/colony/teams', program, { display_name: 'x' })).json().error).toBe('not_a_person')
  })

  it('with tiers, teams are given by operators', async () => {
    t = await start({ environment: { LICTOR_LIMITS: 'on' } })
    const other = await t.otherTenant()
    const make = (headers: Headers, tier?: string) =>
      t.request({ method: 'POST', url: '/v1/colony/teams', headers, payload: { display_name: 'Team', tier } })
    expect((await make(other)).json().error).toBe('personal_tier_too_low')
    expect((await make(await t.admin(), 'free')).statusCode).toBe(201)
  })
})
