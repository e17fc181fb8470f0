import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, startTestServer, type TestServer } from './harness.ts'
import { allEvents, call, deployAgent, serviceHeaders, startExecution, types, world } from './runtime.ts'

onEachDatabase('what models get wrong', (start) => {
  let t: TestServer
  afterEach(() => t.close())
  const open = world(async (environment) => {
    t = await start({ environment })
    return t
  })

  it.each<[string, unknown]>([
    ['no JSON', '{"path": "a.txt"'],
    ['a list', ['a.txt']],
    ['nothing', null],
    ['a number', 7],
  ])('arguments that are %s are an answer to the model, and the agent goes on', async (_what, args) => {
    const w = await open([
      { tool_calls: [{ name: 'read_file', arguments: args }] },
      call('write_file', { path: 'a.txt', content: 'x' }),
      { text: 'Done.' },
    ])
    const { answer, events } = await w.run()
    expect(answer).toMatchObject({ status: 'completed', output: 'Done.' })
    expect(w.told(events)[1]).toMatch(/^Tool execution error: /)
    expect(answer.iterations[0].trajectory).toMatchObject([
      {
        tool_name: 'read_file',
        status: 'failed',
        result_json: null,
        error: expect.stringContaining('Tool execution error'),
      },
      { tool_name: 'write_file', status: 'succeeded', error: null },
    ])
  })

  it('an unknown tool, missing and null arguments are answers to the model as well', async () => {
    const w = await open([
      {
        tool_calls: [
          { name: 'format_disk', arguments: {} },
          { name: 'read_file', arguments: {} },
          { name: 'read_file', arguments: { path: null } },
          { name: 'write_file', arguments: { path: 'a.txt', content: 'x', mode: 7 } },
        ],
      },
      { text: 'Done.' },
    ])
    const { answer, events } = await w.run()
    expect(answer.status).toBe('completed')
    const [iteration] = answer.iterations
    expect(iteration.trajectory.map((step: { error: string }) => step.error)).toEqual([
      "Tool 'format_disk' is not available. Do not retry this tool.",
      expect.stringContaining("required field 'path' is missing or null for tool"),
      expect.stringContaining("required field 'path' is missing or null for tool"),
      expect.stringContaining('mode'),
    ])
    expect(iteration.policy_violations).toEqual(['format_disk'])
    expect(types(events).filter((type) => type === 'tool_policy_violation')).toHaveLength(1)
  })

  it('a name of a million characters is that of no tool, and fills no record', async () => {
    const w = await open([{ tool_calls: [{ name: 'x'.repeat(1_000_000), arguments: {} }] }, { text: 'Done.' }])
    const { answer, events } = await w.run()
    expect(answer).toMatchObject({ status: 'completed', iterations: [{ trajectory: [{ status: 'failed' }] }] })
    expect(JSON.stringify(answer).length + JSON.stringify(events).length).toBeLessThan(50_000)
    const [audited] = await t.server.database.db.selectFrom('events').select(['verdict', 'tool_name']).execute()
    expect(audited).toEqual({ verdict: 'call_denied', tool_name: `${'x'.repeat(256)}…` })
  })

  it('200 calls in one answer are all answered, in their order, and all on record', async () => {
    const calls = Array.from({ length: 200 }, (_, index) => ({
      name: 'write_file',
      arguments: { path: `${index}.txt`, content: String(index) },
    }))
    const w = await open([{ tool_calls: calls }, { text: 'Done.' }])
    const { answer, events } = await w.run()
    expect(answer.status).toBe('completed')
    expect(types(events).filter((type) => type === 'tool_invocation_completed')).toHaveLength(200)
    const written = answer.iterations[0].trajectory.map(
      (step: { arguments_json: string }) => (JSON.parse(step.arguments_json) as { path: string }).path,
    )
    expect(written).toEqual(calls.map((one) => one.arguments.path))
    const audited = await t.server.database.db
      .selectFrom('events')
      .select('call_id')
      .where('verdict', '=', 'call_executed')
      .execute()
    expect(new Set(audited.map((one) => one.call_id)).size).toBe(200)
  }, 120_000)

  it('text beside calls is no final answer: the calls are made, and the text after them is the output', async () => {
    const w = await open([
      { text: 'I am done!', ...call('write_file', { path: 'a.txt', content: 'x' }) },
      { text: 'Now I am.' },
    ])
    const { answer, events } = await w.run()
    expect(answer).toMatchObject({ status: 'completed', output: 'Now I am.' })
    expect(types(events)).toContain('tool_invocation_completed')
    expect(answer.iterations[0]).toMatchObject({
      number: 1,
      status: 'success',
      output: 'Now I am.',
      exit_code: 0,
      error: null,
      llm_interactions: [{ response: 'I am done!' }, { response: 'Now I am.' }],
    })
  })
})

it.each<[string, unknown, string]>([
  ['no choices', { choices: [] }, 'upstream_provider'],
  ['no message', { choices: [{}] }, 'upstream_provider'],
  ['no JSON', 'Service restarting', 'upstream_provider'],
])('a provider that answers %s fails the iteration with a reason, and nothing hangs', async (_what, body, reason) => {
  const provider: Server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(
      typeof body === 'string' ? body : JSON.stringify({ id: 'x', object: 'chat.completion', ...(body as object) }),
    )
  })
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve))
  const { port } = provider.address() as AddressInfo
  const t = await startTestServer({
    environment: {
      LICTOR_MODEL_BASE_URL: `http://127.0.0.1:${port}/v1`,
      LICTOR_MODEL_NAME: 'some',
      LICTOR_MODEL_TIMEOUT: '5',
    },
  })
  try {
    const address = await t.listen()
    const headers = await serviceHeaders(t)
    const agent = await deployAgent(t, headers, { execution: { mode: 'one-shot' } })
    const id = await startExecution(t, headers, agent)
    // Retries wait on the clock of the test. A token lasts an hour of it: it must not run far ahead.
    const pass = setInterval(() => t.clock.advance(1_000), 20)
    const events = await allEvents(address, headers, id).finally(() => clearInterval(pass))
    const answer = (await t.request({ method: 'GET', url: `/v1/executions/${id}`, headers })).json()
    expect(answer).toMatchObject({ status: 'failed', total_iterations: 1, error: expect.stringContaining(reason) })
    expect(types(events)).toContain('llm_call_failed')
    expect(answer.iterations[0]).toMatchObject({
      status: 'failed',
      output: null,
      error: { message: expect.stringContaining(reason) },
    })
  } finally {
    await t.close()
    provider.close()
  }
})
