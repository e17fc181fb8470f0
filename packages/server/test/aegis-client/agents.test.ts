import {
  AgentManifest,
  AgentManifestBuilder,
  ConflictError,
  NotFoundError,
  UnprocessableEntityError,
} from '@lictor/aegis'
import { expect, it } from 'vitest'
import { driveGroup } from './driven.ts'

driveGroup('agents', (open) => {
  const built = () =>
    new AgentManifestBuilder('writer', 'javascript', '20')
      .withDescription('Writes.')
      .withInstruction('Write.')
      .withLabel('type', 'author')
      .withTool('write_file')

  it('an agent from its deploy to its removal', async () => {
    const { client } = await open()
    const manifest = built().build()
    const deployed = await client.deployAgent(manifest)
    expect(deployed).toMatchObject({
      name: 'writer',
      version: '1.0.0',
      scope: 'tenant',
      status: 'deployed',
      warnings: [],
    })
    const id = deployed.agent_id
    await expect(client.deployAgent(manifest.toYaml())).rejects.toThrow(ConflictError)
    expect((await client.deployAgent(JSON.stringify(manifest), { force: true })).id).toBe(id)
    const flat = { name: 'flat', language: 'python', version: '3.12', instruction: 'Count.', tools: ['read_file'] }
    const other = await client.deployAgent(flat, { scope: 'global' })
    expect((await client.listAgents()).agents.map((one) => [one.name, one.scope])).toEqual([
      ['flat', 'global'],
      ['writer', 'tenant'],
    ])
    expect((await client.listAgents({ agent_type: 'author', visible: false, limit: 5 })).count).toBe(1)
    const found = await client.lookupAgent('writer')
    expect(found).toEqual(await client.getAgent(id))
    // What comes back is a manifest again, and the same one.
    expect(AgentManifest.parse(found.manifest_yaml ?? '').toJSON()).toEqual(manifest.toJSON())
    expect(found).toMatchObject({ agent_type: 'author', execution_count: 0, description: 'Writes.' })
    const updated = await client.updateAgent(id, {
      description: null,
      version: '1.1.0',
      spec: { env: { LEVEL: 'debug' } },
    })
    expect(updated).toMatchObject({
      success: true,
      version: '1.1.0',
      description: '',
      manifest: { spec: { env: { LEVEL: 'debug' } } },
    })
    expect((await client.updateAgent(id, built().withManifestVersion('2.0.0').build())).version).toBe('2.0.0')
    await expect(client.updateAgent(id, { colour: 'blue' })).rejects.toThrow(UnprocessableEntityError)
    const versions = await client.listAgentVersions(id)
    expect([versions.count, versions.versions.map((one) => one.version)]).toEqual([3, ['2.0.0', '1.1.0', '1.0.0']])
    expect((await client.listAgentVersions(id, { limit: 1 })).versions).toHaveLength(1)
    expect(await client.updateAgentScope(id, { scope: 'global' })).toMatchObject({
      new_scope: 'global',
      scope: 'global',
    })
    expect(await client.updateAgentScope(id, { target_scope: 'tenant' })).toMatchObject({ new_scope: 'tenant' })
    const told: string[] = []
    for await (const event of client.streamAgentEvents(id, { follow: false })) told.push(event.event_type)
    expect(told).toEqual([
      ...['agent_deployed', 'agent_updated', 'agent_updated', 'agent_updated'],
      ...['agent_scope_changed', 'agent_scope_changed'],
    ])
    expect(await client.deleteAgent(id)).toMatchObject({ status: 'deleted' })
    await client.deleteAgent(other.id)
    await expect(client.getAgent(id)).rejects.toThrow(NotFoundError)
    expect((await client.listAgents()).items).toEqual([])
  })

  it('an agent is seen by its own tenant until it is global, and one that is paused takes no work', async () => {
    const { t, client, account } = await open()
    const elsewhere = await account({}, await t.otherTenant())
    const { id } = await client.deployAgent(built().build())
    await expect(elsewhere.getAgent(id)).rejects.toThrow(NotFoundError)
    await expect(elsewhere.lookupAgent('writer')).rejects.toThrow(NotFoundError)
    await expect(elsewhere.deleteAgent(id)).rejects.toThrow(NotFoundError)
    await client.updateAgentScope(id, { scope: 'global' })
    expect((await elsewhere.lookupAgent('writer')).id).toBe(id)
    await client.updateAgent(id, { status: 'paused' })
    await expect(client.startExecution(id, 'go')).rejects.toMatchObject({ status: 409 })
    expect((await client.listExecutions()).count).toBe(0)
  })

  it('the events of an agent are followed while its runs go on, and end when the loop is left', async () => {
    const { client } = await open()
    const { id } = await client.deployAgent(built().build())
    const told: string[] = []
    let begun: string | undefined
    for await (const event of client.streamAgentEvents(id)) {
      told.push(event.event_type)
      begun ??= (await client.startExecution(id, 'go')).id
      if (event.event_type === 'execution_failed') {
        expect(event.data).toMatchObject({ execution_id: begun, agent_id: id })
        break
      }
    }
    expect(told[0]).toBe('agent_deployed')
    expect(told).toContain('execution_started')
  })
})
