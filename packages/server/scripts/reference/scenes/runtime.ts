import { stringify } from 'yaml'
import type { People } from './people.ts'
import type { Stage } from './stage.ts'

/** Agents, their executions and streams. */
export async function recordRuntime({
  call,
  succeed,
  as,
  server,
  until,
  r,
  address,
  cookie,
  person,
  agent,
  token,
}: Stage & People) {
  const manifest = (name: string) => ({
    apiVersion: '100monkeys.ai/v1',
    kind: 'Agent',
    metadata: { name, version: '1.0.0', description: 'Greets somebody.', labels: { team: 'examples' } },
    spec: {
      runtime: { language: 'javascript', version: '20' },
      task: { instruction: 'Write a greeting to greeting.txt, then answer with it.' },
      tools: ['write_file'],
    },
  })
  const deployed = await succeed<{ id: string }>('POST /v1/agents', {
    ...as(token),
    body: stringify(manifest('greeter')),
  })
  await call('POST /v1/agents', { ...as(token), body: stringify(manifest('greeter')) })
  await call('POST /v1/agents', { ...as(token), body: 'kind: Agent' })
  const gone = await succeed<{ id: string }>('POST /v1/agents', { ...as(token), body: stringify(manifest('spare')) })
  const ofAgent = { ...as(token), path: { id: deployed.id } }
  await succeed('GET /v1/agents', { ...as(token), query: { limit: '1' } })
  await succeed('GET /v1/agents/lookup/:name', { ...as(token), path: { name: 'greeter' } })
  await succeed('GET /v1/agents/:id', ofAgent)
  await succeed('PATCH /v1/agents/:id', {
    ...ofAgent,
    body: { metadata: { version: '1.1.0', description: 'Greets anybody.' } },
  })
  await call('PATCH /v1/agents/:id', { ...ofAgent, body: { metadata: { name: 'spare' } } })
  await succeed('GET /v1/agents/:id/versions', { ...ofAgent, query: { limit: '1' } })
  await succeed('PATCH /v1/agents/:id/scope', { ...ofAgent, body: { scope: 'global' } })
  await succeed('POST /v1/agents/:id/scope', { ...ofAgent, body: { target_scope: 'tenant' } })
  const everywhere = await succeed<{ id: string }>('POST /v1/agents', {
    ...as(token),
    query: { scope: 'global' },
    body: stringify(manifest('greeter')),
  })
  for (const method of ['PATCH', 'POST'])
    await call(`${method} /v1/agents/:id/scope`, { ...ofAgent, body: { scope: 'global' } })
  await succeed('DELETE /v1/agents/:id', { ...as(token), path: { id: everywhere.id } })
  await succeed('DELETE /v1/agents/:id', { ...as(token), path: { id: gone.id } })
  const started = await succeed<{ execution_id: string }>('POST /v1/executions', {
    ...as(token),
    body: { agent_id: deployed.id, input: { name: 'Ada' }, intent: 'Greet Ada.' },
  })
  await call('DELETE /v1/executions/:id', { ...as(token), path: { id: started.execution_id } })
  const ofRun = { ...as(token), path: { id: started.execution_id } }
  const stateOf = async (id: string) =>
    (await server.http.inject({ url: `/v1/executions/${id}`, headers: token })).json<{ status: string }>().status
  await until(async () => !['pending', 'running'].includes(await stateOf(started.execution_id)))
  await succeed('GET /v1/executions', { ...as(token), query: { status: 'completed', limit: '1' } })
  await succeed('GET /v1/executions/:id', ofRun)
  await succeed('GET /v1/executions/:id/files/*', {
    ...as(token),
    path: { id: started.execution_id, '*': 'greeting.txt' },
  })
  const greeting = { path: { id: started.execution_id, '*': 'greeting.txt' } }
  await call('GET /v1/executions/:id/files/*', { ...greeting, headers: { ...token, range: 'bytes=0-3' } })
  await call('GET /v1/executions/:id/files/*', { ...greeting, headers: { ...token, range: 'bytes=999-' } })
  const past = { ...ofRun, query: { follow: 'false' } }
  for (const name of ['stream', 'events']) await r.follow(address, `GET /v1/executions/:id/${name}`, past, 3)
  for (const name of ['events', 'logs'])
    await r.follow(address, `GET /v1/agents/:id/${name}`, { ...ofAgent, query: { follow: 'false' } }, 3)
  await r.follow(
    address,
    'GET /api/v1/stream',
    { ...as(agent), query: { env: 'production', bundle_name: 'assistant' } },
    1,
  )
  await r.follow(address, 'GET /api/v1/stream/dashboard', { headers: { ...person, 'last-event-id': '1' } }, 2)
  await call('POST /v1/agents/:id/execute', { ...ofAgent, query: { version: '9.9.9' }, body: { input: 'go' } })
  await call('POST /v1/executions', { ...as(token), body: { agent_id: gone.id } })
  const further = await succeed<{ execution_id: string }>('POST /v1/agents/:id/execute', {
    ...ofAgent,
    query: { version: '1.1.0' },
    body: { input: { name: 'Grace' } },
  })
  await until(async () => (await stateOf(further.execution_id)) !== 'pending')
  const generate = (execution_id: string) => ({
    ...as(token),
    body: {
      type: 'generate',
      agent_id: deployed.id,
      execution_id,
      iteration_number: 1,
      model_alias: 'default',
      prompt: 'Write a greeting to greeting.txt, then answer with it.',
      messages: [],
    },
  })
  await call('POST /v1/dispatch-gateway', generate(further.execution_id))
  await call('POST /v1/dispatch-gateway', generate(started.execution_id))
  await call('POST /v1/dispatch-gateway', generate('00000000-0000-4000-8000-000000000000'))
  await call('POST /v1/dispatch-gateway', { ...as(token), body: { type: 'generate' } })
  await call('POST /v1/executions', { ...as(token), body: { agent_id: '00000000-0000-4000-8000-000000000000' } })
  await call('GET /v1/executions', { ...as(token), query: { workflow_name: 'nightly' } })
  await succeed('POST /v1/executions/:id/cancel', {
    ...as(token),
    path: { id: further.execution_id },
    body: { reason: 'Not needed any more.' },
  })
  await succeed('DELETE /v1/executions/:id', ofRun)
  await call('GET /api/v1/stream', { ...as(agent), query: { env: 'staging' } })
  await call('GET /api/v1/stream', as(agent))
  for (const stream of [
    '/v1/executions/:id/stream',
    '/v1/executions/:id/events',
    '/v1/agents/:id/events',
    '/v1/agents/:id/logs',
  ]) {
    await call(`GET ${stream}`, { ...as(token), path: { id: 'not-an-id' } })
    await call(`GET ${stream}`, { ...as(token), path: { id: deployed.id }, query: { follow: '\0' } })
  }
  for (const assist of ['/api/v1/contracts/assist', '/api/ai/assist']) {
    await call(`POST ${assist}`, { ...as(person), body: {} })
    await call(`POST ${assist}`, { headers: { cookie }, body: {} })
    await call(`POST ${assist}`, { headers: { ...person, 'content-length': '100000000' }, body: {} })
  }
}
