import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { dockerProblem, importTestImage, startEngine, type TestEngine } from '../../../test/docker.ts'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { allEvents, call, deployAgent, serviceHeaders, startExecution, until } from '../../../test/runtime.ts'
import { workflowWorld } from '../../../test/workflow-runs.ts'
import { scopeOfRecord } from '../../identity/scope.ts'
import { createPipelineStore } from './store.ts'

const tools = ['aegis.execute.intent', 'aegis.execute.status', 'aegis.execute.wait']
const uuid = expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)

/** Whatever a tool answers. */
// biome-ignore lint/suspicious/noExplicitAny: answers of several tools
type Told = any

let docker: TestEngine | null = null
beforeAll(async () => {
  if (dockerProblem !== null) return
  docker = await startEngine()
  await importTestImage(docker.engine, 'node:20-slim')
}, 120_000)
afterAll(() => docker?.stop())

onEachDatabase('tasks in words', (start) => {
  let t: TestServer
  afterEach(() => t.close())
  const open = (environment: Readonly<Record<string, string>>) =>
    workflowWorld(async (given) => {
      t = await start({ environment: { ...given, ...environment } })
      return t
    })()
  type World = Awaited<ReturnType<typeof open>>

  async function allow(...patterns: string[]) {
    const answer = await t.request({
      method: 'POST',
      url: '/v1/security-contexts',
      headers: await serviceHeaders(t, { role: 'aegis:admin' }),
      payload: { name: 'asks', capabilities: patterns.map((tool_pattern) => ({ tool_pattern })) },
    })
    expect(answer.statusCode).toBeLessThan(300)
  }
  /** What an agent is told of these calls, in order, parsed where it is JSON. */
  async function told(w: World, calls: readonly object[], name = 'asker') {
    const id = await deployAgent(
      t,
      w.headers,
      { tools, security_context: 'asks', runtime: { language: 'javascript', version: '20', model: 'scripted' } },
      { name, annotations: { 'lictor.dev/script': stringify({ turns: [...calls, { text: 'Done.' }] }) } },
    )
    const events = await allEvents(w.address, w.headers, await startExecution(t, w.headers, id))
    return events
      .filter(({ type }) => type === 'llm_interaction')
      .slice(1)
      .map(({ prompt }): Told => {
        try {
          return JSON.parse(String(prompt)) as Told
        } catch {
          return String(prompt) as never
        }
      })
  }
  const intent = (more: object = {}) =>
    call('aegis.execute.intent', {
      intent: 'Add the numbers.',
      language: 'javascript',
      inputs: { n: [40, 2] },
      ...more,
    })
  const wait = (pipeline: string) => call('aegis.execute.wait', { pipeline_execution_id: pipeline })
  /** What the tenant is told of pipelines. */
  async function pipelineEvents(): Promise<Record<string, unknown>[]> {
    const rows = await t.server.database.db
      .selectFrom('journal_entries')
      .select(['type', 'data'])
      .where('type', 'like', 'intent_execution_pipeline_%')
      .orderBy('id')
      .execute()
    return rows.map(({ data }) => JSON.parse(data))
  }

  it('cannot be given where the workflow is not deployed, and where there are no containers', async () => {
    let w = await open({ LICTOR_DOCKER_SOCKET: '/nowhere/docker.sock' })
    await allow('*')
    expect((await told(w, [intent()]))[0]).toContain('LICTOR_DEPLOY_BUILTINS=on')
    await t.close()
    w = await open({ LICTOR_DOCKER_SOCKET: '/nowhere/docker.sock', LICTOR_DEPLOY_BUILTINS: 'on' })
    await allow('*')
    const [refused] = await told(w, [intent()])
    expect(refused).toContain('/nowhere/docker.sock')
    expect((await w.send('GET', '/v1/workflows/executions')).json()).toMatchObject({ executions: [] })
    expect(await pipelineEvents()).toEqual([])
  })

  describe.skipIf(dockerProblem !== null)('with containers', () => {
    const opened = async () => {
      const w = await open({ LICTOR_DOCKER_SOCKET: docker?.socket ?? '', LICTOR_DEPLOY_BUILTINS: 'on' })
      await allow('*')
      return w
    }
    const code = (text: string) => ({ text: JSON.stringify({ code: text }) })
    const verdict = (problem = '') => ({ text: JSON.stringify({ valid: problem === '', problem }) })
    const sum = 'const { n } = JSON.parse(process.env.INTENT_INPUTS); console.log(n[0] + n[1])'

    it('are written, checked and run, and their result is told once, in words', async () => {
      const w = await opened()
      await w.agent('intent-code-writer', [code(sum)])
      await w.agent('intent-code-validator', [verdict()])
      await w.agent('intent-result-writer', [{ text: 'The sum is 42.' }])
      const [begun] = await told(w, [intent()])
      expect(begun).toEqual({
        pipeline_execution_id: uuid,
        workflow_execution_id: uuid,
        stream_url: `/v1/workflows/executions/${begun.workflow_execution_id}/logs/stream`,
        status: 'started',
      })
      const { run, log } = await w.ended(begun.workflow_execution_id)
      expect(run).toMatchObject({
        status: 'completed',
        final_output: 'The sum is 42.',
        state_outputs: { EXECUTE_CODE: { exit_code: 0, stdout: '42\n', stderr: '' } },
      })
      expect(log.filter(({ type }) => type === 'WorkflowStateEntered')).toHaveLength(3)
      const [ended, status] = await told(
        w,
        [
          wait(begun.pipeline_execution_id),
          call('aegis.execute.status', { pipeline_execution_id: begun.pipeline_execution_id }),
        ],
        'watcher',
      )
      expect(ended).toMatchObject({
        pipeline_execution_id: begun.pipeline_execution_id,
        status: 'completed',
        current_state: 'EXECUTE_CODE',
        language: 'javascript',
        final_result: 'The sum is 42.',
        failed_at_state: null,
        error: null,
        timed_out: false,
      })
      const { timed_out: _, ...without } = ended
      expect(status).toEqual(without)
      await until(async () => (await pipelineEvents()).length === 2)
      const ids = {
        pipeline_execution_id: begun.pipeline_execution_id,
        workflow_execution_id: begun.workflow_execution_id,
      }
      const [started, completed] = await pipelineEvents()
      expect(started).toMatchObject({
        type: 'intent_execution_pipeline_started',
        ...ids,
        intent: 'Add the numbers.',
        language: 'javascript',
        workspace_volume_id: null,
      })
      expect(completed).toMatchObject({
        type: 'intent_execution_pipeline_completed',
        ...ids,
        final_result: 'The sum is 42.',
        reused_existing_agent: false,
        duration_ms: expect.any(Number),
      })
    })

    it('that are refused or fail are written again, told why, as often as the workflow may', async () => {
      const w = await opened()
      await w.agent('intent-code-writer', [code('console.error("too few numbers"); process.exit(3)')])
      await w.agent('intent-code-validator', [verdict()])
      const [begun] = await told(w, [intent()])
      const { run, log } = await w.ended(begun.workflow_execution_id)
      expect(run).toMatchObject({ status: 'failed', current_state: 'EXECUTE_CODE' })
      const entered = log.flatMap(({ type, state_name }) => (type === 'WorkflowStateEntered' ? [state_name] : []))
      expect(entered.filter((name) => name === 'EXECUTE_CODE')).toHaveLength(3)
      const rows = await t.server.database.db.selectFrom('executions').select('input').execute()
      const inputs = rows.map(({ input }) => JSON.parse(input ?? '""') as string)
      expect(inputs.filter((input) => input.includes('It ended with code 3. too few numbers'))).toHaveLength(2)
      await until(async () => (await pipelineEvents()).length === 2)
      expect((await pipelineEvents())[1]).toMatchObject({
        type: 'intent_execution_pipeline_failed',
        failed_at_state: 'EXECUTE_CODE',
        reason: expect.stringContaining('max_state_visits'),
      })
    })

    it('whose program nobody may run are not run', async () => {
      const w = await opened()
      await w.agent('intent-code-writer', [code(sum)])
      await w.agent('intent-code-validator', [verdict('It adds nothing.')])
      const [begun] = await told(w, [intent()])
      const { log } = await w.ended(begun.workflow_execution_id)
      expect(log.some(({ type }) => type === 'ContainerRunStarted')).toBe(false)
      const [ended] = await told(w, [wait(begun.pipeline_execution_id)], 'watcher')
      expect(ended).toMatchObject({ status: 'failed', final_result: null, error: expect.stringContaining('visits') })
    })

    it('that cannot be begun as they are asked for are refused in words', async () => {
      const w = await opened()
      const refused = await told(w, [
        intent({ volume_id: 'v' }),
        intent({ attachments: [{ volume_id: 'v', path: '/a' }] }),
        intent({ intent: '  ' }),
        intent({ inputs: 'x'.repeat(100_000) }),
        intent({ language: 'cobol' }),
        intent({ timeout_seconds: 601 }),
        wait('nothing'),
        wait('00000000-0000-4000-8000-000000000000'),
      ])
      for (const [index, word] of [
        'volume_id',
        'attachments',
        'intent must say',
        'inputs may have at most 98304 bytes',
        'language',
        'timeout_seconds',
        'is no id of a pipeline',
        'not found',
      ].entries())
        expect(refused[index]).toContain(word)
      expect((await w.send('GET', '/v1/workflows/executions')).json()).toMatchObject({ executions: [] })
    })

    it('that an execution may not begin by its contracts are not begun', async () => {
      const w = await opened()
      await t.request({
        method: 'POST',
        url: '/v1/security-contexts',
        headers: await serviceHeaders(t, { role: 'aegis:admin' }),
        payload: { name: 'looks', capabilities: [{ tool_pattern: 'aegis.execute.status' }] },
      })
      const id = await deployAgent(
        t,
        w.headers,
        { tools, security_context: 'looks', runtime: { language: 'javascript', version: '20', model: 'scripted' } },
        { name: 'looker', annotations: { 'lictor.dev/script': stringify({ turns: [intent(), { text: 'Done.' }] }) } },
      )
      const events = await allEvents(w.address, w.headers, await startExecution(t, w.headers, id))
      expect(events.some(({ type }) => type === 'tool_policy_violation')).toBe(true)
      expect((await w.send('GET', '/v1/workflows/executions')).json()).toMatchObject({ executions: [] })
    })

    it('are their tenant’s alone, and forgotten with their run', async () => {
      const w = await opened()
      await w.agent('intent-code-writer', [code(sum)])
      await w.agent('intent-code-validator', [verdict()])
      const [begun] = await told(w, [intent()])
      await w.ended(begun.workflow_execution_id)
      const { find } = createPipelineStore(t.server.database)
      const { tenant_id: tenantId } = await t.server.database.db
        .selectFrom('intent_pipelines')
        .select('tenant_id')
        .executeTakeFirstOrThrow()
      expect(await find(scopeOfRecord({ tenantId }), begun.pipeline_execution_id)).not.toBeNull()
      expect(await find(scopeOfRecord({ tenantId: 'another' }), begun.pipeline_execution_id)).toBeNull()
      expect((await w.send('DELETE', w.runUrl(begun.workflow_execution_id))).statusCode).toBeLessThan(300)
      expect((await told(w, [wait(begun.pipeline_execution_id)], 'watcher'))[0]).toContain('not found')
    })
  })
})
