import {
  AegisClient,
  AgentManifest,
  AgentManifestBuilder,
  ConflictError,
  NotFoundError,
  UnprocessableEntityError,
} from '@lictor/aegis'
import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from './harness.ts'
import { scriptEnvironment, serviceHeaders } from './runtime.ts'

onEachDatabase('every method for agents and executions, as programs call them', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  async function open(turns: readonly object[]) {
    t = await start({ environment: scriptEnvironment(turns) })
    const baseUrl = await t.listen()
    const { authorization = '' } = await serviceHeaders(t)
    return new AegisClient({ baseUrl, bearerToken: authorization.replace('Bearer ', '') })
  }
  const built = () =>
    new AgentManifestBuilder('writer', 'javascript', '20')
      .withDescription('Writes.')
      .withInstruction('Write.')
      .withLabel('type', 'author')
      .withTool('write_file')

  it('an agent from its deploy to its removal', async () => {
    const client = await open([])
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

  it('an execution from its start to its removal', async () => {
    const client = await open([
      { tool_calls: [{ name: 'write_file', arguments: { path: 'out/a b.txt', content: 'Hello.' } }] },
      { text: 'Written.' },
    ])
    const { id: agent } = await client.deployAgent(built().build())
    const started = await client.startExecution({ agent_id: agent, input: { name: 'Ada' }, intent: 'Greet' })
    expect(started).toMatchObject({ id: started.execution_id, status: 'pending', output: null })
    const told: string[] = []
    for await (const event of client.streamExecution(started.execution_id)) told.push(event.event_type)
    expect([told[0], told.at(-1)]).toEqual(['execution_started', 'execution_completed'])
    const execution = await client.getExecution(started.execution_id)
    expect(execution).toMatchObject({
      status: 'completed',
      input: { name: 'Ada' },
      intent: 'Greet',
      output: 'Written.',
      error: null,
      hierarchy: { depth: 0, path: [started.id] },
      iterations: [{ number: 1, status: 'success', trajectory: [{ tool_name: 'write_file', status: 'succeeded' }] }],
    })
    expect(execution.iterations?.[0]?.llm_interactions).toHaveLength(2)
    const file = await client.getExecutionFile(started.id, '/workspace/out/a b.txt')
    expect(new TextDecoder().decode(file)).toBe('Hello.')
    const second = await client.executeAgent(agent, 'go', undefined, { tone: 'dry' }, { version: '1.0.0' })
    await expect(client.executeAgent(agent, { input: 'go' }, { version: '9' })).rejects.toThrow(ConflictError)
    for await (const event of client.streamExecution(second.execution_id)) expect(event.event_type).not.toBe('unknown')
    const ids = async (query: object) => (await client.listExecutions(query)).executions.map((one) => one.id)
    expect(await ids({ agent_id: agent })).toEqual([second.id, started.id])
    expect(await ids({ agent_id: agent, limit: 1, offset: 1 })).toEqual([started.id])
    expect(await ids({ status: 'Completed', limit: 5 })).toEqual([second.id, started.id])
    expect(await ids({ status: 'failed' })).toEqual([])
    await expect(client.listExecutions({ workflow_name: 'none' })).rejects.toThrow(NotFoundError)
    expect(await client.cancelExecution(second.id, { reason: 'late' })).toMatchObject({ status: 'completed' })
    expect(await client.deleteExecution(second.id)).toMatchObject({ status: 'deleted' })
    await expect(client.getExecution(second.id)).rejects.toThrow(NotFoundError)
    await expect(client.startExecution({ agent_id: agent })).rejects.toThrow('Input is null or empty')
  })
})
