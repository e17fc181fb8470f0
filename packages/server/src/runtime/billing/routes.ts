import Type from 'typebox'
import { BadRequest, Forbidden } from '../../errors.ts'
import { Instant, Maybe, Nullable, runtimeFailures } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import type { Invoice, Price } from '../../ports/payments.ts'
import { toWireTime, toWireTimeOrNull } from '../../storage/instants.ts'
import { ListOf, listed, runtimeCallerOf } from '../http.ts'
import type { RuntimeCaller } from '../visibility.ts'
import type { Billing, Buyer, Offer } from './billing.ts'

const tags = ['billing']
const LONGEST_URL = 2_000
const MOST_SEATS = 10_000
const LARGEST_NEWS = 1_048_576

const PriceShape = Nullable(Type.Object({ price_id: Type.String(), amount: Type.Integer(), currency: Type.String() }))
const OfferShape = Type.Object({
  tier: Type.String(),
  product_id: Type.String(),
  name: Type.String(),
  description: Type.String(),
  included_seats: Type.Integer(),
  monthly: PriceShape,
  annual: PriceShape,
  seat_monthly: PriceShape,
  seat_annual: PriceShape,
})
const InvoiceShape = Type.Object({
  id: Type.String(),
  amount: Type.Integer(),
  amount_due: Type.Integer(),
  amount_paid: Type.Integer(),
  currency: Type.String(),
  status: Type.String(),
  created: Instant,
  created_unix: Type.Integer(),
  hosted_invoice_url: Nullable(Type.String()),
  invoice_pdf: Nullable(Type.String()),
  pdf_url: Nullable(Type.String()),
})
const Address = Type.Object({ url: Type.String() })
const OwnAddress = Maybe(Type.String({ maxLength: LONGEST_URL }))

const priced = (price: Price | null) =>
  price === null ? null : { price_id: price.id, amount: price.amount, currency: price.currency }
const offered = (offer: Offer) => ({
  tier: offer.tier,
  product_id: offer.id,
  name: offer.name,
  description: offer.description,
  included_seats: offer.includedSeats,
  monthly: priced(offer.monthly),
  annual: priced(offer.annual),
  seat_monthly: priced(offer.seatMonthly),
  seat_annual: priced(offer.seatAnnual),
})
const billed = (invoice: Invoice) => ({
  id: invoice.id,
  amount: invoice.amountDue,
  amount_due: invoice.amountDue,
  amount_paid: invoice.amountPaid,
  currency: invoice.currency,
  status: invoice.status,
  created: toWireTime(invoice.createdAt * 1000),
  created_unix: Math.floor(invoice.createdAt / 1000),
  hosted_invoice_url: invoice.pageUrl,
  invoice_pdf: invoice.pdfUrl,
  pdf_url: invoice.pdfUrl,
})

/** Who may spend what the tenant has. @throws Forbidden */
function buyerOf(caller: RuntimeCaller): Buyer {
  const isBuyer =
    caller.kind === 'user'
      ? caller.isAdmin
      : caller.kind === 'token' && ['aegis:admin', 'aegis:operator', 'tenant:admin'].includes(caller.role)
  if (!isBuyer) throw new Forbidden('Only administrators and operators look after what the tenant pays for.')
  return { tenantId: caller.tenantId, email: caller.kind === 'user' ? caller.email : null }
}

/** @throws BadRequest for what no browser can be sent to */
function addressOf(field: string, text: string | null | undefined): string | null {
  if (!text) return null
  const url = URL.canParse(text) ? new URL(text) : null
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:')
    throw new BadRequest(`${field} must be an https:// address.`, 'invalid_url')
  return url.href
}

