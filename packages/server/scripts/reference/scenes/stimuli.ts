import { createHmac } from 'node:crypto'
import type { People } from './people.ts'
import type { Stage } from './stage.ts'

/** Sources, what comes from them, and what does not get in. */
export async function recordStimuli({ call, succeed, as, token, weakToken }: Stage & People) {
  const operator = as(token)
  const definition = {
    initial_state: 'ASK',
    states: { ASK: { kind: 'Human', prompt: 'Ship {{input.payload.article}}?', transitions: [] } },
  }
  await succeed('POST /v1/workflows', { ...operator, body: { name: 'orders', definition } })
  const secret = 'a-secret-of-the-shop'
  await succeed('POST /v1/stimuli/sources', { ...operator, body: { source: 'shop', workflow: 'orders', secret } })
  await call('POST /v1/stimuli/sources', { ...operator, body: { source: 'shop', workflow: 'nothing' } })
  await succeed('GET /v1/stimuli/sources', operator)
  const body = { article: 'lamp' }
  const signature = `sha256=${createHmac('sha256', secret).update(JSON.stringify(body)).digest('hex')}`
  const shop = { path: { source: 'shop' } }
  const signed = { 'x-aegis-signature': signature, 'x-idempotency-key': 'order-1' }
  const hook = 'POST /v1/webhooks/:source'
  const sent = await succeed<{ id: string }>(hook, { ...shop, headers: signed, body })
  await call(hook, { ...shop, headers: signed, body })
  await call(hook, { ...shop, body })
  await call(hook, { ...shop, headers: { 'x-aegis-signature': 'sha256=zz' }, body })
  await call(hook, { path: { source: 'nobody' }, headers: signed, body })
  await call(hook, { ...as(weakToken), ...shop, body })
  const send = 'POST /v1/stimuli'
  await succeed(send, { ...operator, body: { content: body, source: 'shop', idempotency_key: 'order-2' } })
  await call(send, { ...operator, body: { content: body, source: 'shop', idempotency_key: 'order-2' } })
  await call(send, { ...operator, body: { content: body } })
  await succeed('GET /v1/stimuli', { ...operator, query: { limit: '1' } })
  await call('GET /v1/stimuli', { ...operator, query: { limit: 'all' } })
  const one = 'GET /v1/stimuli/:id'
  await succeed(one, { ...operator, path: { id: sent.id } })
  await call(one, { ...operator, path: { id: 'not-an-id' } })
  await call(one, { ...operator, path: { id: '00000000-0000-4000-8000-000000000000' } })
  await succeed('DELETE /v1/stimuli/sources/:source', { ...operator, ...shop })
  await call('DELETE /v1/stimuli/sources/:source', { ...operator, ...shop })
}
