import type { People } from './people.ts'
import type { Stage } from './stage.ts'

/** The tools, and the servers that have some of them. */
export async function recordTools({ call, succeed, as, token }: Stage & People) {
  await succeed('GET /v1/tools', { ...as(token), query: { category: 'filesystem', limit: '1' } })
  await call('GET /v1/tools', { ...as(token), query: { limit: 'many' } })
  await succeed('GET /v1/tools/:name', { ...as(token), path: { name: 'read_file' } })
  await call('GET /v1/tools/:name', { ...as(token), path: { name: 'unknown' } })
  await succeed('GET /v1/tools/servers', as(token))
}
