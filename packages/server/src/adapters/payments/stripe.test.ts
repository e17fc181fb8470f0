import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type StripeMock, startStripeMock, stripeMockBinary } from '../../../test/stripe-mock.ts'
import type { Payments } from '../../ports/payments.ts'
import { systemClock } from '../clock/system.ts'
import { createStripePayments } from './stripe.ts'

describe.skipIf(stripeMockBinary === null)("what is asked of Stripe passes Stripe's own description of its API", () => {
  let mock: StripeMock
  let payments: Payments
  /** What was asked and how it was answered, as `METHOD path status`; and the newest form. */
  let asked: string[]
  let form: Record<string, string>
  const through: typeof fetch = async (input, init) => {
    const request = new Request(input, init)
    const { pathname } = new URL(request.url)
    form = Object.fromEntries(new URLSearchParams(await request.clone().text()))
    const answer = await fetch(request)
    asked.push(`${request.method} ${pathname} ${answer.status}`)
    return answer
  }
  const open = (secretKey: string, fetch = through) =>
    createStripePayments({ secretKey, webhookSecret: 'whsec_test', baseUrl: mock.url, fetch, clock: systemClock })

  beforeAll(async () => {
    mock = await startStripeMock()
  })
  afterAll(() => mock?.stop())
  beforeEach(() => {
    asked = []
    form = {}
    payments = open('sk_test_1')
  })

  it('products and prices are listed', async () => {
    // Its product says no tier, so it is none of ours.
    expect(await payments.listProducts()).toEqual([])
    expect(asked.toSorted()).toEqual(['GET /v1/prices 200', 'GET /v1/products 200'])
  })

  it('a customer is made, with and without an address', async () => {
    expect(await payments.createCustomer({ id: 'tenant-1', name: 'Acme', email: 'ann@example.com' })).toMatch(/^cus_/)
    expect(form).toEqual({ name: 'Acme', email: 'ann@example.com', 'metadata[tenant_id]': 'tenant-1' })
    expect(await payments.createCustomer({ id: 'tenant-2', name: 'Bolt', email: null })).toMatch(/^cus_/)
    expect(asked).toEqual(['POST /v1/customers 200', 'POST /v1/customers 200'])
  })

  it('checkout, with and without seats, and the portal lead to an address', async () => {
    const order = {
      customerId: 'cus_1',
      priceId: 'price_1',
      seats: null,
      successUrl: 'https://lictor.test/done',
      cancelUrl: 'https://lictor.test/back',
    }
    expect(URL.canParse(await payments.openCheckout(order))).toBe(true)
    expect(await payments.openCheckout({ ...order, seats: { priceId: 'price_2', count: 3 } })).toMatch(/^https:/)
    expect(form).toEqual({
      mode: 'subscription',
      customer: 'cus_1',
      'line_items[0][price]': 'price_1',
      'line_items[0][quantity]': '1',
      'line_items[1][price]': 'price_2',
      'line_items[1][quantity]': '3',
      success_url: 'https://lictor.test/done',
      cancel_url: 'https://lictor.test/back',
    })
    const portal = { customerId: 'cus_1', returnUrl: 'https://lictor.test/billing' }
    expect(await payments.openPortal(portal)).toMatch(/^https:/)
    expect(asked).toEqual([
      'POST /v1/checkout/sessions 200',
      'POST /v1/checkout/sessions 200',
      'POST /v1/billing_portal/sessions 200',
    ])
  })

  it('subscription and invoices are read as Stripe writes them', async () => {
    expect(await payments.findSubscription('cus_1')).toEqual({
      id: expect.stringMatching(/^sub_/),
      tier: null,
      status: expect.any(String),
      seats: 0,
      currentPeriodEnd: expect.any(Number),
      cancelAtPeriodEnd: expect.any(Boolean),
    })
    const invoices = await payments.listInvoices('cus_1')
    expect(invoices).toEqual([
      {
        id: expect.stringMatching(/^in_/),
        amountDue: expect.any(Number),
        amountPaid: expect.any(Number),
        currency: expect.stringMatching(/^[a-z]{3}$/),
        status: expect.any(String),
        createdAt: expect.any(Number),
        pageUrl: null,
        pdfUrl: null,
      },
    ])
    expect(asked).toEqual(['GET /v1/subscriptions 200', 'GET /v1/invoices 200'])
  })

  it('what Stripe does not know would be found, and is told as input; a wrong key as a refusal', async () => {
    /** The same request, with one field that is none. */
    const spoilt: typeof fetch = async (input, init) => {
      const request = new Request(input, init)
      const body = `${await request.text()}&no_such_field=1`
      const headers = new Headers(request.headers)
      headers.delete('content-length')
      return fetch(request.url, { method: 'POST', headers, body })
    }
    const order = { customerId: 'cus_1', returnUrl: 'https://lictor.test/' }
    await expect(open('sk_test_1', spoilt).openPortal(order)).rejects.toMatchObject({ isInput: true })
    await expect(open('not-a-key').openPortal(order)).rejects.toMatchObject({
      isInput: false,
      message: 'Stripe does not answer, or refuses.',
    })
  })
})
