import { Stripe } from 'stripe'
import type { Clock } from '../../ports/clock.ts'
import type { Fetch } from '../../ports/fetch.ts'
import { NotFromProvider, type Payments, PaymentsFailed, type Price, type Subscribed } from '../../ports/payments.ts'

const TIMEOUT_MS = 20_000
/** Seconds that a signature is good for. */
const TOLERANCE_SECONDS = 300
const alive: ReadonlySet<string> = new Set(['active', 'trialing', 'past_due'])

/**
 * Payments by Stripe. Products say by `metadata.tier` which tier they are (`pro`, `business`, `enterprise`); a price for each seat
 * says `metadata.seat: "true"`; monthly and annual go by how often a price recurs.
 */
export function createStripePayments(deps: {
  secretKey: string
  /** Empty: no news can be read. */
  webhookSecret: string
  /** Where it is instead of api.stripe.com; empty: there. */
  baseUrl: string
  fetch: Fetch
  clock: Clock
}): Payments {
  const { webhookSecret, fetch, clock } = deps
  const stripe = new Stripe(deps.secretKey, {
    ...(deps.baseUrl === '' ? {} : placeOf(deps.baseUrl)),
    httpClient: Stripe.createFetchHttpClient(fetch),
    timeout: TIMEOUT_MS,
    maxNetworkRetries: 2,
    telemetry: false,
  })

  async function asked<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof Stripe.errors.StripeError)) throw error
      const isInput = error instanceof Stripe.errors.StripeInvalidRequestError
      throw new PaymentsFailed(isInput ? error.message : 'Stripe does not answer, or refuses.', {
        cause: error,
        isInput,
      })
    }
  }

  async function newestOf(customerId: string): Promise<Stripe.Subscription | null> {
    const { data } = await stripe.subscriptions.list({
      customer: customerId,
      status: 'all',
      limit: 100,
      expand: ['data.items.data.price.product'],
    })
    const ordered = data.toSorted(
      (a, b) => Number(alive.has(b.status)) - Number(alive.has(a.status)) || b.created - a.created,
    )
    return ordered[0] ?? null
  }

  return {
    listProducts: () =>
      asked(async () => {
        const [products, prices] = await Promise.all([
          stripe.products.list({ active: true, limit: 100 }),
          stripe.prices.list({ active: true, type: 'recurring', limit: 100 }),
        ])
        return products.data.flatMap((product) => {
          const tier = product.metadata.tier
          if (tier === undefined) return []
          const of = prices.data.filter((price) => idOf(price.product) === product.id)
          const find = (interval: string, isSeat: boolean): Price | null => {
            const found = of.find(
              (price) =>
                price.recurring?.interval === interval && isSeatPrice(price) === isSeat && price.unit_amount !== null,
            )
            return found ? { id: found.id, amount: found.unit_amount ?? 0, currency: found.currency } : null
          }
          return [
            {
              id: product.id,
              tier,
              name: product.name,
              description: product.description ?? '',
              monthly: find('month', false),
              annual: find('year', false),
              seatMonthly: find('month', true),
              seatAnnual: find('year', true),
            },
          ]
        })
      }),
    createCustomer: ({ id, name, email }) =>
      asked(async () => {
        const customer = await stripe.customers.create(
          { name, metadata: { tenant_id: id }, ...(email === null ? {} : { email }) },
          { idempotencyKey: `lictor-customer-${id}` },
        )
        return customer.id
      }),
    openCheckout: ({ customerId, priceId, seats, successUrl, cancelUrl }) =>
      asked(async () => {
        const session = await stripe.checkout.sessions.create({
          mode: 'subscription',
          customer: customerId,
          line_items: [
            { price: priceId, quantity: 1 },
            ...(seats === null ? [] : [{ price: seats.priceId, quantity: seats.count }]),
          ],
          success_url: successUrl,
          cancel_url: cancelUrl,
        })
        return addressIn(session.url)
      }),
    openPortal: ({ customerId, returnUrl }) =>
      asked(async () => {
        const session = await stripe.billingPortal.sessions.create({ customer: customerId, return_url: returnUrl })
        return addressIn(session.url)
      }),
    findSubscription: (customerId) =>
      asked(async () => {
        const found = await newestOf(customerId)
        return found === null ? null : subscribed(found)
      }),
    listInvoices: (customerId) =>
      asked(async () => {
        const { data } = await stripe.invoices.list({ customer: customerId, limit: 100 })
        return data.map((invoice) => ({
          id: invoice.id ?? '',
          amountDue: invoice.amount_due,
          amountPaid: invoice.amount_paid,
          currency: invoice.currency,
          status: invoice.status ?? 'draft',
          createdAt: invoice.created * 1000,
          pageUrl: invoice.hosted_invoice_url ?? null,
          pdfUrl: invoice.invoice_pdf ?? null,
        }))
      }),
    async readNews(body, signature) {
      try {
        const event = await stripe.webhooks.constructEventAsync(
          body,
          signature,
          webhookSecret,
          TOLERANCE_SECONDS,
          undefined,
          clock.now(),
        )
        const about = event.data.object as unknown as {
          readonly object?: string
          readonly id?: string
          readonly customer?: unknown
        }
        const customer = about.object === 'customer' ? about.id : idOf(about.customer)
        return { id: event.id, type: event.type, customerId: customer ?? null }
      } catch (error) {
        if (error instanceof Stripe.errors.StripeSignatureVerificationError || error instanceof SyntaxError)
          throw new NotFromProvider('The signature is not of this body, or older than five minutes.', { cause: error })
        throw error
      }
    },
  }
}

function placeOf(address: string): { host: string; port: number; protocol: 'http' | 'https' } {
  const { hostname, port, protocol } = new URL(address)
  const isPlain = protocol === 'http:'
  return {
    host: hostname,
    port: port === '' ? (isPlain ? 80 : 443) : Number(port),
    protocol: isPlain ? 'http' : 'https',
  }
}

/** An id, of a thing that Stripe gives whole or by its id. */
function idOf(thing: unknown): string | undefined {
  if (typeof thing === 'string') return thing
  const id = (thing as { readonly id?: unknown } | null | undefined)?.id
  return typeof id === 'string' ? id : undefined
}

const isSeatPrice = ({ metadata }: { readonly metadata: Readonly<Record<string, string>> }): boolean =>
  metadata.seat === 'true'

function subscribed(subscription: Stripe.Subscription): Subscribed {
  const items = subscription.items.data
  const base = items.find(({ price }) => !isSeatPrice(price))
  const product = base?.price.product
  const metadata = typeof product === 'object' && 'metadata' in product ? product.metadata : {}
  const end = base?.current_period_end
  return {
    id: subscription.id,
    tier: metadata.tier ?? null,
    status: subscription.status,
    seats: items.find(({ price }) => isSeatPrice(price))?.quantity ?? 0,
    currentPeriodEnd: end === undefined ? null : end * 1000,
    cancelAtPeriodEnd: subscription.cancel_at_period_end,
  }
}

function addressIn(url: string | null): string {
  if (url === null) throw new PaymentsFailed('Stripe gave no address to go to.', { isInput: false })
  return url
}
