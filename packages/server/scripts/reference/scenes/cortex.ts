import type { People } from './people.ts'
import type { Stage } from './stage.ts'

/** What was learned, by somebody who may look. */
export async function recordCortex({ succeed, call, as, token }: Stage & People) {
  await succeed('GET /v1/cortex/patterns', { ...as(token), query: { limit: '10' } })
  await call('GET /v1/cortex/patterns', { ...as(token), query: { limit: 'ten' } })
  await succeed('GET /v1/cortex/skills', { ...as(token), query: { limit: '10' } })
  await succeed('GET /v1/cortex/metrics', as(token))
}
