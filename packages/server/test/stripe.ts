import { createHmac } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

type Thing = Record<string, unknown>
interface FakeSubscription extends Thing {
  id: string
  customer: string
  status: string
  created: number
}

export const WEBHOOK_SECRET = 'whsec_test'

/** A stand-in for Stripe that keeps what it is told: products, prices, customers, sessions, subscriptions, invoices. */
export interface FakeStripe {
  readonly url: string
  readonly environment: Readonly<Record<string, string>>
  /** Requests, as `METHOD path`. */
  readonly asked: string[]
  /** Idempotency keys, by the customer that was made with each. */
  readonly customers: Map<string, Thing>
  /** Its subscriptions, as they are now. */
  readonly subscriptions: Map<string, FakeSubscription>
  invoices: Thing[]
  /** Answer everything with this status. */
  failsWith: number | null
  /** What comes between a request for subscriptions and its answer. */
  beforeAnswer: (() => Promise<void>) | null
  /** A customer has bought a tier, or its subscription has become something else. */
  subscribe(customer: string, tier: 'pro' | 'business', fields?: Thing): FakeSubscription
  /** What Stripe would send: body and headers. */
  news(id: string, type: string, object: Thing, nowMs: number): { payload: string; headers: Record<string, string> }
  close(): Promise<void>
}

const products: Thing[] = [
  { id: 'prod_business', object: 'product', name: 'Business', description: null, metadata: { tier: 'business' } },
  { id: 'prod_pro', object: 'product', name: 'Pro', description: 'For one.', metadata: { tier: 'pro' } },
  { id: 'prod_mug', object: 'product', name: 'A mug', description: null, metadata: {} },
]
const price = (id: string, product: string, amount: number, interval: string, isSeat = false): Thing => ({
  id,
  object: 'price',
  product,
  unit_amount: amount,
  currency: 'eur',
  recurring: { interval },
  metadata: isSeat ? { seat: 'true' } : {},
})
const prices: Thing[] = [
  price('price_pro_month', 'prod_pro', 2_000, 'month'),
  price('price_pro_year', 'prod_pro', 20_000, 'year'),
  price('price_business_month', 'prod_business', 10_000, 'month'),
  price('price_business_seat', 'prod_business', 1_500, 'month', true),
]

export async function startStripe(): Promise<FakeStripe> {
  let count = 0
  const byKey = new Map<string, Thing>()
  const fake: FakeStripe = {
    url: '',
    environment: {},
    asked: [],
    customers: new Map(),
    subscriptions: new Map(),
    invoices: [],
    failsWith: null,
    beforeAnswer: null,
    subscribe(customer, tier, fields = {}) {
      const id = (fields.id as string | undefined) ?? `sub_${++count}`
      const base = prices.find((one) => one.id === `price_${tier}_month`)
      const product = products.find((one) => one.id === `prod_${tier}`)
      const made: FakeSubscription = {
        id,
        object: 'subscription',
        customer,
        status: 'active',
        created: 1_700_000_000 + ++count,
        cancel_at_period_end: false,
        items: {
          object: 'list',
          data: [{ id: `si_${id}`, quantity: 1, current_period_end: 1_800_000_000, price: { ...base, product } }],
        },
        ...fields,
      }
      fake.subscriptions.set(id, made)
      return made
    },
    news(id, type, object, nowMs) {
      const payload = JSON.stringify({ id, object: 'event', type, data: { object } })
      const at = Math.floor(nowMs / 1000)
      const signature = createHmac('sha256', WEBHOOK_SECRET).update(`${at}.${payload}`).digest('hex')
      return {
        payload,
        headers: { 'content-type': 'application/json', 'stripe-signature': `t=${at},v1=${signature}` },
      }
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }

  const listOf = (data: readonly unknown[]) => ({ object: 'list', data, has_more: false, url: '/' })
  const refusal = (message: string, param: string) => ({
    status: 400,
    body: { error: { type: 'invalid_request_error', code: 'resource_missing', message, param } },
  })

  async function answer(request: IncomingMessage): Promise<{ status: number; body: unknown }> {
    const url = new URL(request.url ?? '/', 'http://stripe')
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const form = new URLSearchParams(Buffer.concat(chunks).toString('utf8'))
    fake.asked.push(`${request.method} ${url.pathname}`)
    if (fake.failsWith !== null)
      return { status: fake.failsWith, body: { error: { type: 'api_error', message: 'sk_test_secret is in here' } } }
    if (request.headers.authorization !== 'Bearer sk_test_1')
      return { status: 401, body: { error: { type: 'invalid_request_error', message: 'Invalid API Key' } } }
    switch (`${request.method} ${url.pathname}`) {
      case 'GET /v1/products':
        return { status: 200, body: listOf(products) }
      case 'GET /v1/prices':
        return { status: 200, body: listOf(prices) }
      case 'POST /v1/customers': {
        const key = String(request.headers['idempotency-key'])
        const made = byKey.get(key) ?? {
          id: `cus_${++count}`,
          object: 'customer',
          name: form.get('name'),
          email: form.get('email'),
          metadata: { tenant_id: form.get('metadata[tenant_id]') },
        }
        byKey.set(key, made)
        fake.customers.set(String(made.id), made)
        return { status: 200, body: made }
      }
      case 'POST /v1/checkout/sessions': {
        const wanted = [form.get('line_items[0][price]'), form.get('line_items[1][price]')].filter(
          (one) => one !== null,
        )
        const unknown = wanted.find((id) => !prices.some((one) => one.id === id))
        if (unknown !== undefined) return refusal(`No such price: '${unknown}'`, 'line_items[0][price]')
        const told = ['success_url', 'cancel_url', 'line_items[1][quantity]'].map((name) => form.get(name) ?? '')
        const asked = encodeURIComponent([...wanted, ...told].join(' '))
        return {
          status: 200,
          body: { id: `cs_${++count}`, url: `https://checkout.test/${form.get('customer')}?${asked}` },
        }
      }
      case 'POST /v1/billing_portal/sessions':
        return {
          status: 200,
          body: { id: 'bps_1', url: `https://portal.test/${form.get('customer')}?${form.get('return_url')}` },
        }
      case 'GET /v1/subscriptions': {
        const of = [...fake.subscriptions.values()].filter((one) => one.customer === url.searchParams.get('customer'))
        const body = structuredClone(listOf(of))
        const before = fake.beforeAnswer
        fake.beforeAnswer = null
        await before?.()
        return { status: 200, body }
      }
      case 'GET /v1/invoices':
        return {
          status: 200,
          body: listOf(fake.invoices.filter((one) => one.customer === url.searchParams.get('customer'))),
        }
      default:
        return { status: 404, body: { error: { type: 'invalid_request_error', message: 'Unrecognized request URL' } } }
    }
  }

  const server = createServer((request, response) => {
    void answer(request).then(({ status, body }) => {
      // The SDK asks again by itself unless it is told not to.
      response.writeHead(status, { 'content-type': 'application/json', 'stripe-should-retry': 'false' })
      response.end(JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return Object.assign(fake, {
    url,
    environment: {
      STRIPE_SECRET_KEY: 'sk_test_1',
      STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
      LICTOR_STRIPE_BASE_URL: url,
    },
  })
}
