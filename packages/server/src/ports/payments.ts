/** A provider of payments: what there is to buy, who has bought what, and what it tells. */
export interface Payments {
  /** @throws PaymentsFailed */
  listProducts(): Promise<readonly Product[]>
  /** Make a customer for a tenant; asked again for the same tenant within a day, it is the same one. @throws PaymentsFailed */
  createCustomer(tenant: { readonly id: string; readonly name: string; readonly email: string | null }): Promise<string>
  /** The address of a page where a subscription is bought. @throws PaymentsFailed */
  openCheckout(order: {
    readonly customerId: string
    readonly priceId: string
    readonly seats: { readonly priceId: string; readonly count: number } | null
    readonly successUrl: string
    readonly cancelUrl: string
  }): Promise<string>
  /** The address of a page where a customer looks after its subscription. @throws PaymentsFailed */
  openPortal(customer: { readonly customerId: string; readonly returnUrl: string }): Promise<string>
  /** What a customer has subscribed to, as it is now: what is alive before what has ended, the newest of these. @throws PaymentsFailed */
  findSubscription(customerId: string): Promise<Subscribed | null>
  /** Newest first, 100 at most. @throws PaymentsFailed */
  listInvoices(customerId: string): Promise<readonly Invoice[]>
  /** What the provider tells, if it is who it says it is, and says it now. @throws NotFromProvider */
  readNews(body: string, signature: string): Promise<News>
}

export interface Price {
  readonly id: string
  /** In the smallest unit of the currency. */
  readonly amount: number
  readonly currency: string
}

/** What a tier costs, by the month and by the year, and each seat beyond those that are included. */
export interface Product {
  readonly id: string
  readonly tier: string
  readonly name: string
  readonly description: string
  readonly monthly: Price | null
  readonly annual: Price | null
  readonly seatMonthly: Price | null
  readonly seatAnnual: Price | null
}

export interface Subscribed {
  readonly id: string
  /** Null: the provider's product names none. */
  readonly tier: string | null
  /** In the provider's words; `active` and `trialing` are those in which it counts. */
  readonly status: string
  readonly seats: number
  /** Milliseconds since 1970. */
  readonly currentPeriodEnd: number | null
  readonly cancelAtPeriodEnd: boolean
}

export interface Invoice {
  readonly id: string
  readonly amountDue: number
  readonly amountPaid: number
  readonly currency: string
  readonly status: string
  /** Milliseconds since 1970. */
  readonly createdAt: number
  readonly pageUrl: string | null
  readonly pdfUrl: string | null
}

/** Something has happened; `customerId` is null where it concerns none. */
export interface News {
  readonly id: string
  readonly type: string
  readonly customerId: string | null
}

/** The provider cannot be reached, or refuses. `isInput`: because of what was asked for. Holds no key. */
export class PaymentsFailed extends Error {
  override readonly name = 'PaymentsFailed'
  readonly isInput: boolean
  constructor(message: string, options: { cause?: unknown; isInput: boolean }) {
    super(message, { cause: options.cause })
    this.isInput = options.isInput
  }
}

/** What came does not bear the provider's signature, or an old one. */
export class NotFromProvider extends Error {
  override readonly name = 'NotFromProvider'
}
