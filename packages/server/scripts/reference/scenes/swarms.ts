import { stringify } from 'yaml'
import type { People } from './people.ts'
import type { Stage } from './stage.ts'

/** An agent that begins another, and the swarm of both. */
export async function recordSwarms({ call, succeed, as, server, until, token, weakToken }: Stage & People) {
  const manifest = (name: string, turns: readonly object[]) => ({
    apiVersion: '100monkeys.ai/v1',
    kind: 'Agent',
    metadata: { name, version: '1.0.0', annotations: { 'lictor.dev/script': stringify({ turns }) } },
    spec: {
      runtime: { language: 'javascript', version: '20', model: 'scripted' },
      task: { instruction: 'Work with others.' },
      advanced: { swarm_enabled: true },
    },
  })
  const child = stringify(manifest('reader', [{ text: 'Read.' }]))
  const spawn = { tool_calls: [{ name: 'aegis.spawn_child', arguments: { manifest_yaml: child } }] }
  const { id } = (
    await server.http.inject({
      method: 'POST',
      url: '/v1/agents',
      headers: token,
      payload: stringify(manifest('planner', [spawn, { text: 'Begun.' }])),
    })
  ).json<{ id: string }>()
  await server.http.inject({
    method: 'POST',
    url: '/v1/executions',
    headers: token,
    payload: { agent_id: id, input: 'go' },
  })
  const dissolved = async () =>
    (await server.http.inject({ url: '/v1/swarms?status=dissolved', headers: token })).json<{
      swarms: { swarm_id: string }[]
    }>().swarms
  await until(async () => (await dissolved()).length === 1)
  const [swarm] = await dissolved()
  await succeed('GET /v1/swarms', { ...as(token), query: { status: 'all', limit: '10' } })
  await call('GET /v1/swarms', { ...as(token), query: { limit: 'many' } })
  await call('GET /v1/swarms', as(weakToken))
  await succeed('GET /v1/swarms/:id', { ...as(token), path: { id: swarm?.swarm_id ?? '' } })
  await call('GET /v1/swarms/:id', { ...as(token), path: { id: '00000000-0000-4000-8000-000000000000' } })
  await call('GET /v1/swarms/:id', { ...as(token), path: { id: 'x' } })
  await call('GET /v1/swarms/:id', { ...as(weakToken), path: { id: swarm?.swarm_id ?? '' } })
}