/** Billing over HTTP: 501 on every route where nothing is sold. */
export function billingRoutes(app: App, billing: Billing): void {
  app.get(
    '/v1/billing/prices',
    {
      config: { access: 'public', scope: 'none' },
      schema: {
        tags,
        summary: 'What the tiers cost',
        response: { 200: Type.Object({ tiers: Type.Array(OfferShape) }), ...runtimeFailures(501, 502) },
      },
    },
    async () => ({ tiers: (await billing.listOffers()).map(offered) }),
  )

  app.post(
    '/v1/billing/checkout',
    {
      config: { access: 'bearer', scope: 'tenant' },
      schema: {
        tags,
        summary: 'A page where the tenant subscribes',
        body: Type.Object({
          price_id: Type.String({ minLength: 1, maxLength: 255 }),
          seat_price_id: Maybe(Type.String({ minLength: 1, maxLength: 255 })),
          seats: Maybe(Type.Integer({ minimum: 1, maximum: MOST_SEATS })),
          success_url: OwnAddress,
          cancel_url: OwnAddress,
        }),
        response: { 200: Address, ...runtimeFailures(400, 401, 403, 409, 422, 501, 502) },
      },
    },
    async (request) => {
      const { price_id, seat_price_id, seats, success_url, cancel_url } = request.body
      const url = await billing.openCheckout(buyerOf(runtimeCallerOf(request)), {
        priceId: price_id,
        seatPriceId: seat_price_id ?? null,
        seats: seats ?? null,
        successUrl: addressOf('success_url', success_url),
        cancelUrl: addressOf('cancel_url', cancel_url),
      })
      return { url }
    },
  )

  app.post(
    '/v1/billing/portal',
    {
      config: { access: 'bearer', scope: 'tenant' },
      schema: {
        tags,
        summary: 'A page where the tenant looks after its subscription',
        body: Nullable(Type.Object({ return_url: OwnAddress })),
        response: { 200: Address, ...runtimeFailures(400, 401, 403, 409, 422, 501, 502) },
      },
    },
    async (request) => {
      const buyer = buyerOf(runtimeCallerOf(request))
      return { url: await billing.openPortal(buyer, addressOf('return_url', request.body?.return_url)) }
    },
  )

  app.get(
    '/v1/billing/subscription',
    {
      config: { access: 'bearer', scope: 'tenant' },
      schema: {
        tags,
        summary: 'What the tenant has subscribed to',
        response: {
          200: Type.Object({
            tenant_id: Type.String(),
            tier: Type.String(),
            status: Type.String(),
            current_period_end: Nullable(Instant),
            cancel_at_period_end: Type.Boolean(),
            seat_count: Type.Integer(),
            stripe_customer_id: Nullable(Type.String()),
            stripe_subscription_id: Nullable(Type.String()),
          }),
          ...runtimeFailures(401, 501),
        },
      },
    },
    async (request) => {
      const caller = runtimeCallerOf(request)
      const found = await billing.find(caller)
      return {
        tenant_id: caller.tenantId,
        tier: found?.tier ?? 'free',
        status: found?.status ?? 'none',
        current_period_end: toWireTimeOrNull(found?.currentPeriodEnd ?? null),
        cancel_at_period_end: found?.cancelAtPeriodEnd ?? false,
        seat_count: found?.seats ?? 0,
        stripe_customer_id: found?.customerId ?? null,
        stripe_subscription_id: found?.subscriptionId ?? null,
      }
    },
  )

  app.get(
    '/v1/billing/invoices',
    {
      config: { access: 'bearer', scope: 'tenant' },
      schema: {
        tags,
        summary: 'What the tenant was billed, newest first',
        response: { 200: ListOf('invoices', InvoiceShape), ...runtimeFailures(401, 403, 501, 502) },
      },
    },
    async (request) => {
      const buyer = buyerOf(runtimeCallerOf(request))
      return listed('invoices', (await billing.listInvoices(buyer)).map(billed))
    },
  )

  app.post(
    '/v1/billing/webhook',
    {
      config: { access: 'webhook', scope: 'none', rawBody: true, maxBody: LARGEST_NEWS },
      schema: {
        tags,
        summary: 'What Stripe tells',
        response: { 200: Type.Object({ received: Type.Boolean() }), ...runtimeFailures(400, 501, 502, 503) },
      },
    },
    async (request) => {
      const signature = request.headers['stripe-signature']
      const body = typeof request.body === 'string' ? request.body : ''
      await billing.hear(body, typeof signature === 'string' ? signature : '')
      return { received: true }
    },
  )
}
