import { AgentManifestBuilder, ConflictError, NotFoundError } from '@lictor/aegis'
import { expect, it } from 'vitest'
import { call, scriptEnvironment } from '../runtime.ts'
import { driveGroup, type Open } from './driven.ts'

const built = () =>
  new AgentManifestBuilder('writer', 'javascript', '20').withInstruction('Write.').withTool('write_file')

driveGroup('executions', (open) => {
  const play = (turns: readonly object[]): ReturnType<Open> => open({ environment: scriptEnvironment(turns) })

  it('an execution from its start to its removal', async () => {
    const { client } = await play([
      call('write_file', { path: 'out/a b.txt', content: 'Hello.' }),
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
    await expect(client.getExecutionFile(second.id, 'out/a b.txt')).rejects.toThrow(NotFoundError)
    expect(await ids({})).toEqual([started.id])
    await expect(client.startExecution({ agent_id: agent })).rejects.toThrow('Input is null or empty')
  })

  it('one that is under way is cancelled with its reason, asks its model nothing more, and is deleted only then', async () => {
    const { client } = await play([{ text: 'too late', delay_ms: 3_600_000 }])
    const { id: agent } = await client.deployAgent(built().build())
    const { id } = await client.startExecution(agent, 'go')
    let last = { event_type: '', data: {} as object }
    for await (const event of client.streamExecution(id)) {
      last = event
      if (event.event_type !== 'instance_spawned') continue
      await expect(client.deleteExecution(id)).rejects.toMatchObject({ status: 409 })
      expect(await client.cancelExecution(id, { reason: 'Not needed' })).toMatchObject({ status: 'cancelled' })
    }
    expect(last).toMatchObject({ event_type: 'execution_cancelled', data: { reason: 'Not needed' } })
    expect(await client.getExecution(id)).toMatchObject({ status: 'cancelled', output: null })
    await client.deleteExecution(id)
    expect((await client.listExecutions()).count).toBe(0)
  })

  it('an intent alone is the prompt, and variables reach the template', async () => {
    const { client } = await play([{ text: 'Done.' }])
    const { spec, ...manifest } = built().build().toJSON()
    const task = { ...spec.task, prompt_template: '{{instruction}} In a {{tone}} tone: {{input}}' }
    const { id: agent } = await client.deployAgent({ ...manifest, spec: { ...spec, task } })
    const promptOf = async (id: string) => {
      for await (const event of client.streamExecution(id))
        if (event.event_type === 'llm_interaction') return event.data.prompt
      return null
    }
    const alone = await client.startExecution({ agent_id: agent, input: null, intent: 'Count to three.' })
    expect(await promptOf(alone.id)).toBe('Count to three.')
    const varied = await client.executeAgent(agent, { input: 'hello', context_overrides: { tone: 'dry' } })
    expect(await promptOf(varied.id)).toBe('Write. In a dry tone: hello')
    await expect(client.startExecution(agent, 'x', undefined, { iteration_number: 7 })).rejects.toThrow(
      "Context override key 'iteration_number' is reserved and cannot be overridden",
    )
  })

  it('what is attached is read again from the volume, and an unknown file starts nothing', async () => {
    const { client } = await play([{ text: 'Read.' }])
    const { id: agent } = await client.deployAgent(built().build())
    const attached = await client.attachToVolume('chat-attachments', 'Hello.', 'notes/a.txt')
    const input = async (attachments: readonly object[], text: unknown = 'see') => {
      const { id } = await client.startExecution({ agent_id: agent, input: text, attachments: attachments as never })
      return (await client.getExecution(id)).input
    }
    const [volume] = (await client.listVolumes()).volumes
    const kept = { ...attached, volume_id: volume?.id }
    expect(await input([{ ...attached, size: 1, sha256: 'forged', mime_type: 'x/y' }])).toEqual({
      value: 'see',
      attachments: [kept],
    })
    expect(await input([kept], { n: 1 })).toEqual({ n: 1, attachments: [kept] })
    expect(await input([])).toBe('see')
    const before = (await client.listExecutions()).count
    await expect(input([{ ...attached, path: 'notes/none.txt' }])).rejects.toMatchObject({ status: 422 })
    expect((await client.listExecutions()).count).toBe(before)
  })

  it('a stream is opened by the token in its address, and by no forged one', async () => {
    const { client, connect, baseUrl } = await play([{ text: 'Done.' }])
    const { id: agent } = await client.deployAgent(built().build())
    const { id } = await client.startExecution(agent, 'go')
    const { key_value } = await client.createApiKey({ name: 'reader', scopes: ['execution:stream'] })
    const nobody = connect({ baseUrl })
    const follow = async (token?: string) => {
      const types: string[] = []
      for await (const { event_type } of nobody.streamExecution(id, token)) types.push(event_type)
      return types.at(-1)
    }
    expect(await follow(key_value)).toBe('execution_completed')
    await expect(follow('forged')).rejects.toMatchObject({ status: 401 })
    await expect(follow()).rejects.toMatchObject({ status: 401 })
  })
})
