import type { People } from './people.ts'
import type { Stage } from './stage.ts'

/** Schedules, from being set to being taken back. */
export async function recordSchedules({ call, succeed, as, token }: Stage & People) {
  const operator = as(token)
  const definition = {
    initial_state: 'ASK',
    states: { ASK: { kind: 'Human', prompt: 'Close the day?', transitions: [] } },
  }
  await succeed('POST /v1/workflows', { ...operator, body: { name: 'close-the-day', definition } })
  const one = { ...operator, path: { name: 'nightly' } }
  const put = 'PUT /v1/schedules/:name'
  const body = { workflow: 'close-the-day', cron: '30 2 * * *', timezone: 'Europe/Berlin' }
  await succeed(put, { ...one, body })
  await call(put, { ...one, body: { ...body, timezone: 'Mars/Base' } })
  await call(put, { ...operator, path: { name: 'agent:reporter' }, body })
  await succeed('GET /v1/schedules', operator)
  await succeed('GET /v1/schedules/:name', one)
  await call('GET /v1/schedules/:name', { ...operator, path: { name: 'nothing' } })
  await call('DELETE /v1/schedules/:name', { ...operator, path: { name: 'nothing' } })
  await succeed('DELETE /v1/schedules/:name', one)
}
