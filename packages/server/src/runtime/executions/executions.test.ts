import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { call, deployAgent, governAgent, readStream, types, until, world } from '../../../test/runtime.ts'

onEachDatabase('executions under contract', (start) => {
  let t: TestServer
  afterEach(() => t.close())
  const open = world(async (environment) => {
    t = await start({ environment })
    return t
  })
  const denyEnv = `
    - id: no-env
      type: pre
      tool: write_file
      when: { args.path: { contains: .env } }
      then: { effect: deny, message: "Secrets stay where they are: {args.path}" }
  `

  it('a denied tool call never runs, the model hears why, and the audit log knows', async () => {
    const w = await open([call('write_file', { path: '.env', content: 'x' }), { text: 'I could not.' }])
    await governAgent(w.t, denyEnv)
    const { id, events, answer } = await w.run()
    expect(answer).toMatchObject({ status: 'completed', output: 'I could not.' })
    expect(existsSync(join(w.workspace(id), '.env'))).toBe(false)
    expect(w.told(events)[1]).toBe('Denied: Secrets stay where they are: /workspace/.env')
    expect(types(events)).toContain('tool_policy_violation')
    expect(types(events)).not.toContain('tool_invocation_completed')
    const audit = await t.request({ method: 'GET', url: '/api/v1/events', headers: await t.admin() })
    expect(audit.json()).toMatchObject([
      {
        agent_id: 'worker',
        tool_name: 'write_file',
        verdict: 'call_denied',
        payload: { decision_name: 'no-env', execution_id: id },
      },
    ])
  })

  it('what no contract objects to runs, and its audit events carry the bundle', async () => {
    const w = await open([call('write_file', { path: 'a.txt', content: 'x' }), { text: 'Done.' }])
    await governAgent(w.t, denyEnv)
    const { id } = await w.run()
    expect(readdirSync(w.workspace(id))).toEqual(['a.txt'])
    const audit = (await t.request({ method: 'GET', url: '/api/v1/events', headers: await t.admin() })).json()
    expect(audit.map((one: { verdict: string }) => one.verdict).sort()).toEqual(['call_allowed', 'call_executed'])
    expect(audit[0].payload).toMatchObject({ bundle_name: 'rules' })
    const seen = await t.server.database.db.selectFrom('agent_registrations').selectAll().executeTakeFirstOrThrow()
    expect(seen).toMatchObject({
      env: 'production',
      running_bundle: 'rules',
      policy_version: audit[0].payload.policy_version,
    })
  })

  it('without a bundle the security context alone allows, and the audit event says so', async () => {
    const w = await open([call('list_dir', { path: '.' }), { text: 'Done.' }])
    await w.run()
    const audit = (await t.request({ method: 'GET', url: '/api/v1/events', headers: await t.admin() })).json()
    const allowed = audit.find((one: { verdict: string }) => one.verdict === 'call_allowed')
    expect(allowed.payload).toMatchObject({
      decision_source: 'security_context',
      decision_name: 'aegis-system-agent-runtime',
      bundle_name: null,
    })
    expect(allowed.payload.reason).toContain('No bundle is assigned')
  })

  it('an assigned bundle that is not deployed denies everything', async () => {
    const w = await open([call('write_file', { path: 'a.txt', content: 'x' }), { text: 'Done.' }])
    await t.server.database.db.updateTable('agent_registrations').set({ bundle_name: 'nowhere' }).execute()
    const { id, events } = await w.run()
    expect(readdirSync(w.workspace(id))).toEqual([])
    expect(w.told(events)[1]).toContain("The bundle 'nowhere' is assigned to this agent but not deployed")
  })

  it.each(['authentication', 'model_not_found'])('a model that will never answer (%s) is asked once', async (kind) => {
    const w = await open([{ error: { class: kind, message: 'The account refuses.' } }], {
      execution: { mode: 'iterative', max_iterations: 5 },
    })
    const { answer, events } = await w.run()
    expect(answer).toMatchObject({ status: 'failed', total_iterations: 1 })
    expect(answer.error).toBe(
      `Failed to execute task: upstream_${kind}: The account refuses. (not tried again: correct the key or the name of the model first)`,
    )
    expect(types(events).filter((type) => type === 'iteration_started' || type === 'llm_call_failed')).toEqual([
      'iteration_started',
      'llm_call_failed',
    ])
    expect(types(events).at(-1)).toBe('execution_failed')
  })

  it('a model that fails for other reasons is asked again in the next iteration', async () => {
    const w = await open([{ error: { class: 'invalid_input', message: 'Too long.' } }], {
      execution: { mode: 'iterative', max_iterations: 2 },
    })
    const { answer } = await w.run()
    expect(answer).toMatchObject({ status: 'failed', total_iterations: 2 })
    expect(answer.error).toContain('Max retries exceeded (upstream_invalid_input: Too long.)')
  })

  const askFirst = `
    - id: ask-first
      type: pre
      tool: write_file
      when: { args.path: { contains: important } }
      then: { effect: approve, message: "May I write {args.path}?", timeout: 60 }
  `

  async function decideWhenAsked(w: Awaited<ReturnType<typeof open>>, approved: boolean) {
    const id = await w.start()
    const events = await readStream(w.address, `/v1/executions/${id}/stream`, w.headers, async (event) => {
      if (event.type !== 'approval_requested') return false
      expect(existsSync(join(w.workspace(id), 'important.txt'))).toBe(false)
      const inbox = await t.request({ method: 'GET', url: '/v1/human-approvals', headers: w.headers })
      expect(inbox.json().pending_requests).toEqual([
        expect.objectContaining({
          execution_id: id,
          prompt: 'May I write /workspace/important.txt?',
          timeout_seconds: 60,
        }),
      ])
      const url = approved ? 'approve' : 'reject'
      const decided = await t.request({
        method: 'POST',
        url: `/v1/human-approvals/${event.approval_id}/${url}`,
        headers: w.headers,
        payload: approved ? {} : { reason: 'Not today.' },
      })
      expect(decided.json()).toEqual({ status: approved ? 'approved' : 'rejected', request_id: event.approval_id })
      return false
    })
    return { id, events }
  }
  const writeImportant = [call('write_file', { path: 'important.txt', content: 'x' }), { text: 'Done.' }]

  it('an approve waits in the same inbox and resumes when a human says yes', async () => {
    const w = await open(writeImportant)
    await governAgent(w.t, askFirst)
    const { id, events } = await decideWhenAsked(w, true)
    expect(types(events)).toEqual(
      expect.arrayContaining(['approval_requested', 'approval_resolved', 'execution_completed']),
    )
    expect(readdirSync(w.workspace(id))).toEqual(['important.txt'])
  })

  it('a call that a human refuses never runs, and the model hears the reason', async () => {
    const w = await open(writeImportant)
    await governAgent(w.t, askFirst)
    const { id, events } = await decideWhenAsked(w, false)
    expect(readdirSync(w.workspace(id))).toEqual([])
    expect(w.told(events)[1]).toBe('Denied: Not today.')
  })

  it('cancelling closes the request that waits; the call never runs', async () => {
    const w = await open(writeImportant)
    await governAgent(w.t, askFirst)
    const id = await w.start()
    await readStream(
      w.address,
      `/v1/executions/${id}/stream`,
      w.headers,
      (event) => event.type === 'approval_requested',
    )
    const cancelled = await t.request({ method: 'POST', url: `/v1/executions/${id}/cancel`, headers: w.headers })
    expect(cancelled.json()).toMatchObject({ status: 'cancelled', success: true })
    await until(async () => {
      const inbox = await t.request({ method: 'GET', url: '/v1/human-approvals', headers: w.headers })
      return inbox.json().count === 0
    })
    expect(types(await w.events(id)).at(-1)).toBe('execution_cancelled')
    expect(readdirSync(w.workspace(id))).toEqual([])
  })

  it('nobody decides in time: the call is denied, and nobody can decide any more', async () => {
    const w = await open(writeImportant)
    await governAgent(w.t, askFirst)
    const id = await w.start()
    const [asked] = (
      await readStream(w.address, `/v1/executions/${id}/stream`, w.headers, (e) => e.type === 'approval_requested')
    ).slice(-1)
    await until(async () => {
      await t.clock.advance(10_000)
      return (await w.get(id)).status === 'completed'
    })
    const approve = await t.request({
      method: 'POST',
      url: `/v1/human-approvals/${asked?.approval_id}/approve`,
      headers: w.headers,
    })
    expect([approve.statusCode, approve.json().error]).toEqual([409, 'Request not found or already completed'])
    expect(readdirSync(w.workspace(id))).toEqual([])
  })

  it('what a post contract redacts reaches neither the model nor the events', async () => {
    const w = await open([
      call('write_file', { path: 'card.txt', content: 'number 4111-1111-1111-1111 of somebody' }),
      call('read_file', { path: 'card.txt' }),
      { text: 'Done.' },
    ])
    await governAgent(
      w.t,
      `
      - id: no-cards
        type: post
        tool: read_file
        when: { output.text: { matches: '\\d{4}-\\d{4}-\\d{4}-\\d{4}' } }
        then: { effect: redact, message: Card numbers are redacted. }
      `,
    )
    const { events } = await w.run()
    expect(w.told(events)[2]).toContain('of somebody')
    expect(w.told(events)[2]).not.toContain('4111')
  })

  it('a limit over the session counts the calls of the execution, whichever turn makes them', async () => {
    const write = (n: number) => call('write_file', { path: `${n}.txt`, content: 'x' })
    const w = await open([write(1), write(2), write(3), { text: 'Done.' }])
    await governAgent(
      w.t,
      '[{ id: two, type: session, limits: { max_tool_calls: 2 }, then: { effect: deny, message: Two are enough. } }]',
    )
    const { id, events } = await w.run()
    expect(readdirSync(w.workspace(id)).sort()).toEqual(['1.txt', '2.txt'])
    expect(w.told(events)[3]).toContain('Denied:')
  })

  it('a new version of the bundle holds from the next call on', async () => {
    const w = await open([
      call('write_file', { path: 'a.txt', content: 'x' }),
      { ...call('write_file', { path: 'b.txt', content: 'x' }), delay_ms: 1000 },
      { text: 'Done.' },
    ])
    const id = await w.start()
    await readStream(
      w.address,
      `/v1/executions/${id}/stream`,
      w.headers,
      (event) => event.type === 'tool_invocation_completed',
    )
    await governAgent(w.t, denyEnv.replace('contains: .env', 'contains: b.txt'))
    await until(async () => {
      await t.clock.advance(1000)
      return (await w.get(id)).status === 'completed'
    })
    expect(readdirSync(w.workspace(id))).toEqual(['a.txt'])
  })

  it('a late subscriber sees what an early one saw, and one that comes back misses and repeats nothing', async () => {
    const w = await open([call('list_dir', { path: '.' }), { text: 'Done.' }])
    const id = await w.start()
    const early = await w.events(id)
    expect(early.map((event) => Number(event.id))).toEqual(early.map((_event, index) => index + 1))
    expect(await w.events(id)).toEqual(early)
    const back = await readStream(w.address, `/v1/executions/${id}/events`, { ...w.headers, 'last-event-id': '3' })
    expect(back).toEqual(early.slice(3))
    const history = await readStream(w.address, `/v1/agents/${w.agent}/events?follow=false`, w.headers)
    expect(types(history)).toEqual(['agent_deployed', ...types(early)])
  })

  it('names the version of its agent that it began with, also after another was deployed', async () => {
    const w = await open([{ text: 'Done.' }])
    const { id } = await w.run()
    await deployAgent(t, w.headers, {}, { version: '1.1.0' })
    expect((await w.get(id)).agent_version).toBe('1.0.0')
    const next = await w.run()
    expect(next.answer.agent_version).toBe('1.1.0')
    const listed = await t.request({ method: 'GET', url: '/v1/executions', headers: w.headers })
    expect(
      listed
        .json()
        .items.map((one: { agent_version: string }) => one.agent_version)
        .sort(),
    ).toEqual(['1.0.0', '1.1.0'])
  })

  it('an agent that is removed while it works: its run goes on to its end and stays readable', async () => {
    const w = await open(writeImportant)
    await governAgent(w.t, askFirst)
    const id = await w.start()
    await w.decide(id, async () => {
      const url = `/v1/agents/${w.agent}`
      expect((await t.request({ method: 'DELETE', url, headers: w.headers })).statusCode).toBe(200)
      expect((await t.request({ method: 'GET', url, headers: w.headers })).statusCode).toBe(404)
      return true
    })
    expect(await w.get(id)).toMatchObject({ status: 'completed', agent_id: w.agent, agent_name: 'worker' })
    expect(existsSync(join(w.workspace(id), 'important.txt'))).toBe(true)
    const list = await t.request({ method: 'GET', url: `/v1/executions?agent_id=${w.agent}`, headers: w.headers })
    expect(list.json()).toMatchObject({ count: 1, items: [{ id }] })
  })

  it('every event has its type, its own fields and its place', async () => {
    const w = await open([{ text: 'Done.' }])
    const { id, events } = await w.run()
    const completed = events.find((event) => event.type === 'iteration_completed')
    expect(completed).toMatchObject({
      event_type: 'iteration_completed',
      category: 'execution',
      execution_id: id,
      agent_id: w.agent,
      iteration: 1,
      iteration_number: 1,
      stage: 'iteration',
      message: 'Iteration 1 completed',
      output: 'Done.',
      iteration_completed: { execution_id: id, output: 'Done.' },
      details: { type: 'execution', IterationCompleted: { iteration_number: 1 } },
    })
  })

  it('another tenant finds neither the execution, nor its stream, nor its files', async () => {
    const w = await open([call('write_file', { path: 'a.txt', content: 'x' }), { text: 'Done.' }])
    const { id } = await w.run()
    const other = await t.otherTenant()
    for (const path of ['', '/stream', '/events', '/files/a.txt'])
      expect((await t.request({ method: 'GET', url: `/v1/executions/${id}${path}`, headers: other })).statusCode).toBe(
        404,
      )
    for (const [method, path] of [
      ['POST', '/cancel'],
      ['DELETE', ''],
    ] as const)
      expect((await t.request({ method, url: `/v1/executions/${id}${path}`, headers: other })).statusCode).toBe(404)
    expect((await t.request({ method: 'GET', url: '/v1/executions', headers: other })).json().count).toBe(0)
  })

  it('an execution that has ended is deleted with its files; cancelling it changes nothing', async () => {
    const w = await open([{ text: 'Done.' }])
    const { id } = await w.run()
    const cancel = await t.request({
      method: 'POST',
      url: `/v1/executions/${id}/cancel`,
      headers: w.headers,
      payload: {},
    })
    expect(cancel.json().status).toBe('completed')
    const removed = await t.request({ method: 'DELETE', url: `/v1/executions/${id}`, headers: w.headers })
    expect(removed.json()).toMatchObject({ status: 'deleted', success: true })
    expect(existsSync(w.workspace(id))).toBe(false)
    expect((await w.get(id)).error).toBe('Execution not found')
  })

  it('input that cannot be executed leaves no execution behind', async () => {
    const w = await open([], { input_schema: { type: 'object', required: ['n'] }, tools: [] })
    const start = async (payload: object) => {
      const answer = await t.request({ method: 'POST', url: '/v1/executions', headers: w.headers, payload })
      return [answer.statusCode, answer.json().error]
    }
    const agent_id = w.agent
    expect(await start({ agent_id })).toEqual([422, 'Input is null or empty'])
    expect(await start({ agent_id, input: null })).toEqual([422, 'Input is null or empty'])
    expect(await start({ agent_id, input: {} })).toEqual([
      422,
      "Input validation failed: input must have required property 'n'",
    ])
    expect(await start({ agent_id, input: { n: 1 }, context_overrides: 7 })).toEqual([
      422,
      'Context overrides must be a JSON object',
    ])
    expect(await start({ agent_id, input: { n: 1 }, context_overrides: { instruction: 'x' } })).toEqual([
      422,
      "Context override key 'instruction' is reserved and cannot be overridden",
    ])
    expect(await start({ agent_id: 'x', input: 'y' })).toEqual([400, 'Invalid agent ID'])
    expect(await start({ agent_id: crypto.randomUUID(), input: 'y' })).toEqual([404, 'Agent not found'])
    const execute = await t.request({
      method: 'POST',
      url: `/v1/agents/${agent_id}/execute?version=9`,
      headers: w.headers,
      payload: { input: { n: 1 } },
    })
    expect([execute.statusCode, execute.json().error]).toEqual([
      409,
      "Version mismatch: requested '9' but agent has '1.0.0'",
    ])
    expect((await t.request({ method: 'GET', url: '/v1/executions', headers: w.headers })).json().count).toBe(0)
  })
})
