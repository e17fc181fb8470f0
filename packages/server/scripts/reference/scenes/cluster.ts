import type { People } from './people.ts'
import type { Stage } from './stage.ts'

/** The servers, one of which drains for a moment; and the summary. */
export async function recordCluster({ call, succeed, as, person, token, weakToken, server }: Stage & People) {
  const { db } = server.database
  const id = '5b3c9c1e-7f0a-4a53-9d0e-0c1f5f6f2a77'
  const at = 1_777_636_800_000_000
  const node = { hostname: 'lictor-1', version: '0.1.0', cpu_cores: 4, memory_bytes: 8 * 1024 ** 3, is_draining: 0 }
  const times = { registered_at: at, started_at: at }
  await db.deleteFrom('nodes').execute()
  await db
    .insertInto('nodes')
    .values({ id, ...node, ...times, heartbeat_at: 9e15 })
    .execute()
  await db
    .insertInto('nodes')
    .values({ id: 'gone', ...node, ...times, heartbeat_at: 0 })
    .execute()
  await succeed('DELETE /v1/cluster/nodes/:id', { ...as(person), path: { id: 'gone' } })
  await succeed('GET /v1/cluster/status', as(token))
  await call('GET /v1/cluster/status', as(weakToken))
  await succeed('GET /v1/cluster/nodes', { ...as(token), query: { limit: '10' } })
  await call('GET /v1/cluster/nodes', { ...as(token), query: { limit: 'many' } })
  await call('GET /v1/cluster/nodes', as(weakToken))
  for (const word of ['drain', 'activate']) {
    await succeed(`POST /v1/cluster/nodes/:id/${word}`, { ...as(person), path: { id } })
    await call(`POST /v1/cluster/nodes/:id/${word}`, { ...as(person), path: { id: 'unknown' } })
    await call(`POST /v1/cluster/nodes/:id/${word}`, { ...as(weakToken), path: { id } })
  }
  await call('DELETE /v1/cluster/nodes/:id', { ...as(person), path: { id } })
  await call('DELETE /v1/cluster/nodes/:id', { ...as(person), path: { id: 'unknown' } })
  await call('DELETE /v1/cluster/nodes/:id', { ...as(weakToken), path: { id } })
  for (const url of ['/v1/dashboard/summary', '/v1/observability/dashboard']) {
    await succeed(`GET ${url}`, as(token))
    await call(`GET ${url}`, as(weakToken))
  }
}
