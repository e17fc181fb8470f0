import {
  AgentManifestBuilder,
  BadRequestError,
  ConflictError,
  NotFoundError,
  PermissionDeniedError,
  WorkflowManifest,
} from '@lictor/aegis'
import { expect, it } from 'vitest'
import { driveGroup } from './driven.ts'

driveGroup('workflows', (open) => {
  const yaml = (version = '1.0.0', agent = 'writer') => `# Writes.
apiVersion: 100monkeys.ai/v1
kind: Workflow
metadata: { name: gate, version: "${version}", description: Writes., labels: { team: ci } }
spec:
  initial_state: WRITE
  states:
    WRITE: { kind: Agent, agent: ${agent}, transitions: [{ condition: on_success, target: ASK }] }
    ASK: { kind: Human, prompt: "{{WRITE.output}}", transitions: [] }
`
  const writer = new AgentManifestBuilder('writer', 'javascript', '20').withInstruction('Write.').build()

  it('a workflow from its registration to its removal', async () => {
    const { client } = await open()
    const agent = await client.deployAgent(writer)
    expect(await client.validateWorkflow(yaml())).toMatchObject({ valid: true, name: 'gate', problems: [] })
    const registered = await client.registerWorkflow(yaml())
    expect(registered).toMatchObject({
      name: 'gate',
      version: '1.0.0',
      status: 'registered',
      scope: 'tenant',
      warnings: [],
    })
    await expect(client.registerWorkflow(yaml())).rejects.toThrow(ConflictError)
    expect((await client.registerWorkflow(WorkflowManifest.parse(yaml()), { force: true })).id).toBe(registered.id)
    const { spec } = WorkflowManifest.parse(yaml()).toJSON()
    const second = await client.registerTemporalWorkflow({ name: 'gate', definition: spec, version: '2.0.0' })
    expect(second).toMatchObject({ id: registered.id, version: '2.0.0' })

    const found = await client.getWorkflow('gate')
    expect(found).toEqual(await client.getWorkflow(registered.id))
    expect(found).toMatchObject({ version: '2.0.0', execution_count: 0, status: 'active', description: null })
    // An agent that was named stands with its id, so that what it is called later changes nothing.
    expect(found.definition?.states.WRITE).toMatchObject({ agent: agent.id })
    expect(WorkflowManifest.parse(await client.getWorkflowYaml('gate')).spec).toEqual(spec)

    expect((await client.listWorkflows({ limit: 5 })).workflows.map(({ name }) => name)).toEqual(['gate'])
    const versions = await client.listWorkflowVersions('gate')
    expect([versions.count, versions.versions.map(({ version }) => version)]).toEqual([2, ['2.0.0', '1.0.0']])
    expect((await client.listWorkflowVersions('gate', { limit: 1 })).items).toHaveLength(1)
    expect((await client.listWorkflowVersions('nothing')).items).toEqual([])

    expect(await client.updateWorkflowScope('gate', { scope: 'global' })).toMatchObject({
      success: true,
      previous_scope: 'tenant',
      new_scope: 'global',
      scope: 'global',
      tenant_id: 'aegis-system',
    })
    expect((await client.listWorkflows()).count).toBe(0)
    expect((await client.listWorkflows({ visible: true })).count).toBe(1)
    expect((await client.listWorkflows({ scope: 'global' })).count).toBe(1)
    expect(await client.updateWorkflowScope(registered.id, { target_scope: 'tenant' })).toMatchObject({
      new_scope: 'tenant',
    })
    expect(await client.deleteWorkflow('gate')).toMatchObject({ status: 'deleted' })
    await expect(client.getWorkflow('gate')).rejects.toThrow(NotFoundError)
  })

  it('what is wrong is told with its place, and nothing is kept', async () => {
    const { client } = await open()
    const missing =
      "Agent 'writer' referenced in state 'WRITE' not found; deploy the agent before registering this workflow"
    await expect(client.registerWorkflow(yaml())).rejects.toThrow(missing)
    expect(await client.validateWorkflow(yaml())).toMatchObject({ valid: false, name: 'gate', error: missing })
    const broken = yaml().replace('target: ASK', 'target: NOWHERE').replace('{{WRITE.output}}', '{{#if x}}')
    const error = await client.registerWorkflow(broken).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(BadRequestError)
    expect((error as BadRequestError).message).toContain(
      "Failed to register workflow: Failed to parse workflow YAML manifest: Validation error: Transition target 'NOWHERE' not found (from state 'WRITE')",
    )
    expect(await client.validateWorkflow(broken)).toMatchObject({
      valid: false,
      problems: [
        { path: 'spec.states.WRITE.transitions[0].target', line: 8 },
        { path: 'spec.states.ASK.prompt', line: 9 },
      ],
    })
    expect((await client.listWorkflows({ visible: true })).count).toBe(0)
  })

  it('a workflow is seen by its own tenant until it is global', async () => {
    const { t, client, account } = await open()
    const elsewhere = await account({}, await t.otherTenant())
    await client.deployAgent(writer)
    const { id } = await client.registerWorkflow(yaml())
    for (const name of ['gate', id]) {
      await expect(elsewhere.getWorkflow(name)).rejects.toThrow(NotFoundError)
      await expect(elsewhere.getWorkflowYaml(name)).rejects.toThrow(NotFoundError)
      await expect(elsewhere.deleteWorkflow(name)).rejects.toThrow(NotFoundError)
      await expect(elsewhere.updateWorkflowScope(name, { scope: 'global' })).rejects.toThrow(PermissionDeniedError)
      expect((await elsewhere.listWorkflowVersions(name)).count).toBe(0)
    }
    await client.updateWorkflowScope('gate', { scope: 'global' })
    expect((await elsewhere.getWorkflow('gate')).id).toBe(id)
  })
})
