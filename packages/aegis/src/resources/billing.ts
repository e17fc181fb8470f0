import type { RequestOptions } from '../http/options.ts'
import type { Transport } from '../http/transport.ts'

export interface TierPrice {
  readonly price_id: string
  /** In the smallest unit of the currency. */
  readonly amount: number
  readonly currency: string
}

export interface TierPricing {
  readonly tier: string
  readonly product_id: string
  readonly name: string
  readonly description: string
  readonly included_seats: number
  readonly monthly: TierPrice | null
  readonly annual: TierPrice | null
  readonly seat_monthly: TierPrice | null
  readonly seat_annual: TierPrice | null
}

export interface CheckoutOptions {
  readonly seatPriceId?: string
  readonly seats?: number
  readonly successUrl?: string
  readonly cancelUrl?: string
}

export interface BillingSubscription {
  readonly tier: string
  readonly status: string
  readonly current_period_end: string | null
  readonly cancel_at_period_end: boolean
  readonly stripe_customer_id: string | null
  readonly stripe_subscription_id?: string | null
  readonly tenant_id?: string
  readonly seat_count?: number
}

export interface BillingInvoice {
  readonly id: string
  readonly amount: number
  readonly currency: string
  readonly status: string
  readonly created: string
  readonly pdf_url: string | null
  readonly amount_due?: number
  readonly amount_paid?: number
  readonly hosted_invoice_url?: string | null
}

/** What the tenant pays for. Each call rejects with an `AegisError`; where nothing is sold, with a `NotConfiguredError`. */
export function billingMethods(transport: Transport) {
  return {
    async listPrices(options?: RequestOptions): Promise<{ readonly tiers: readonly TierPricing[] }> {
      return transport.json({ method: 'GET', path: '/v1/billing/prices' }, options)
    },

    /** The address of a page where the tenant subscribes. */
    async createCheckoutSession(
      priceId: string,
      { seatPriceId, seats, successUrl, cancelUrl }: CheckoutOptions = {},
      options?: RequestOptions,
    ): Promise<{ readonly url: string }> {
      const json = {
        price_id: priceId,
        seat_price_id: seatPriceId,
        seats,
        success_url: successUrl,
        cancel_url: cancelUrl,
      }
      return transport.json({ method: 'POST', path: '/v1/billing/checkout', json }, options)
    },

    /** The address of a page where the tenant looks after its subscription. */
    async createPortalSession(options?: RequestOptions): Promise<{ readonly url: string }> {
      return transport.json({ method: 'POST', path: '/v1/billing/portal' }, options)
    },

    async getSubscriptionBilling(options?: RequestOptions): Promise<BillingSubscription> {
      return transport.json({ method: 'GET', path: '/v1/billing/subscription' }, options)
    },

    async getInvoices(
      options?: RequestOptions,
    ): Promise<{ readonly invoices: readonly BillingInvoice[]; readonly count?: number }> {
      return transport.json({ method: 'GET', path: '/v1/billing/invoices' }, options)
    },
  }
}

export type BillingMethods = ReturnType<typeof billingMethods>
