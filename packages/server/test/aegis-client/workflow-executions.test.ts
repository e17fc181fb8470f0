import { ConflictError, NotFoundError, UnprocessableEntityError } from '@lictor/aegis'
import { expect, it } from 'vitest'
import { driveGroup } from './driven.ts'

driveGroup('workflow-executions', (open) => {
  const yaml = `apiVersion: 100monkeys.ai/v1
kind: Workflow
metadata: { name: gate, output_template: { said: "{{ASK.response}}", built: "{{BUILD.stdout}}" } }
spec:
  initial_state: BUILD
  states:
    BUILD: { kind: System, command: "printf %s '{{input.target}}'", transitions: [{ condition: on_success, target: ASK }] }
    ASK: { kind: Human, prompt: "Publish {{BUILD.stdout}}?", transitions: [] }
`
  const environment = { LICTOR_SANDBOX: 'process' }

  it('a run from its start over an answer to its removal', async () => {
    const { client } = await open({ environment })
    await client.registerWorkflow(yaml)
    const begun = await client.runWorkflow('gate', { input: { target: 'site' } }, { version: '1.0.0' })
    expect(begun).toMatchObject({ status: 'running', workflow_name: 'gate', execution_id: begun.id })
    expect(await client.signalWorkflowExecution(begun.id, { response: 'yes' })).toMatchObject({ status: 'signal_sent' })
    const seen: string[] = []
    for await (const { event_type, data } of client.streamWorkflowExecutionLogs(begun.id))
      seen.push([event_type, data.state_name].filter(Boolean).join(' '))
    expect([seen[0], seen.at(-1)]).toEqual(['WorkflowExecutionStarted', 'WorkflowExecutionCompleted'])
    expect(await client.getWorkflowExecution(begun.id)).toMatchObject({
      status: 'completed',
      final_output: { said: 'yes', built: 'site' },
      state_outputs: { BUILD: { exit_code: 0 } },
    })
    const logs = await client.getWorkflowExecutionLogs(begun.id, { limit: 2, offset: 1 })
    expect(logs.events.map(({ event_type, sequence }) => [event_type, sequence])).toEqual([
      ['WorkflowStateEntered', 2],
      ['WorkflowStateExited', 3],
    ])
    expect((await client.listWorkflowExecutions({ workflow_name: 'gate' })).executions).toHaveLength(1)
    expect(await client.removeWorkflowExecution(begun.id)).toMatchObject({ status: 'removed' })
    await expect(client.getWorkflowExecution(begun.id)).rejects.toThrow(NotFoundError)
  })

  it('a run that waits is cancelled once, and not removed before', async () => {
    const { client } = await open({ environment })
    await client.registerWorkflow(yaml)
    const { id } = await client.executeTemporalWorkflow({ workflow_name: 'gate', input: { target: 'site' } })
    await expect(client.removeWorkflowExecution(id)).rejects.toThrow(ConflictError)
    expect(await client.cancelWorkflowExecution(id, { reason: 'enough' })).toMatchObject({ status: 'cancel_requested' })
    expect(await client.getWorkflowExecution(id)).toMatchObject({ status: 'cancelled', summary: 'enough' })
    await expect(client.signalWorkflowExecution(id, { response: 'yes' })).rejects.toThrow(ConflictError)
    await expect(client.executeTemporalWorkflow({})).rejects.toThrow(UnprocessableEntityError)
  })
})
