import { Stripe } from 'stripe'
import { afterEach, expect, it } from 'vitest'
import { ADMIN, onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { deployAgent, serviceHeaders } from '../../../test/runtime.ts'
import { type FakeStripe, startStripe, WEBHOOK_SECRET } from '../../../test/stripe.ts'

type Headers = Record<string, string>
const NONE = { error: 'billing_not_configured', message: 'Stripe billing is not configured' }

onEachDatabase('billing', (start) => {
  let t: TestServer
  let stripe: FakeStripe | undefined
  afterEach(async () => {
    await t.close()
    await stripe?.close()
    stripe = undefined
  })

  async function world(more: Headers = {}) {
    const fake = await startStripe()
    stripe = fake
    t = await start({ environment: { ...fake.environment, LICTOR_BASE_URL: 'https://lictor.test', ...more } })
    const admin = await t.admin()
    const ask = (method: 'GET' | 'POST', path: string, payload?: object, as: Headers = admin) =>
      t.request({
        method,
        url: `/v1/billing/${path}`,
        headers: as,
        ...(payload === undefined ? {} : { payload }),
      })
    const tell = (news: { payload: string; headers: Headers }) =>
      t.request({ method: 'POST', url: '/v1/billing/webhook', ...news })
    const told = async (id: string, type: string, object: object) =>
      (await tell(fake.news(id, type, object as Record<string, unknown>, t.clock.now()))).statusCode
    const tier = async (as: Headers = admin) => {
      const { tier: of, status } = (await ask('GET', 'subscription', undefined, as)).json()
      return `${of} ${status}`
    }
    /** The customer that a tenant has become. */
    const customer = async (as: Headers = admin) => {
      await ask('POST', 'checkout', { price_id: 'price_pro_month' }, as)
      return (await ask('GET', 'subscription', undefined, as)).json().stripe_customer_id as string
    }
    return { fake, admin, ask, tell, told, tier, customer }
  }

  it('is 501 on every route where no key is set', async () => {
    t = await start()
    const headers = await t.admin()
    for (const [method, path, payload] of [
      ['GET', 'prices'],
      ['POST', 'checkout', { price_id: 'p' }],
      ['POST', 'portal', {}],
      ['GET', 'subscription'],
      ['GET', 'invoices'],
      ['POST', 'webhook', {}],
    ] as const) {
      const answer = await t.request({ method, url: `/v1/billing/${path}`, headers, ...(payload ? { payload } : {}) })
      expect([path, answer.statusCode, answer.json()]).toEqual([path, 501, NONE])
    }
  })

  it('prices are those of the products that name a tier, for everybody', async () => {
    const w = await world()
    const eur = (price_id: string, amount: number) => ({ price_id, amount, currency: 'eur' })
    expect((await w.ask('GET', 'prices', undefined, {})).json()).toEqual({
      tiers: [
        {
          tier: 'pro',
          product_id: 'prod_pro',
          name: 'Pro',
          description: 'For one.',
          included_seats: 0,
          monthly: eur('price_pro_month', 2_000),
          annual: eur('price_pro_year', 20_000),
          seat_monthly: null,
          seat_annual: null,
        },
        {
          tier: 'business',
          product_id: 'prod_business',
          name: 'Business',
          description: '',
          included_seats: 5,
          monthly: eur('price_business_month', 10_000),
          annual: null,
          seat_monthly: eur('price_business_seat', 1_500),
          seat_annual: null,
        },
      ],
    })
  })

  it('a checkout makes a tenant one customer, however often it is opened, also at once', async () => {
    const w = await world()
    const open = () =>
      w.ask('POST', 'checkout', { price_id: 'price_business_month', seat_price_id: 'price_business_seat', seats: 3 })
    const answers = await Promise.all(Array.from({ length: 5 }, open))
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200, 200, 200])
    expect(w.fake.customers.size).toBe(1)
    const [id] = [...w.fake.customers.keys()]
    expect([...w.fake.customers.values()]).toMatchObject([{ email: ADMIN.email, name: 'Default' }])
    const wanted = 'price_business_month price_business_seat https://lictor.test https://lictor.test 3'
    expect(answers[0]?.json()).toEqual({ url: `https://checkout.test/${id}?${encodeURIComponent(wanted)}` })
    expect((await w.ask('POST', 'portal')).json()).toEqual({ url: `https://portal.test/${id}?https://lictor.test` })
    const portal = await w.ask('POST', 'portal', { return_url: 'https://app.test/x' })
    expect(portal.json()).toEqual({ url: `https://portal.test/${id}?https://app.test/x` })
  })

  it('what was bought is in force when Stripe has told it, once, however often and in whatever order it tells', async () => {
    const w = await world()
    const customer = await w.customer()
    expect(await w.tier()).toBe('free none')
    const bought = w.fake.subscribe(customer, 'business')
    expect(await w.told('evt_2', 'customer.subscription.updated', bought)).toBe(200)
    expect((await w.ask('GET', 'subscription')).json()).toMatchObject({
      tier: 'business',
      status: 'active',
      current_period_end: '2027-01-15T08:00:00Z',
      cancel_at_period_end: false,
      seat_count: 0,
      stripe_customer_id: customer,
      stripe_subscription_id: bought.id,
    })
    const asked = w.fake.asked.length
    // The first comes after the second; the second comes again.
    expect(await w.told('evt_1', 'customer.subscription.created', { ...bought, status: 'incomplete' })).toBe(200)
    expect(await w.told('evt_2', 'customer.subscription.updated', bought)).toBe(200)
    expect([await w.tier(), w.fake.asked.length]).toEqual(['business active', asked + 1])
    expect((await w.ask('POST', 'checkout', { price_id: 'price_pro_month' })).json()).toMatchObject({
      error: 'subscribed',
    })
    // It ends; then an old "active" comes, ten minutes late, signed anew.
    w.fake.subscribe(customer, 'business', { ...bought, status: 'canceled' })
    expect(await w.told('evt_4', 'customer.subscription.deleted', { ...bought, status: 'canceled' })).toBe(200)
    expect(await w.tier()).toBe('business canceled')
    await t.clock.advance(600_000)
    expect(await w.told('evt_3', 'customer.subscription.updated', bought)).toBe(200)
    const row = await t.server.database.db.selectFrom('subscriptions').selectAll().executeTakeFirstOrThrow()
    expect([row.tier, row.status]).toEqual(['business', 'canceled'])
    const events = await t.server.database.db.selectFrom('billing_events').select('id').orderBy('id').execute()
    expect(events.map(({ id }) => id)).toEqual(['evt_1', 'evt_2', 'evt_3', 'evt_4'])
  })

  it('20 deliveries at once change the tier once', async () => {
    const w = await world()
    const bought = w.fake.subscribe(await w.customer(), 'pro')
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => w.told('evt_1', 'customer.subscription.created', bought)),
    )
    expect(new Set(answers)).toEqual(new Set([200]))
    const row = await t.server.database.db.selectFrom('subscriptions').selectAll().executeTakeFirstOrThrow()
    expect([row.tier, row.revision]).toEqual(['pro', 2])
  })

  it('a look at Stripe that was overtaken by another is made again', async () => {
    const w = await world()
    const customer = await w.customer()
    const bought = w.fake.subscribe(customer, 'pro')
    // While the first waits for its answer, which says "pro", the tenant moves on to "business", and that is told.
    w.fake.beforeAnswer = async () => {
      w.fake.subscribe(customer, 'business', { id: bought.id })
      expect(await w.told('evt_2', 'customer.subscription.updated', bought)).toBe(200)
    }
    expect(await w.told('evt_1', 'customer.subscription.created', bought)).toBe(200)
    expect(await w.tier()).toBe('business active')
  })

  it('is heard from Stripe alone: signed, by this secret, this body, now', async () => {
    const w = await world()
    const bought = w.fake.subscribe(await w.customer(), 'pro')
    const good = w.fake.news('evt_1', 'customer.subscription.created', bought, t.clock.now())
    const sdk = new Stripe('sk_test_1')
    const at = Math.floor(t.clock.now() / 1000)
    const bySdk = (secret: string) =>
      sdk.webhooks.generateTestHeaderString({ payload: good.payload, secret, timestamp: at })
    const refused: [string, { payload: string; headers: Headers }][] = [
      ['one byte changed', { ...good, payload: good.payload.replace('evt_1', 'evt_7') }],
      ['no signature', { ...good, headers: { 'content-type': 'application/json' } }],
      ['another secret', { ...good, headers: { ...good.headers, 'stripe-signature': bySdk('whsec_other') } }],
      ['of ten minutes ago', w.fake.news('evt_1', 'x', bought, t.clock.now() - 600_000)],
      ['empty', { payload: '', headers: good.headers }],
      [
        'no JSON',
        {
          payload: 'x',
          headers: {
            ...good.headers,
            'stripe-signature': sdk.webhooks.generateTestHeaderString({
              payload: 'x',
              secret: WEBHOOK_SECRET,
              timestamp: at,
            }),
          },
        },
      ],
    ]
    for (const [what, news] of refused) {
      const answer = await w.tell(news)
      expect([what, answer.statusCode, answer.json().error]).toEqual([what, 400, 'invalid_signature'])
    }
    expect(await w.tier()).toBe('free none')
    const ofSdk = { ...good, headers: { ...good.headers, 'stripe-signature': bySdk(WEBHOOK_SECRET) } }
    expect((await w.tell(ofSdk)).json()).toEqual({ received: true })
    expect(await w.tier()).toBe('pro active')
    // Of a customer that is nobody's here, and of nothing at all: heard, and nothing done.
    expect(await w.told('evt_8', 'customer.subscription.created', { ...bought, customer: 'cus_other' })).toBe(200)
    expect(await w.told('evt_9', 'product.created', { id: 'prod_1', object: 'product' })).toBe(200)
  })

  it('what Stripe tells waits while Stripe does not answer, and is taken in when it is told again', async () => {
    const w = await world()
    const bought = w.fake.subscribe(await w.customer(), 'pro')
    w.fake.failsWith = 500
    expect(await w.told('evt_1', 'customer.subscription.created', bought)).toBe(502)
    w.fake.failsWith = null
    expect(await w.told('evt_1', 'customer.subscription.created', bought)).toBe(200)
    expect(await w.tier()).toBe('pro active')
  })

  it('a tenant without a subscription in force is Free, and what it bought bounds it with the next request', async () => {
    const w = await world({ LICTOR_LIMITS: 'on', LICTOR_OUTBOUND_ALLOW: '127.0.0.0/8' })
    const buyer = await t.otherTenant()
    const headers = await serviceHeaders(t, {}, buyer)
    for (const name of ['a', 'b', 'c', 'd', 'e']) await deployAgent(t, headers, {}, { name })
    await expect(deployAgent(t, headers, {}, { name: 'f' })).rejects.toThrow('quota_exceeded:')
    const bought = w.fake.subscribe(await w.customer(buyer), 'pro')
    await w.told('evt_1', 'customer.subscription.created', bought)
    await deployAgent(t, headers, {}, { name: 'f' })
    w.fake.subscribe(bought.customer, 'pro', { ...bought, status: 'past_due' })
    await w.told('evt_2', 'customer.subscription.updated', bought)
    await expect(deployAgent(t, headers, {}, { name: 'g' })).rejects.toThrow('quota_exceeded:')
    // Who runs the installation pays itself nothing.
    const own = await serviceHeaders(t)
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) await deployAgent(t, own, {}, { name })
  })

  it('invoices are those of the customer', async () => {
    const w = await world()
    expect((await w.ask('GET', 'invoices')).json()).toEqual({ invoices: [], items: [], count: 0 })
    const customer = await w.customer()
    const invoice = {
      id: 'in_1',
      customer,
      amount_due: 2_000,
      amount_paid: 1_000,
      currency: 'eur',
      status: 'open',
      created: 1_700_000_000,
      hosted_invoice_url: 'https://invoice.test/1',
      invoice_pdf: 'https://invoice.test/1.pdf',
    }
    w.fake.invoices = [invoice, { ...invoice, id: 'in_2', customer: 'cus_other' }]
    const { invoices } = (await w.ask('GET', 'invoices')).json()
    expect(invoices).toEqual([
      {
        id: 'in_1',
        amount: 2_000,
        amount_due: 2_000,
        amount_paid: 1_000,
        currency: 'eur',
        status: 'open',
        created: '2023-11-14T22:13:20Z',
        created_unix: 1_700_000_000,
        hosted_invoice_url: 'https://invoice.test/1',
        invoice_pdf: 'https://invoice.test/1.pdf',
        pdf_url: 'https://invoice.test/1.pdf',
      },
    ])
  })

  it('bad input is named; a provider that fails is 502, and tells no key', async () => {
    const w = await world()
    const member = await t.member()
    for (const [path, payload] of [
      ['checkout', { price_id: 'price_pro_month' }],
      ['portal', {}],
    ] as const)
      expect((await w.ask('POST', path, payload, member)).statusCode).toBe(403)
    expect((await w.ask('GET', 'invoices', undefined, member)).statusCode).toBe(403)
    expect((await w.ask('POST', 'portal', {})).json()).toMatchObject({ error: 'no_customer' })
    const cases: [object, number, string][] = [
      [{}, 422, 'price_id'],
      [{ price_id: 'price_none' }, 422, "No such price: 'price_none'"],
      [{ price_id: 'price_pro_month', seats: 0 }, 422, 'seats'],
      [{ price_id: 'price_pro_month', seats: 3 }, 422, 'seats needs a seat_price_id'],
      [
        { price_id: 'price_pro_month', success_url: 'javascript:alert(1)' },
        400,
        'success_url must be an https:// address',
      ],
      [{ price_id: 'price_pro_month', cancel_url: '/x' }, 400, 'cancel_url must be an https:// address'],
    ]
    for (const [body, status, text] of cases) {
      const answer = await w.ask('POST', 'checkout', body)
      expect([answer.statusCode, answer.body]).toEqual([status, expect.stringContaining(text)])
    }
    w.fake.failsWith = 500
    for (const [method, path, text, payload] of [
      ['GET', 'prices', 'Failed to list products from Stripe'],
      ['GET', 'invoices', 'Failed to list invoices'],
      ['POST', 'checkout', 'Billing unavailable', { price_id: 'price_pro_month' }],
      ['POST', 'portal', 'Billing unavailable', {}],
    ] as const) {
      const answer = await w.ask(method, path, payload)
      expect([path, answer.statusCode, answer.json()]).toEqual([
        path,
        502,
        { error: 'billing_unavailable', message: text },
      ])
    }
  })
})
