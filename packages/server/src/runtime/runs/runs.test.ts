import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { WorkflowManifest } from '@lictor/aegis'
import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, startTestServer, type TestServer } from '../../../test/harness.ts'
import { serviceHeaders, until } from '../../../test/runtime.ts'
import { workflowWorld } from '../../../test/workflow-runs.ts'
import { requireBounded } from './given.ts'
import { unsupportedIn } from './supported.ts'

onEachDatabase('workflows that run', (start) => {
  let t: TestServer
  afterEach(() => t.close())
  const open = workflowWorld(async (environment) => {
    t = await start({ environment })
    return t
  })

  it('goes from its start over an agent, a command and a person to its end, and tells all of it', async () => {
    const w = await open()
    await w.agent('writer', [{ text: '{"title": "It\'s <done>"}' }])
    await w.register(
      {
        WRITE: { kind: 'Agent', agent: 'writer', input: '{{input.topic}}', transitions: [{ target: 'BUILD' }] },
        BUILD: {
          kind: 'System',
          command: 'pwd; echo "$TITLE" > made; cat made; echo oops >&2; exit 3',
          env: { TITLE: '{{WRITE.output.title}}' },
          workdir: '/workspace/out',
          transitions: [{ condition: 'exit_code', value: 3, target: 'AGAIN' }],
        },
        AGAIN: { kind: 'System', command: 'cat out/made', transitions: [{ condition: 'on_success', target: 'ASK' }] },
        ASK: { kind: 'Human', prompt: 'Publish {{WRITE.output.title}}?', transitions: [] },
      },
      { output_template: { title: '{{WRITE.output.title}}', by: '{{ASK.approved_by}}', said: '{{human.feedback}}' } },
    )
    const id = await w.run({ input: { topic: 'Rome' } })
    await until(async () => (await w.pending()).length === 1)
    expect(await w.get(id)).toMatchObject({ status: 'running', current_state: 'ASK', workflow_name: 'flow' })
    const [asked] = await w.pending()
    expect(asked).toMatchObject({ execution_id: id, prompt: "Publish It's <done>?", timeout_seconds: 3600 })
    const decide = { feedback: 'Go.' }
    const url = `/v1/human-approvals/${asked?.id}/approve`
    expect((await w.send('POST', url, decide)).statusCode).toBe(200)
    expect((await w.send('POST', url, decide)).statusCode).toBe(409)
    const { run, log } = await w.ended(id)
    expect(run).toMatchObject({
      status: 'completed',
      input: { topic: 'Rome' },
      final_output: { title: "It's <done>", said: 'Go.' },
      state_outputs: {
        WRITE: { status: 'success', iterations: 1, output: { title: "It's <done>" } },
        BUILD: { status: 'failed', exit_code: 3, stderr: 'oops\n' },
        AGAIN: { stdout: "It's <done>\n" },
        ASK: { response: 'approved', status: 'approved', feedback: 'Go.', timeout: false },
      },
    })
    expect(run.state_outputs.BUILD.stdout).toMatch(/\/out\nIt's <done>\n$/)
    expect(log.map(({ type, state_name }) => [type, state_name].filter(Boolean).join(' '))).toEqual([
      'WorkflowExecutionStarted',
      'WorkflowStateEntered WRITE',
      'WorkflowIterationStarted WRITE',
      'WorkflowIterationCompleted',
      'WorkflowStateExited WRITE',
      'WorkflowStateEntered BUILD',
      'WorkflowStateExited BUILD',
      'WorkflowStateEntered AGAIN',
      'WorkflowStateExited AGAIN',
      'WorkflowStateEntered ASK',
      'WorkflowStateExited ASK',
      'WorkflowExecutionCompleted',
    ])
    // In the journal, by the names of the catalogue.
    const stored = await t.server.database.db
      .selectFrom('journal_entries')
      .select('type')
      .where('subject_id', '=', id)
      .orderBy('sequence')
      .execute()
    expect(stored.slice(1, 5).map(({ type }) => type)).toEqual([
      'workflow_state_entered',
      'workflow_iteration_started',
      'workflow_iteration_completed',
      'workflow_state_exited',
    ])
    // By pages, the same.
    const page = async (query: string) => (await w.send('GET', w.runUrl(id, `/logs${query}`))).json()
    const whole = await page('')
    expect(whole).toMatchObject({ execution_id: id, count: 12, limit: 100, offset: 0, has_more: false })
    const second = await page('?limit=3&offset=2')
    expect(second).toMatchObject({ count: 3, has_more: true, events: whole.events.slice(2, 5) })
    expect(second.events[0]).toMatchObject({
      sequence: 3,
      message: 'Workflow iteration 1 started',
      iteration_number: 1,
    })
    const flow = (await w.send('GET', '/v1/workflows/flow')).json()
    expect(flow.execution_count).toBe(1)
    const listed = (await w.send('GET', '/v1/workflows/executions?status=completed&workflow_name=flow')).json()
    expect(listed).toMatchObject({ count: 1, executions: [{ id, ended_at: expect.any(String), summary: null }] })
    expect((await w.send('GET', '/v1/workflows/executions?status=failed')).json().count).toBe(0)
    expect((await w.send('DELETE', w.runUrl(id))).json()).toMatchObject({ status: 'removed' })
    expect((await w.send('GET', w.runUrl(id))).json().error).toBe('workflow execution not found')
  })

  it('an agent that fails is an output to route by; without a way it fails the workflow', async () => {
    const w = await open()
    await w.agent('bad', [{ error: 'no such model' }])
    const state = { kind: 'Agent', agent: 'bad', input: 'go' }
    await w.register({
      TRY: { ...state, transitions: [{ condition: 'on_failure', target: 'REST' }] },
      REST: { kind: 'System', command: 'echo rested', transitions: [] },
    })
    const first = await w.ended(await w.run())
    expect(first.run).toMatchObject({ status: 'completed', state_outputs: { TRY: { status: 'failed' } } })
    const failed = first.log.find(({ type }) => type === 'WorkflowIterationFailed')
    expect(failed).toMatchObject({ event_type: 'WorkflowIterationFailed', iteration_number: 1 })
    const told = await t.server.database.db.selectFrom('journal_entries').select('type').execute()
    expect(told.map(({ type }) => type)).toContain('workflow_iteration_failed')
    await w.register({ TRY: { ...state, transitions: [{ condition: 'on_success', target: 'TRY' }] } })
    const second = await w.ended(await w.run())
    expect(second.run.status).toBe('failed')
    expect(second.run.summary).toMatch(/^no transition matched in state TRY/)
    expect(second.log.at(-1)).toMatchObject({ type: 'WorkflowExecutionFailed' })
  })

  it('cancelling ends what its state does: an agent, a command, a question', async () => {
    const w = await open()
    await w.agent('slow', [{ text: 'late', delay_ms: 3_600_000 }])
    const states = {
      AGENT: { kind: 'Agent', agent: 'slow', input: 'go', transitions: [] },
      COMMAND: { kind: 'System', command: 'sleep 3600', transitions: [] },
      PERSON: { kind: 'Human', prompt: 'Well?', transitions: [] },
    }
    for (const [name, state] of Object.entries(states)) {
      await w.register({ [name]: state })
      const id = await w.run()
      const executions = async () => (await w.send('GET', '/v1/executions')).json().executions
      if (name === 'AGENT') await until(async () => (await executions())[0]?.status === 'running')
      if (name === 'PERSON') await until(async () => (await w.pending()).length === 1)
      expect((await w.send('DELETE', w.runUrl(id))).statusCode).toBe(409)
      const cancelled = await w.send('POST', w.runUrl(id, '/cancel'), { reason: 'enough' })
      expect([cancelled.statusCode, cancelled.json().status]).toEqual([202, 'cancel_requested'])
      expect(await w.get(id)).toMatchObject({ status: 'cancelled', summary: 'enough', current_state: name })
      if (name === 'AGENT') await until(async () => (await executions())[0]?.status === 'cancelled')
      await until(async () => (await w.pending()).length === 0)
      expect((await w.send('POST', w.runUrl(id, '/cancel'))).statusCode).toBe(202)
      expect((await w.send('POST', w.runUrl(id, '/signal'), { response: 'yes' })).statusCode).toBe(409)
      expect((await w.ended(id)).log.at(-1)).toMatchObject({ type: 'WorkflowExecutionCancelled' })
    }
  })

  it('a signal answers the question that waits, and the request is gone; one too early is kept', async () => {
    const w = await open()
    await w.register({
      ONE: {
        kind: 'Human',
        prompt: 'one?',
        transitions: [{ condition: 'input_equals', value: 'left', target: 'TWO' }],
      },
      TWO: { kind: 'Human', prompt: 'two?', transitions: [] },
    })
    const id = await w.run()
    await until(async () => (await w.pending()).length === 1)
    const [asked] = await w.pending()
    const signal = (body: object) => w.send('POST', w.runUrl(id, '/signal'), body)
    expect((await signal({})).statusCode).toBe(422)
    expect(
      (await signal({ signal_name: 'turn', payload: { value: 'left', feedback: 'mind the step' } })).statusCode,
    ).toBe(202)
    await until(async () => (await w.pending())[0]?.id !== asked?.id && (await w.pending()).length === 1)
    const late = await w.send('POST', `/v1/human-approvals/${asked?.id}/approve`, {})
    expect(late.statusCode).toBe(409)
    expect((await signal({ response: 'right' })).json()).toMatchObject({ status: 'signal_sent', execution_id: id })
    const { run } = await w.ended(id)
    expect(run).toMatchObject({
      status: 'completed',
      state_outputs: { ONE: { response: 'left', feedback: 'mind the step' }, TWO: { response: 'right' } },
      blackboard: { signals: { turn: { value: 'left' } } },
    })
    expect(await w.pending()).toEqual([])
  })

  it('a question that nobody answers times out once, with the answer that stands for it', async () => {
    const w = await open()
    await w.register({
      ASK: { kind: 'Human', prompt: 'ok?', default_response: 'later', timeout: '60s', transitions: [] },
    })
    const id = await w.run()
    await until(async () => (await w.pending()).length === 1)
    await t.clock.advance(59_000)
    expect(await w.get(id)).toMatchObject({ status: 'running' })
    // Time goes on while the server looks.
    await until(async () => {
      await t.clock.advance(2_000)
      return (await w.get(id)).status !== 'running'
    })
    const { run } = await w.ended(id)
    expect(run.state_outputs.ASK).toMatchObject({ response: 'later', timeout: true })
    const outcomes = await t.server.database.db.selectFrom('approvals').select('status').execute()
    expect(outcomes).toEqual([{ status: 'timeout' }])
  })

  it('an agent that takes too long is ended with its state, and the run goes on', async () => {
    const w = await open()
    await w.agent('slow', [{ text: 'late', delay_ms: 3_600_000 }])
    await w.register({
      TRY: {
        kind: 'Agent',
        agent: 'slow',
        input: 'go',
        timeout: '60s',
        transitions: [{ condition: 'on_failure', target: 'ASK' }],
      },
      ASK: { kind: 'Human', prompt: 'It took too long. Well?', transitions: [] },
    })
    const id = await w.run()
    const statusOf = async () => (await w.send('GET', '/v1/executions')).json().executions[0]?.status
    await until(async () => (await statusOf()) === 'running')
    await t.clock.advance(61_000)
    await until(async () => (await statusOf()) === 'cancelled')
    await until(async () => (await w.pending()).length === 1)
    expect(await w.get(id)).toMatchObject({
      status: 'running',
      current_state: 'ASK',
      state_outputs: { TRY: { status: 'failed', timed_out: true } },
    })
  })

  it('one Idempotency-Key starts one run', async () => {
    const w = await open()
    await w.register({ ASK: { kind: 'Human', prompt: 'ok?', transitions: [] } })
    const headers = { ...w.headers, 'idempotency-key': 'once' }
    const start = () => w.send('POST', '/v1/workflows/flow/execute', { input: 'x' }, headers)
    const answers = await Promise.all([start(), start(), start()])
    expect(new Set(answers.map((answer) => answer.json().execution_id)).size).toBe(1)
    expect((await w.send('GET', '/v1/workflows/executions')).json().count).toBe(1)
  })

  it('what cannot be run is refused at its start, in words that name the state, and leaves nothing', async () => {
    const w = await open()
    const refusal = async (body: object = {}, name = 'flow') => {
      const answer = await w.send('POST', `/v1/workflows/${name}/run`, body)
      return [answer.statusCode, answer.json().error]
    }
    expect(await refusal({}, 'nothing')).toEqual([404, "Workflow 'nothing' not found"])
    await w.register({
      A: { kind: 'Human', prompt: 'ok?', transitions: [{ target: 'B' }] },
      B: {
        kind: 'ContainerRun',
        name: 'b',
        image: 'alpine',
        command: ['true'],
        network_mode: 'bridge',
        transitions: [],
      },
    })
    expect(await refusal()).toEqual([
      422,
      "Failed to start workflow execution: State 'B': the container 'b' has the network_mode 'bridge', and containers of workflows have no network here. Write none, or leave it out.",
    ])
    const fits = { type: 'object', required: ['target'] }
    await w.register({ A: { kind: 'Human', prompt: 'ok?', transitions: [] } }, { input_schema: fits })
    expect(String((await refusal({ input: {} }))[1])).toContain('Input validation failed: ')
    expect(await refusal({ input: { target: 1 }, blackboard: { workflow: 1 } })).toEqual([
      422,
      "Failed to start workflow execution: Workflow blackboard overrides contain reserved key 'workflow'",
    ])
    expect((await refusal({ input: { target: 1 }, timeout: 5 }))[0]).toBe(422)
    let deep: object = { target: 1 }
    for (let depth = 0; depth < 70; depth++) deep = { target: deep }
    expect(await refusal({ input: deep })).toEqual([422, expect.stringContaining('64 deep')])
    expect((await refusal({ input: { target: 'x'.repeat(1_100_000) } }))[0]).toBe(422)
    expect((await refusal({ input: { target: 1 }, version: '9.9.9' }))[0]).toBe(404)
    expect((await w.send('GET', '/v1/workflows/executions')).json().count).toBe(0)
    expect((await w.send('GET', '/v1/workflows/executions/x')).statusCode).toBe(400)
  })

  it('another tenant finds nothing of a run; a token needs the scope', async () => {
    const w = await open()
    await w.register({ ASK: { kind: 'Human', prompt: 'ok?', transitions: [] } })
    const id = await w.run()
    await until(async () => (await w.pending()).length === 1)
    const stranger = await serviceHeaders(t, {}, await t.otherTenant())
    const calls = [
      ['GET', ''],
      ['DELETE', ''],
      ['GET', '/logs'],
      ['GET', '/logs/stream'],
      ['POST', '/cancel'],
      ['POST', '/signal'],
    ] as const
    for (const [method, rest] of calls) {
      const body = rest === '/signal' ? { response: 'yes' } : undefined
      const answer = await w.send(method, w.runUrl(id, rest), body, stranger)
      expect([rest, answer.statusCode]).toEqual([rest, 404])
    }
    expect((await w.send('GET', '/v1/workflows/executions', undefined, stranger)).json().count).toBe(0)
    expect((await w.send('POST', '/v1/workflows/flow/run', {}, stranger)).statusCode).toBe(404)
    const reader = await serviceHeaders(t, { scopes: ['workflow:read'] })
    expect((await w.send('GET', w.runUrl(id), undefined, reader)).statusCode).toBe(200)
    expect((await w.send('POST', w.runUrl(id, '/cancel'), {}, reader)).statusCode).toBe(403)
    expect(await w.get(id)).toMatchObject({ status: 'running' })
  })

  it('a server that ends and starts again goes on where it was, with the same question', async () => {
    const w = await open()
    await w.register({
      ONE: { kind: 'System', command: 'echo ran >> log; wc -l < log', transitions: [{ target: 'ASK' }] },
      ASK: { kind: 'Human', prompt: 'ok?', transitions: [{ target: 'TWO' }] },
      TWO: { kind: 'System', command: 'wc -l < log', transitions: [] },
    })
    const id = await w.run()
    await until(async () => (await w.pending()).length === 1)
    const before = await w.pending()
    await t.restart()
    await t.listen()
    expect(await w.pending()).toEqual(before)
    await w.send('POST', `/v1/human-approvals/${before[0]?.id}/approve`, {})
    await until(async () => (await w.get(id)).status === 'completed')
    expect((await w.get(id)).state_outputs.TWO.stdout.trim()).toBe('1')
  })
})

it('commands beyond as many as may run at once wait their turn', async () => {
  const t = await startTestServer({ environment: { LICTOR_SANDBOX: 'process', LICTOR_MAX_EXECUTIONS: '1' } })
  try {
    await t.listen()
    const headers = await serviceHeaders(t)
    const command = 'touch here; while [ ! -e go ]; do sleep 0.02; done'
    const definition = { initial_state: 'A', states: { A: { kind: 'System', command, transitions: [] } } }
    await t.request({ method: 'POST', url: '/v1/workflows', headers, payload: { name: 'flow', definition } })
    const begin = async () =>
      (await t.request({ method: 'POST', url: '/v1/workflows/flow/run', headers, payload: {} })).json().id as string
    const folderOf = (id: string) => join(t.environment.LICTOR_DATA_DIR ?? '', 'workflows', id, 'workspace')
    const first = await begin()
    await until(async () => existsSync(join(folderOf(first), 'here')))
    const [second, third] = [await begin(), await begin()]
    const cancel = `/v1/workflows/executions/${second}/cancel`
    expect((await t.request({ method: 'POST', url: cancel, headers, payload: {} })).statusCode).toBe(202)
    expect(existsSync(folderOf(third))).toBe(false)
    writeFileSync(join(folderOf(first), 'go'), '')
    await until(async () => existsSync(join(folderOf(third), 'here')))
    writeFileSync(join(folderOf(third), 'go'), '')
    const get = async (id: string) =>
      (await t.request({ method: 'GET', url: `/v1/workflows/executions/${id}`, headers })).json().status
    await until(async () => (await get(third)) === 'completed')
    expect([await get(first), await get(second)]).toEqual(['completed', 'cancelled'])
  } finally {
    await t.close()
  }
})

it('a command in bubblewrap sees the folder of its run, and nothing of the server', async () => {
  const t = await startTestServer({ environment: { LICTOR_SANDBOX: 'bubblewrap' } })
  try {
    await t.listen()
    const headers = await serviceHeaders(t)
    const folder = t.environment.LICTOR_DATA_DIR
    const command = `pwd; echo kept > file; ls; env | grep -c LICTOR_ ; ls ${folder} || echo hidden`
    const states = {
      ONE: { kind: 'System', command, transitions: [{ target: 'TWO' }] },
      TWO: { kind: 'System', command: 'cat file', transitions: [] },
    }
    const definition = { initial_state: 'ONE', states }
    await t.request({ method: 'POST', url: '/v1/workflows', headers, payload: { name: 'flow', definition } })
    const begun = await t.request({ method: 'POST', url: '/v1/workflows/flow/run', headers, payload: {} })
    const url = `/v1/workflows/executions/${begun.json().id}`
    const get = async () => (await t.request({ method: 'GET', url, headers })).json()
    await until(async () => (await get()).status !== 'running')
    const { status, state_outputs: outputs } = await get()
    expect([status, outputs.ONE.stdout, outputs.TWO.stdout]).toEqual([
      'completed',
      '/workspace\nfile\n0\nhidden\n',
      'kept\n',
    ])
  } finally {
    await t.close()
  }
})

it('a workflow that this server does not run whole is told by what it lacks', () => {
  const reason = (state: object, spec: object = {}) =>
    unsupportedIn(
      WorkflowManifest.from(
        { initial_state: 'A', states: { A: { kind: 'Agent', agent: 'x', transitions: [], ...state } }, ...spec },
        { metadata: { name: 'flow' } },
      ).toJSON(),
    )
  expect(reason({})).toBeNull()
  expect(reason({ judges: [] })).toBeNull()
  expect(reason({ judges: [{ agent_id: 'j' }] })).toBeNull()
  expect(reason({ pre_execution_validator: { criteria: 'c' } })).toContain(
    "State 'A': pre_execution_validator.judge_agent",
  )
  expect(reason({ pre_execution_validator: { judge_agent: 'j', min: 1 } })).toContain('pre_execution_validator.min ')
  expect(reason({ pre_execution_validator: { judge_agent: 'j', min_score: 2 } })).toContain('min_score')
  expect(reason({ output_handler: { type: 'container' } })).toContain("State 'A': output_handler.type 'container'")
  const headers = { authorization: 'Bearer secret:token' }
  expect(reason({ output_handler: { type: 'webhook', url: 'https://a.example', headers } })).toContain(
    'output_handler.headers.authorization',
  )
  expect(reason({ isolation: 'docker' })).toContain("State 'A': it asks for isolation 'docker'")
  const ID = '0b1d5a1e-6f39-4b1f-8b6b-0a8f4d1e2c3d'
  const storage = (workspace: object, ...shared: object[]) =>
    reason({}, { storage: { workspace, shared_volumes: shared } })
  expect(storage({}, { name: 'data' }, { name: 'other', volume_id: ID, storage_class: 'persistent' })).toBeNull()
  expect(storage({ storage_class: 'persistent' })).toContain('spec.storage.workspace is persistent and names no volume')
  expect(storage({ storage_class: 'ephemeral', volume_id: ID })).toContain('and is ephemeral')
  expect(storage({ volume_id: 'x' })).toContain("volume_id 'x' is no id of a volume")
  expect(storage({}, { name: 'data' }, { name: 'data' })).toContain("there are two volumes 'data'")
  expect(storage({}, { name: 'workspace' })).toContain('spec.storage.shared_volumes[0]: there are two volumes')
  expect(storage({}, { name: 'data', size_limit_bytes: 0.5 })).toContain('its size must be a whole number')
  const mount = (...volumes: object[]) => reason({ volumes })
  const data = { volume: 'data', mount_path: '/workspace/data' }
  expect(mount(data, { volume: 'all', mount_path: '/workspace' })).toBeNull()
  expect(mount({ ...data, mount_path: '/data' })).toContain(
    "State 'A': the mount_path of the volume 'data' '/data' must be /workspace or below it.",
  )
  expect(mount({ ...data, mount_path: '/workspace/../etc' })).toContain('mount_path')
  expect(mount(data, { volume: 'other', mount_path: '/workspace/data/deep' })).toContain('lie over each other')
  expect(mount(data, { volume: 'other', mount_path: '/workspace/data' })).toContain('is mounted in two ways')
})

it('what a run is given is bounded in depth before it is written as text', () => {
  let deep: unknown = 1
  for (let depth = 0; depth < 200_000; depth++) deep = [deep]
  expect(() => requireBounded(deep)).toThrow('64 deep')
})
