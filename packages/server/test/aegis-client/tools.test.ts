import { join } from 'node:path'
import { NotFoundError, PermissionDeniedError } from '@lictor/aegis'
import { expect, it } from 'vitest'
import { driveGroup } from './driven.ts'

const example = join(import.meta.dirname, '../../../../examples/mcp-server')

driveGroup('tools', (open) => {
  const withServers = () =>
    open({
      environment: {
        LICTOR_SANDBOX: 'process',
        LICTOR_MCP_SERVERS: join(example, 'mcp.yaml'),
        LICTOR_MODEL_SCRIPT: join(example, 'turns.yaml'),
      },
    })

  it('what is listed is what an agent can be given and calls, of this server and of its MCP servers', async () => {
    const { client } = await withServers()
    await expect
      .poll(async () => (await client.listToolServers()).servers.map(({ status }) => status), { timeout: 50_000 })
      .toEqual(['running'])
    const [server] = (await client.listToolServers()).servers
    expect(server).toMatchObject({ error: null, failures: 0 })
    expect(server?.tools.length).toBeGreaterThan(0)
    const all = await client.listTools()
    expect(all).toMatchObject({ count: all.tools.length, items: all.tools })
    const supplied = await client.listTools({ source: 'mcp_server' })
    expect(supplied.tools).toHaveLength(server?.tools.length ?? 0)
    expect(supplied.tools.every((tool) => tool.server === server?.name)).toBe(true)
    expect(all.tools.filter(({ source }) => source === 'mcp_server')).toEqual(supplied.tools)
    for (const tool of [all.tools[0], supplied.tools[0]]) expect(await client.getTool(tool?.name ?? '')).toEqual(tool)
    expect(await client.getTool('read_file')).toEqual(await client.getTool('fs.read'))
    const page = await client.listTools({ limit: 2, offset: 1 })
    expect(page.tools).toEqual(all.tools.slice(1, 3))
    const files = await client.listTools({ category: (await client.getTool('fs.read')).category })
    expect(files.tools.map(({ name }) => name)).toContain('fs.write')
    expect(files.tools.map(({ name }) => name)).not.toContain('web.fetch')
    // Each of these can be named in a manifest, and nothing else can.
    const flat = { name: 'all', language: 'javascript', version: '20', instruction: 'x' }
    await client.deployAgent({ ...flat, tools: all.tools.map(({ name }) => name) })
    await expect(client.deployAgent({ ...flat, name: 'other', tools: ['fs.none'] })).rejects.toMatchObject({
      status: 422,
    })
    await expect(client.getTool('fs.none')).rejects.toThrow(NotFoundError)
  })

  it('how the servers of the node are is for operators; the tools are for everybody who may list agents', async () => {
    const { account } = await withServers()
    const reader = await account({ role: 'aegis:readonly' })
    expect((await reader.listTools({ limit: 1 })).tools).toHaveLength(1)
    await expect((await account({ scopes: ['agent:list'] })).listToolServers()).rejects.toThrow(PermissionDeniedError)
    await expect((await account({ scopes: ['execution:read'] })).listTools()).rejects.toMatchObject({
      status: 403,
      body: { error: 'insufficient_scope', required: 'agent:list' },
    })
  })
})
