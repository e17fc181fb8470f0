import type { Logger } from 'pino'
import { BadRequest, Conflict, DomainError, InvalidInput, NotConfigured, Unavailable } from '../../errors.ts'
import { scopeOfRecord, systemScope, type TenantScope } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import { type Invoice, NotFromProvider, type Payments, PaymentsFailed, type Product } from '../../ports/payments.ts'
import type { Queryable } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import type { BillingStore, Subscription } from './store.ts'

/** Tiers that are sold, in the order in which they are shown, with the seats that each includes. */
const sold = [
  { tier: 'pro', includedSeats: 0 },
  { tier: 'business', includedSeats: 5 },
  { tier: 'enterprise', includedSeats: 10 },
] as const
/** In which a subscription counts. */
const inForce: ReadonlySet<string> = new Set(['active', 'trialing'])
/** In which there is something to look after rather than to buy. */
const standing: ReadonlySet<string> = new Set(['active', 'trialing', 'past_due', 'unpaid', 'paused'])
/** Changes that may overtake a look at the provider before it is given up. */
const MOST_LOOKS = 10
/** The provider tells something again for three days at most. */
const KEPT_MS = 30 * 86_400_000

export interface Offer extends Product {
  readonly includedSeats: number
}

export interface Buyer {
  readonly tenantId: string
  /** Where invoices go; null where it is not known. */
  readonly email: string | null
}

/** Subscriptions of tenants, by a provider of payments. Every method throws NotConfigured where there is none. */
export interface Billing {
  /** @throws DomainError 502 */
  listOffers(): Promise<readonly Offer[]>
  /** The address of a page where the tenant buys. @throws Conflict when it has a subscription; InvalidInput; DomainError 502 */
  openCheckout(
    buyer: Buyer,
    order: {
      readonly priceId: string
      readonly seatPriceId: string | null
      readonly seats: number | null
      readonly successUrl: string | null
      readonly cancelUrl: string | null
    },
  ): Promise<string>
  /** @throws Conflict for who has bought nothing yet; DomainError 502 */
  openPortal(buyer: Buyer, returnUrl: string | null): Promise<string>
  /** Null: it has never bought. */
  find(tenant: { readonly tenantId: string }): Promise<Subscription | null>
  /** @throws DomainError 502 */
  listInvoices(tenant: { readonly tenantId: string }): Promise<readonly Invoice[]>
  /** Take in what the provider tells: false when it was taken in before, or concerns nobody here. @throws BadRequest */
  hear(body: string, signature: string): Promise<boolean>
  /** The tier a tenant has paid for: `free` without a subscription in force. Null: nothing is sold here. */
  tierOf(scope: TenantScope, within?: Queryable): Promise<string | null>
  forgetOld(): Promise<void>
}

/** Whether a subscription counts. */
export const isInForce = ({ status }: Pick<Subscription, 'status'>): boolean => inForce.has(status)

