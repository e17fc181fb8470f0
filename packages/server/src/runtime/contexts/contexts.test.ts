import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { deployAgent, serviceHeaders, startExecution } from '../../../test/runtime.ts'

onEachDatabase('security contexts of a tenant', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  async function world() {
    t = await start()
    const headers = await serviceHeaders(t)
    const send = (
      method: 'GET' | 'POST' | 'DELETE',
      path = '',
      payload?: object,
      as: Record<string, string> = headers,
    ) => t.request({ method, url: `/v1/security-contexts${path}`, headers: as, ...(payload ? { payload } : {}) })
    return { headers, send }
  }

  it('none of those that are built in for agents lets them touch volumes, repositories and scripts', async () => {
    const { send } = await world()
    const built: { name: string; capabilities: { tool_pattern: string }[] }[] = (await send('GET')).json()
    const keeping = (name: string) =>
      built
        .find((one) => one.name === name)
        ?.capabilities.filter(({ tool_pattern }) => /^aegis\.(volume|file|git|script)\b/.test(tool_pattern)).length
    expect(['default', 'aegis-system-agent-runtime', 'aegis-system-operator', 'zaru-free'].map(keeping)).toEqual([
      0, 0, 4, 4,
    ])
  })

  it('are made, changed, listed behind the built-in ones, read and removed', async () => {
    const { send } = await world()
    const context = {
      name: 'lab',
      description: 'é',
      capabilities: [
        {
          tool_pattern: 'fs.*',
          constraints: { path_allowlist: ['/workspace'] },
          rate_limit: { calls: 1, per_seconds: 9 },
        },
        { tool_pattern: 'cmd.run', subcommand_allowlist: { git: ['status'], constructor: [] }, max_concurrent: 1 },
      ],
      deny_list: ['fs.delete', { tool_pattern: 'web.*' }],
    }
    expect((await send('POST', '', context)).json()).toEqual({ saved: true, name: 'lab', version: 1 })
    const read = (await send('GET', '/lab')).json()
    expect(read).toMatchObject({
      name: 'lab',
      description: 'é',
      deny_list: ['fs.delete', 'web.*'],
      is_built_in: false,
      metadata: { version: 1 },
    })
    expect(read.capabilities[0]).toMatchObject({ path_allowlist: ['/workspace'], domain_allowlist: null })
    expect(Object.keys(read.capabilities[1].subcommand_allowlist)).toEqual(['git', 'constructor'])
    // What is shown can be sent back.
    expect((await send('POST', '', { ...read, is_built_in: undefined })).json().version).toBe(2)
    const names = (await send('GET')).json().map(({ name }: { name: string }) => name)
    expect([names[0], names.at(-1)]).toEqual(['aegis-system-agent-runtime', 'lab'])
    expect(names).toContain('default')
    expect((await send('DELETE', '/lab')).json()).toEqual({ status: 'deleted', name: 'lab' })
    for (const method of ['GET', 'DELETE'] as const)
      expect((await send(method, '/lab')).json()).toMatchObject({ error: 'security context not found' })
  })

  it('with anything that would not be enforced are refused, with its place', async () => {
    const { send } = await world()
    const refused = async (change: object) => {
      const answer = await send('POST', '', { name: 'lab', capabilities: [{ tool_pattern: 'fs.*' }], ...change })
      return [answer.statusCode, answer.json().message]
    }
    const at = (place: string) => [422, expect.stringContaining(place)]
    expect(await refused({ name: ' ' })).toEqual([400, expect.stringContaining('name')])
    expect(await refused({ name: 'Lab' })).toEqual(at('name'))
    expect(await refused({ capabilities: undefined })).toEqual(at('capabilities'))
    expect(await refused({ capabilities: [{ tool: 'fs.*' }] })).toEqual(at('capabilities.0.tool'))
    expect(await refused({ capabilities: [{ tool_pattern: 'f*s' }] })).toEqual(at('capabilities.0.tool_pattern'))
    expect(await refused({ capabilities: [{ tool_pattern: 'fs.*', path_allow_list: [] }] })).toEqual(
      at('capabilities.0.path_allow_list'),
    )
    expect(await refused({ capabilities: [{ tool_pattern: 'fs.*', path_allowlist: 'x' }] })).toEqual(
      at('path_allowlist'),
    )
    expect(await refused({ capabilities: [{ tool_pattern: 'fs.*', path_allowlist: ['/a/../b'] }] })).toEqual(at("'..'"))
    expect(
      await refused({
        capabilities: [{ tool_pattern: '*', rate_limit: { calls_per_minute: 9, calls: 1, per_seconds: 1 } }],
      }),
    ).toEqual(at('calls_per_minute'))
    expect(
      await refused({ capabilities: [{ tool_pattern: '*', constraints: { max_concurrent: 1 }, max_concurrent: 2 }] }),
    ).toEqual(at('max_concurrent'))
    expect(await refused({ deny_list: ['cmd.run:rm'] })).toEqual(at('deny_list.0'))
    expect(await refused({ extra: 1 })).toEqual(at('extra'))
  })

  it('have no name that is built in, or belongs to the platform or to another tenant', async () => {
    const { send } = await world()
    const save = async (name: string) => (await send('POST', '', { name, capabilities: [] })).statusCode
    expect(await save('default')).toBe(409)
    expect(await save('zaru-free')).toBe(409)
    expect(await save('aegis-system-mine')).toBe(403)
    expect(await save('zaru-mine')).toBe(403)
    expect(await save('tenant-other-x')).toBe(403)
    const { slug } = await t.server.database.db.selectFrom('tenants').selectAll().executeTakeFirstOrThrow()
    expect(await save(`tenant-${slug}-x`)).toBe(200)
    expect((await send('DELETE', '/default')).statusCode).toBe(409)
  })

  it('are named in manifests, and an execution keeps the one it began with', async () => {
    const { headers, send } = await world()
    await expect(deployAgent(t, headers, { security_context: 'lab' })).rejects.toThrow(
      "Unknown security context: 'lab'",
    )
    await send('POST', '', { name: 'lab', capabilities: [{ tool_pattern: 'fs.read' }] })
    const agent = await deployAgent(t, headers, { security_context: 'lab' })
    const id = await startExecution(t, headers, agent)
    await send('POST', '', { name: 'lab', capabilities: [] })
    const row = await t.server.database.db
      .selectFrom('executions')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirstOrThrow()
    expect(JSON.stringify(row)).toContain('fs.read')
    await send('DELETE', '/lab')
    await expect(startExecution(t, headers, agent)).rejects.toThrow("Unknown security context: 'lab'")
  })

  it('are those of its own tenant alone', async () => {
    const { send } = await world()
    await send('POST', '', { name: 'lab', capabilities: [] })
    const foreign = await t.otherTenant()
    expect((await send('GET', '/lab', undefined, foreign)).statusCode).toBe(404)
    expect((await send('DELETE', '/lab', undefined, foreign)).statusCode).toBe(404)
    expect((await send('POST', '', { name: 'lab', capabilities: [] }, foreign)).json().version).toBe(1)
    expect((await send('GET', '/lab')).json().metadata.version).toBe(1)
  })
})
