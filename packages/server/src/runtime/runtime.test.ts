import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../test/harness.ts'
import { allEvents, deployAgent, scriptEnvironment, serviceHeaders, startExecution } from '../../test/runtime.ts'

onEachDatabase('an execution', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  it('runs in a sandbox, calls its tools, and ends with what the model said', async () => {
    t = await start({
      environment: scriptEnvironment([
        { tool_calls: [{ name: 'write_file', arguments: { path: 'notes.txt', content: 'three rows' } }] },
        { tool_calls: [{ name: 'run_command', arguments: { command: 'cat', args: ['notes.txt'] } }] },
        { text: 'Done.' },
      ]),
    })
    const address = await t.listen()
    const headers = await serviceHeaders(t)
    const agent = await deployAgent(t, headers, { tools: ['write_file', 'run_command'] })
    const id = await startExecution(t, headers, agent)
    const events = await allEvents(address, headers, id)
    const answer = (await t.request({ method: 'GET', url: `/v1/executions/${id}`, headers })).json()
    expect(answer).toMatchObject({ status: 'completed', output: 'Done.', error: null })
    expect(events.map((event) => event.type)).toEqual([
      'execution_started',
      'iteration_started',
      'instance_spawned',
      'llm_interaction',
      'tool_invocation_requested',
      'file_created',
      'file_written',
      'tool_invocation_completed',
      'llm_interaction',
      'tool_invocation_requested',
      'command_execution_started',
      'command_execution_completed',
      'tool_invocation_completed',
      'llm_interaction',
      'instance_terminated',
      'console_output',
      'iteration_completed',
      'execution_completed',
    ])
    const file = await t.request({ method: 'GET', url: `/v1/executions/${id}/files/workspace/notes.txt`, headers })
    expect([file.statusCode, file.body]).toEqual([200, 'three rows'])
  })
})
