import { writeFileSync } from 'node:fs'
import { connect as openSocket } from 'node:net'
import { join } from 'node:path'
import type { AegisClient } from '@lictor/aegis'
import { expect, it } from 'vitest'
import { idleInstance } from '../idle-instance.ts'
import { call, scriptEnvironment } from '../runtime.ts'
import { type Driven, driveGroup } from './driven.ts'

const tools = ['run_command', 'write_file', 'read_file']
const agent = {
  apiVersion: '100monkeys.ai/v1',
  kind: 'Agent',
  metadata: { name: 'worker', version: '1.0.0' },
  spec: {
    runtime: { language: 'javascript', version: '20' },
    task: { instruction: 'Work.' },
    tools,
    ...idleInstance(),
  },
} as const

driveGroup('dispatch', (open) => {
  /** An execution whose instance says nothing: the client speaks in its place. */
  async function begun(turns: readonly object[]): Promise<Driven & { id: string; agentId: string }> {
    const driven = await open({ environment: { ...scriptEnvironment(turns), LICTOR_SANDBOX: 'process' } })
    const { id: agentId } = await driven.client.deployAgent(agent)
    const { id } = await driven.client.startExecution(agentId, 'go')
    await spawned(driven.client, id)
    return { ...driven, id, agentId }
  }
  async function spawned(client: AegisClient, id: string): Promise<void> {
    for await (const { event_type } of client.streamExecution(id)) if (event_type === 'instance_spawned') return
  }
  const generate = (execution_id: string) =>
    ({ type: 'generate', execution_id, iteration_number: 1, prompt: 'go' }) as const
  const result = (execution_id: string, dispatch_id: string, stdout = 'built\n') =>
    ({
      type: 'dispatch_result',
      execution_id,
      dispatch_id,
      exit_code: 0,
      stdout,
      stderr: '',
      duration_ms: 12,
      truncated: false,
    }) as const
  const dispatched = async (answer: ReturnType<AegisClient['dispatchGateway']>) => {
    const message = await answer
    if (message.type !== 'dispatch') throw new Error(message.content)
    return message
  }

  it('an inner loop from its prompt to its end: tools run on the server, commands at the instance, answers in order', async () => {
    const { t, client, id } = await begun([
      {
        tool_calls: [
          { name: 'write_file', arguments: { path: 'a.txt', content: 'x' } },
          { name: 'run_command', arguments: { command: 'make', args: ['all'], env_additions: { CI: '1' } } },
          { name: 'read_file', arguments: { path: 'a.txt' } },
        ],
      },
      { text: 'Built.' },
    ])
    const command = await dispatched(client.dispatchGateway(generate(id)))
    expect(command).toMatchObject({
      type: 'dispatch',
      dispatch_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      action: 'exec',
      command: 'make',
      args: ['all'],
      env_additions: { CI: '1' },
      timeout_secs: 600,
      max_output_bytes: 1_048_576,
    })
    // What ran before the command is there, and nothing after it.
    expect(new TextDecoder().decode(await client.getExecutionFile(id, 'a.txt'))).toBe('x')
    const final = await client.dispatchGateway(result(id, command.dispatch_id))
    expect(final).toMatchObject({ type: 'final', content: 'Built.', tool_calls_executed: 3 })
    if (final.type !== 'final') throw new Error('not over')
    const told = final.conversation.filter(({ role }) => role === 'tool')
    expect(told.map(({ tool_call_id }) => tool_call_id)).toEqual(['call_1_1', 'call_1_2', 'call_1_3'])
    expect(JSON.parse(String(told[1]?.content))).toMatchObject({ exit_code: 0, stdout: 'built\n' })
    writeFileSync(join(t.environment.LICTOR_DATA_DIR ?? '', 'executions', id, 'workspace/answer'), 'Built.')
    for await (const { event_type, data } of client.streamExecution(id))
      if (event_type === 'execution_completed') expect(data.final_output).toBe('Built.')
    expect(await client.getExecution(id)).toMatchObject({ status: 'completed', output: 'Built.', total_iterations: 1 })
  })

  it('a result whose answer was lost on its way is sent again: the same answer, and nothing runs twice', async () => {
    const { client, id, baseUrl } = await begun([
      call('run_command', { command: 'first' }),
      {
        tool_calls: [
          { name: 'write_file', arguments: { path: 'a.txt', content: 'x' } },
          ...call('run_command', { command: 'second' }).tool_calls,
        ],
      },
      { text: 'Done.' },
    ])
    const first = await dispatched(client.dispatchGateway(generate(id)))
    const message = result(id, first.dispatch_id)
    const { key_value } = await client.createApiKey({ name: 'instance', scopes: ['agent:execute'] })
    await sendAndHangUp(baseUrl, key_value, message)
    const trajectory = async () =>
      (await client.getExecution(id)).iterations?.[0]?.trajectory.map(({ status }) => status)
    await expect.poll(trajectory, { timeout: 50_000 }).toEqual(['succeeded', 'succeeded', 'dispatched'])
    const second = await dispatched(client.dispatchGateway(message))
    expect([second.command, await dispatched(client.dispatchGateway(message))]).toEqual(['second', second])
    const { type: _, ...other } = message
    await expect(client.dispatchGateway({ ...other, type: 'dispatch_result', stdout: 'else' })).rejects.toMatchObject({
      status: 409,
      body: { error: 'mismatched_dispatch_id', message: `Mismatched dispatch_id for execution_id: ${id}` },
    })
    expect(await client.dispatchGateway(result(id, second.dispatch_id))).toMatchObject({
      type: 'final',
      tool_calls_executed: 3,
    })
    expect(await trajectory()).toEqual(['succeeded', 'succeeded', 'succeeded'])
    const turns = []
    for await (const { event_type } of client.streamExecution(id)) {
      if (event_type === 'llm_interaction') turns.push(event_type)
      if (turns.length === 3) await client.cancelExecution(id)
    }
    expect(turns).toHaveLength(3)
  })

  it('an attempt that was cancelled while a command was out takes its result no more, and asks its model nothing', async () => {
    const { client, id } = await begun([call('run_command', { command: 'first' }), { text: 'never' }])
    const { dispatch_id } = await dispatched(client.dispatchGateway(generate(id)))
    await client.cancelExecution(id, { reason: 'enough' })
    await expect(client.dispatchGateway(result(id, dispatch_id))).rejects.toMatchObject({
      status: 409,
      body: { error: 'execution_ended' },
    })
    const turns: string[] = []
    for await (const { event_type } of client.streamExecution(id)) turns.push(event_type)
    expect(turns.filter((type) => type === 'llm_interaction')).toHaveLength(1)
    expect(turns.at(-1)).toBe('execution_cancelled')
  })
})

/** Send a whole request, and go away before its answer. */
async function sendAndHangUp(baseUrl: string, token: string, message: object): Promise<void> {
  const { hostname, port } = new URL(baseUrl)
  const body = JSON.stringify(message)
  const head = [
    'POST /v1/dispatch-gateway HTTP/1.1',
    `host: ${hostname}`,
    `authorization: Bearer ${token}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
  ]
  const socket = openSocket(Number(port), hostname)
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => resolve())
  })
  socket.destroySoon()
}
