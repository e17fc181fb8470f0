import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { allEvents, deployAgent, readStream, startExecution, types, until, world } from '../../../test/runtime.ts'

onEachDatabase('output handlers', (start) => {
  let t: TestServer
  let receiver: Server | null = null
  afterEach(async () => {
    await t.close()
    receiver?.close()
    receiver = null
  })
  const open = world(async (environment) => {
    t = await start({
      environment: {
        ...environment,
        LICTOR_SANDBOX: 'process',
        LICTOR_MAX_EXECUTIONS: '1',
        LICTOR_OUTBOUND_ALLOW: '127.0.0.1',
      },
    })
    return t
  })
  type World = Awaited<ReturnType<typeof open>>
  const polish = { when: { agent: 'polisher' }, text: 'Polished.' }
  const polisher = (w: World, spec: object = {}) => deployAgent(w.t, w.headers, spec, { name: 'polisher' })
  const children = async (w: World, id: string) => {
    const answer = await t.request({ method: 'GET', url: '/v1/executions?limit=100', headers: w.headers })
    return answer
      .json<{ items: { id: string; status: string; parent_execution_id: string | null }[] }>()
      .items.filter((one) => one.parent_execution_id === id)
  }

  it('an agent makes the final output, on the one place there is, and its execution knows where it belongs', async () => {
    const w = await open([polish, { text: 'Rough.' }], {
      output_handler: { type: 'agent', agent_id: 'polisher', input_template: 'Polish: {{output}}' },
    })
    await polisher(w)
    const { id, events, answer } = await w.run()
    expect(answer).toMatchObject({ status: 'completed', output: 'Polished.', hierarchy: { depth: 0, path: [id] } })
    expect(types(events).slice(-5)).toEqual([
      'output_handler_started',
      'child_execution_spawned',
      'child_execution_completed',
      'output_handler_completed',
      'execution_completed',
    ])
    const [child] = await children(w, id)
    expect(await w.get(child?.id ?? '')).toMatchObject({
      status: 'completed',
      input: 'Polish: Rough.',
      hierarchy: { parent_execution_id: id, depth: 1, path: [id, child?.id] },
    })
    expect(events.find(({ type }) => type === 'child_execution_completed')).toMatchObject({
      child_execution_id: child?.id,
      outcome: 'completed',
    })
  })

  it('one that fails leaves the output as it was, or fails the execution where it is required', async () => {
    const w = await open([{ text: 'Rough.' }], { output_handler: { type: 'agent', agent_id: 'nobody' } })
    const { answer, events } = await w.run()
    expect(answer).toMatchObject({ status: 'completed', output: 'Rough.' })
    expect(events.find(({ type }) => type === 'output_handler_failed')).toMatchObject({
      error: "There is no agent 'nobody'.",
    })
    const strict = await deployAgent(
      t,
      w.headers,
      { output_handler: { type: 'agent', agent_id: 'nobody', required: true } },
      { name: 'strict' },
    )
    const begun = await t.request({
      method: 'POST',
      url: '/v1/executions',
      headers: w.headers,
      payload: { agent_id: strict, input: 'go' },
    })
    const { execution_id: id } = begun.json()
    await allEvents(w.address, w.headers, id)
    expect(await w.get(id)).toMatchObject({
      status: 'failed',
      error: "Output handler failed: There is no agent 'nobody'.",
    })
  })

  it('an agent that hands on to itself, or to one that hands back, is stopped with the circle named', async () => {
    const w = await open([{ text: 'Again.' }], {
      output_handler: { type: 'agent', agent_id: 'worker', required: true },
    })
    const { id, answer } = await w.run()
    const circle = (...names: string[]) =>
      `Output handler failed: output handlers go round in a circle: ${names.join(' hands on to ')}. Let the last one hand on to nobody.`
    expect(answer).toMatchObject({ status: 'failed', error: circle('worker', 'worker') })
    expect(await children(w, id)).toEqual([])
    const handTo = (agent_id: string) => ({ output_handler: { type: 'agent', agent_id, required: true } })
    const ping = await deployAgent(t, w.headers, handTo('pong'), { name: 'ping' })
    await deployAgent(t, w.headers, handTo(ping), { name: 'pong' })
    const first = await startExecution(t, w.headers, ping)
    await w.events(first)
    const [second, ...others] = await children(w, first)
    expect(others).toEqual([])
    expect(await w.get(second?.id ?? '')).toMatchObject({ error: circle('ping', 'pong', 'ping') })
    expect(await children(w, second?.id ?? '')).toEqual([])
    expect((await w.get(first)).status).toBe('failed')
  })

  it('cancelling reaches every child, two deep, and none does another step', async () => {
    const w = await open([{ when: { agent: 'deepest' }, text: 'never', delay_ms: 3_600_000 }, { text: 'On.' }], {
      output_handler: { type: 'agent', agent_id: 'polisher' },
    })
    await polisher(w, { output_handler: { type: 'agent', agent_id: 'deepest' } })
    await deployAgent(t, w.headers, {}, { name: 'deepest' })
    const id = await w.start()
    let deepest = ''
    await until(async () => {
      const [child] = await children(w, id)
      deepest = child ? ((await children(w, child.id))[0]?.id ?? '') : ''
      return deepest !== ''
    })
    await readStream(
      w.address,
      `/v1/executions/${deepest}/stream`,
      w.headers,
      ({ type }) => type === 'instance_spawned',
    )
    expect(await w.get(id)).toMatchObject({ status: 'running', waiting_for: 'child' })
    await t.request({ method: 'POST', url: `/v1/executions/${id}/cancel`, headers: w.headers })
    const [child] = await children(w, id)
    for (const one of [id, child?.id ?? '', deepest]) {
      expect(await w.get(one)).toMatchObject({ status: 'cancelled' })
      expect(types(await allEvents(w.address, w.headers, one)).at(-1)).toBe('execution_cancelled')
    }
  })

  it('a server that is stopped and started goes on waiting for the same child', async () => {
    const w = await open([{ ...polish, delay_ms: 5_000 }, { text: 'Rough.' }], {
      output_handler: { type: 'agent', agent_id: 'polisher' },
    })
    await polisher(w)
    const id = await w.start()
    await until(async () => (await children(w, id)).length === 1)
    const [before] = await children(w, id)
    await readStream(
      w.address,
      `/v1/executions/${before?.id}/stream`,
      w.headers,
      ({ type }) => type === 'instance_spawned',
    )
    await t.restart()
    await t.listen()
    await until(async () => {
      await t.clock.advance(100)
      return (await w.get(id)).status !== 'running'
    })
    expect(await w.get(id)).toMatchObject({ status: 'completed', output: 'Polished.' })
    expect(await children(w, id)).toMatchObject([{ id: before?.id, status: 'completed' }])
  })

  it('a webhook gets the output, once, and what it answers is the final one', async () => {
    const received: { method: string | undefined; body: string; key: unknown; own: unknown }[] = []
    receiver = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk: Buffer) => {
        body += chunk.toString()
      })
      request.on('end', () => {
        const { 'idempotency-key': key, 'x-own': own } = request.headers
        received.push({ method: request.method, body, key, own })
        response.writeHead(request.url === '/broken' ? 503 : 200).end(request.url === '/silent' ? '' : 'Heard.')
      })
    })
    await new Promise<void>((resolve) => receiver?.listen(0, '127.0.0.1', resolve))
    const { port } = receiver.address() as AddressInfo
    const hook = (path: string) => ({
      type: 'webhook',
      url: `http://127.0.0.1:${port}${path}`,
      method: 'PUT',
      headers: { 'X-Own': 'yes' },
      body_template: '{"said": {{json output}} }',
      required: true,
    })
    const w = await open([{ text: 'He said "so".' }], { output_handler: hook('/heard') })
    const { id, answer } = await w.run()
    expect(answer).toMatchObject({ status: 'completed', output: 'Heard.' })
    expect(received).toEqual([
      { method: 'PUT', body: '{"said": "He said \\"so\\"." }', key: `output-${id}`, own: 'yes' },
    ])
    for (const [path, expected] of [
      ['/silent', { status: 'completed', output: 'He said "so".' }],
      ['/broken', { status: 'failed', error: 'Output handler failed: 127.0.0.1 answered HTTP 503' }],
    ] as const) {
      const agent = await deployAgent(t, w.headers, { output_handler: hook(path) }, { name: `hook-${path.slice(1)}` })
      const begun = await t.request({
        method: 'POST',
        url: '/v1/executions',
        headers: w.headers,
        payload: { agent_id: agent, input: 'go' },
      })
      await allEvents(w.address, w.headers, begun.json().execution_id)
      expect(await w.get(begun.json().execution_id)).toMatchObject(expected)
    }
  })

  it('what this server does not do is told when the agent is deployed, and refused when it is executed', async () => {
    const w = await open([{ text: 'Done.' }], { output_handler: { type: 'mcp_tool', tool_name: 'x' } })
    const begun = await t.request({
      method: 'POST',
      url: '/v1/executions',
      headers: w.headers,
      payload: { agent_id: w.agent, input: 'go' },
    })
    expect(begun.statusCode).toBe(422)
    expect(begun.json().message).toContain("spec.output_handler.type 'mcp_tool' is not available on this server")
  })
})
