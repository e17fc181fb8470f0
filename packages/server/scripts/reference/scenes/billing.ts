import type { People } from './people.ts'
import type { Stage } from './stage.ts'

/** A tenant that subscribes, and what Stripe tells of it. */
export async function recordBilling({ call, succeed, as, person, stripe, clock }: Stage & People) {
  await succeed('GET /v1/billing/prices', {})
  await call('POST /v1/billing/portal', { ...as(person), body: {} })
  const body = { price_id: 'price_business_month', seat_price_id: 'price_business_seat', seats: 3 }
  await succeed('POST /v1/billing/checkout', { ...as(person), body })
  await call('POST /v1/billing/checkout', { ...as(person), body: { ...body, price_id: 'price_unknown' } })
  await call('POST /v1/billing/checkout', { ...as(person), body: { ...body, success_url: 'nowhere' } })
  await succeed('POST /v1/billing/portal', { ...as(person), body: { return_url: 'https://lictor.example.com/' } })
  await call('POST /v1/billing/portal', { ...as(person), body: { return_url: 'nowhere' } })
  const [customer = ''] = [...stripe.customers.keys()]
  const bought = stripe.subscribe(customer, 'business')
  const { payload, headers } = stripe.news('evt_1', 'customer.subscription.created', bought, clock.now())
  await succeed('POST /v1/billing/webhook', { headers, body: payload })
  await call('POST /v1/billing/webhook', { headers, body: `${payload} ` })
  await call('POST /v1/billing/checkout', { ...as(person), body })
  await succeed('GET /v1/billing/subscription', as(person))
  stripe.invoices = [
    {
      id: 'in_1',
      customer,
      amount_due: 10_000,
      amount_paid: 10_000,
      currency: 'eur',
      status: 'paid',
      created: 1_777_636_800,
      hosted_invoice_url: 'https://invoice.stripe.com/i/1',
      invoice_pdf: 'https://invoice.stripe.com/i/1/pdf',
    },
  ]
  await succeed('GET /v1/billing/invoices', as(person))
  const news = stripe.news('evt_2', 'customer.subscription.updated', bought, clock.now())
  stripe.failsWith = 500
  await call('GET /v1/billing/prices', {})
  await call('GET /v1/billing/invoices', as(person))
  await call('POST /v1/billing/portal', { ...as(person), body: {} })
  await call('POST /v1/billing/webhook', { headers: news.headers, body: news.payload })
  stripe.failsWith = null
}