export function createBilling(deps: {
  store: BillingStore
  /** Null: not configured. */
  payments: Payments | null
  /** Whether what the provider tells can be told from what others say. */
  hearsNews: boolean
  /** Where people are sent back to. */
  homeUrl: string
  clock: Clock
  logger: Logger
}): Billing {
  const { store, homeUrl, clock, logger } = deps

  function provider(): Payments {
    if (deps.payments === null) throw new NotConfigured('Stripe billing is not configured', 'billing_not_configured')
    return deps.payments
  }

  /** What the provider did not do, in the words of what was asked for. */
  async function asked<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof PaymentsFailed)) throw error
      if (error.isInput) throw new InvalidInput(error.message, 'refused_by_provider')
      logger.warn({ err: error }, what)
      throw new DomainError(502, 'billing_unavailable', what, { cause: error })
    }
  }

  async function customerOf({ tenantId, email }: Buyer): Promise<Subscription> {
    const scope = scopeOfRecord({ tenantId })
    const known = await store.find(scope)
    if (known) return known
    const named = await store.nameOf(scope)
    const customerId = await asked('Billing unavailable', () =>
      provider().createCustomer({ id: tenantId, name: named?.name ?? tenantId, email }),
    )
    await store.insert({
      tenantId,
      customerId,
      subscriptionId: null,
      tier: 'free',
      status: 'none',
      seats: 0,
      currentPeriodEnd: null,
      cancelAtPeriodEnd: false,
      updatedAt: microsOf(clock.now()),
      revision: 1,
    })
    const made = await store.find(scope)
    if (!made) throw new Error(`The customer of tenant ${tenantId} is gone as soon as it was stored.`)
    return made
  }

  /** As the provider has it now, whatever was told in whatever order. */
  async function asItIs(known: Subscription): Promise<Subscription> {
    const found = await asked('Billing unavailable', () => provider().findSubscription(known.customerId))
    const updatedAt = microsOf(clock.now())
    if (found === null) return { ...known, subscriptionId: null, tier: 'free', status: 'none', seats: 0, updatedAt }
    const tier = sold.find((one) => one.tier === found.tier)?.tier
    if (tier === undefined)
      logger.warn({ subscription: found.id, tier: found.tier }, 'the product of a subscription names no tier')
    return {
      ...known,
      subscriptionId: found.id,
      tier: tier ?? 'free',
      status: found.status,
      seats: found.seats,
      currentPeriodEnd: found.currentPeriodEnd === null ? null : microsOf(found.currentPeriodEnd),
      cancelAtPeriodEnd: found.cancelAtPeriodEnd,
      updatedAt,
    }
  }

  return {
    async listOffers() {
      const products = await asked('Failed to list products from Stripe', () => provider().listProducts())
      return sold.flatMap(({ tier, includedSeats }) => {
        const product = products.find((one) => one.tier === tier)
        return product ? [{ ...product, includedSeats }] : []
      })
    },
    async openCheckout(buyer, order) {
      const payments = provider()
      if (order.seats !== null && order.seatPriceId === null)
        throw new InvalidInput([{ loc: ['body', 'seat_price_id'], msg: 'seats needs a seat_price_id.' }])
      const known = await customerOf(buyer)
      if (standing.has(known.status))
        throw new Conflict(
          'There is a subscription already. Change it in the portal (POST /v1/billing/portal).',
          'subscribed',
        )
      const { priceId, seatPriceId, seats, successUrl, cancelUrl } = order
      return asked('Billing unavailable', () =>
        payments.openCheckout({
          customerId: known.customerId,
          priceId,
          seats: seatPriceId === null ? null : { priceId: seatPriceId, count: seats ?? 1 },
          successUrl: successUrl ?? homeUrl,
          cancelUrl: cancelUrl ?? homeUrl,
        }),
      )
    },
    async openPortal(buyer, returnUrl) {
      const payments = provider()
      const known = await store.find(scopeOfRecord(buyer))
      if (!known) throw new Conflict('Nothing was bought yet (POST /v1/billing/checkout).', 'no_customer')
      return asked('Billing unavailable', () =>
        payments.openPortal({ customerId: known.customerId, returnUrl: returnUrl ?? homeUrl }),
      )
    },
    async find(tenant) {
      provider()
      return store.find(scopeOfRecord(tenant))
    },
    async listInvoices(tenant) {
      const payments = provider()
      const known = await store.find(scopeOfRecord(tenant))
      return known ? asked('Failed to list invoices', () => payments.listInvoices(known.customerId)) : []
    },
    async hear(body, signature) {
      const payments = provider()
      if (!deps.hearsNews)
        throw new NotConfigured(
          'STRIPE_WEBHOOK_SECRET is not set: what Stripe tells cannot be verified.',
          'webhook_not_configured',
        )
      const news = await payments.readNews(body, signature).catch((error: unknown) => {
        throw error instanceof NotFromProvider ? new BadRequest(error.message, 'invalid_signature') : error
      })
      const at = microsOf(clock.now())
      for (let look = 0; look < MOST_LOOKS; look++) {
        if (await store.isTold(systemScope, news.id)) return false
        const known = news.customerId === null ? null : await store.findByCustomer(systemScope, news.customerId)
        if (!known) return false
        const outcome = await store.takeIn({ id: news.id, type: news.type, at }, await asItIs(known))
        if (outcome === 'stale') continue
        return outcome === 'taken'
      }
      throw new Unavailable('The subscription changes too fast. Tell it again.', { retryAfter: 5 })
    },
    async tierOf(scope, within) {
      if (deps.payments === null) return null
      const known = await store.find(scope, within)
      return known && isInForce(known) ? known.tier : 'free'
    },
    forgetOld: () => store.forget(systemScope, microsOf(clock.now() - KEPT_MS)),
  }
}
