import { type AegisClient, ConflictError, NotFoundError, UnprocessableEntityError } from '@lictor/aegis'
import { expect, it } from 'vitest'
import { call, governAgent, scriptEnvironment } from '../runtime.ts'
import { driveGroup } from './driven.ts'

const rules = `
  - id: ask
    type: pre
    tool: write_file
    when: { args.path: { exists: true } }
    then: { effect: approve, message: "Write {args.path}?", timeout: 3600 }
`
const agent = { name: 'worker', language: 'javascript', version: '20', instruction: 'x', tools: ['write_file'] }
const write = call('write_file', { path: 'a.txt', content: 'x' })

driveGroup('approvals', (open) => {
  /** An execution that has asked; what it waits for. */
  async function asked() {
    const driven = await open({
      environment: { ...scriptEnvironment([write, { text: 'Done.' }]), LICTOR_SANDBOX: 'process' },
    })
    const { t, client } = driven
    const { id: agentId } = await client.deployAgent(agent)
    await governAgent(t, rules)
    const { id } = await client.startExecution(agentId, 'go')
    for await (const { event_type } of client.streamExecution(id)) if (event_type === 'approval_requested') break
    return { ...driven, id }
  }
  /** The execution's end, and whether the tool ran. */
  async function outcome(client: AegisClient, id: string) {
    const prompts: unknown[] = []
    for await (const { event_type, data } of client.streamExecution(id))
      if (event_type === 'llm_interaction') prompts.push(data.prompt)
    const { status } = await client.getExecution(id)
    const file = await client.getExecutionFile(id, 'a.txt').catch((error: unknown) => error)
    return { status, told: String(prompts.at(-1)), file }
  }

  it('a request is seen, approved with a remark, and the call runs; it is decided once', async () => {
    const { client, id } = await asked()
    const [request] = await client.listPendingApprovals()
    expect(request).toMatchObject({ execution_id: id, prompt: 'Write /workspace/a.txt?', timeout_seconds: 3600 })
    const approval = request?.id ?? ''
    expect(await client.getPendingApproval(approval)).toEqual(request)
    expect(await client.approveRequest(approval, 'Go on.', 'somebody')).toEqual({
      status: 'approved',
      request_id: approval,
    })
    const ended = await outcome(client, id)
    expect([ended.status, new TextDecoder().decode(ended.file as Uint8Array)]).toEqual(['completed', 'x'])
    expect(await client.listPendingApprovals()).toEqual([])
    await expect(client.getPendingApproval(approval)).rejects.toThrow(NotFoundError)
    await expect(client.approveRequest(approval)).rejects.toThrow(ConflictError)
    await expect(client.rejectRequest(approval, 'Too late')).rejects.toThrow(ConflictError)
  })

  it('a request is rejected with a reason, which the agent is told, and the call never runs', async () => {
    const { client, id } = await asked()
    const [request] = await client.listPendingApprovals()
    const approval = request?.id ?? ''
    await expect(client.rejectRequest(approval, '  ')).rejects.toThrow(UnprocessableEntityError)
    expect(await client.rejectRequest(approval, { reason: 'Not today.', rejected_by: 'me' })).toMatchObject({
      status: 'rejected',
      request_id: approval,
    })
    const ended = await outcome(client, id)
    expect(ended.status).toBe('completed')
    expect(ended.told).toContain('Not today.')
    expect(ended.file).toBeInstanceOf(NotFoundError)
  })

  it('who decides is who is signed in, and the requests of a tenant are its own', async () => {
    const { t, client, account, id } = await asked()
    const approval = (await client.listPendingApprovals())[0]?.id ?? ''
    const elsewhere = await account({}, await t.otherTenant())
    expect(await elsewhere.listPendingApprovals()).toEqual([])
    await expect(elsewhere.getPendingApproval(approval)).rejects.toThrow(NotFoundError)
    await expect(elsewhere.approveRequest(approval)).rejects.toThrow(NotFoundError)
    const reader = await account({ scopes: ['approval:list', 'approval:read'] })
    expect((await reader.getPendingApproval(approval)).execution_id).toBe(id)
    await expect(reader.approveRequest(approval)).rejects.toMatchObject({
      status: 403,
      body: { error: 'insufficient_scope', required: 'approval:approve' },
    })
    await expect(client.approveRequest(crypto.randomUUID())).rejects.toMatchObject({
      status: 404,
      code: 'Request not found or already completed',
    })
    await expect(client.approveRequest('not-a-uuid')).rejects.toMatchObject({ status: 400, code: 'Invalid request ID' })
    await client.approveRequest(approval, { approved_by: 'somebody else' })
    const shown = await t.request({ method: 'GET', url: `/api/v1/approvals/${approval}`, headers: await t.admin() })
    expect(shown.json()).toMatchObject({ status: 'approved', decided_via: 'api' })
    expect(shown.json().decided_by).not.toContain('somebody else')
    expect((await outcome(client, id)).status).toBe('completed')
  })
})
