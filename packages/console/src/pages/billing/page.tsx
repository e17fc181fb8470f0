import { useMutation, useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { CreditCard, ReceiptText } from 'lucide-react'
import { ApiError } from '../../api/http.ts'
import { useListKeys } from '../../app/list-keys.ts'
import { useRefusal } from '../../app/permission.ts'
import { Badge } from '../../ui/badge.tsx'
import { Button } from '../../ui/button.tsx'
import { Facts } from '../../ui/facts.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { Card, CardHeading, Page } from '../../ui/page.tsx'
import { Empty, messageOf } from '../../ui/states.tsx'
import { TabPanel, Tabs } from '../../ui/tabs.tsx'
import { useToasts } from '../../ui/toasts.tsx'
import { Withheld } from '../../ui/withheld.tsx'
import { billingQueries, checkOut, openPortal, type Subscription, type Tier } from './queries.ts'

/** What the tenant has subscribed to, what it costs, and what was billed. The money itself is the payment provider's. */
export function BillingPage() {
  const subscription = useQuery(billingQueries.subscription())
  const refusal = useRefusal('administer')
  useListKeys(null, 'Billing')
  const isOff = subscription.error instanceof ApiError && subscription.error.status === 501
  return (
    <Page title="Billing" lead="What this tenant has subscribed to. Cards and invoices are kept by Stripe, not here.">
      {isOff ? (
        <Card>
          <Empty icon={CreditCard} title="This installation takes no money">
            Nothing here is for sale: tiers are set by who looks after the installation. They switch billing on with{' '}
            <code className="font-mono text-sm">STRIPE_SECRET_KEY</code> and{' '}
            <code className="font-mono text-sm">STRIPE_WEBHOOK_SECRET</code>.
          </Empty>
        </Card>
      ) : (
        <div className="flex flex-col gap-4">
          <Card className="overflow-hidden">
            <CardHeading>Subscription</CardHeading>
            <Loaded query={subscription}>{(one) => <Subscribed subscription={one} refusal={refusal} />}</Loaded>
          </Card>
          <Prices current={subscription.data} refusal={refusal} />
          {!refusal && <Invoices />}
        </div>
      )}
    </Page>
  )
}

const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' })

function Subscribed({ subscription, refusal }: { subscription: Subscription; refusal: string | null }) {
  const toasts = useToasts()
  const opening = useMutation({
    mutationFn: () => openPortal(window.location.href),
    onSuccess: ({ url }) => window.location.assign(url),
    onError: (error) => toasts.failed('The portal was not opened', messageOf(error)),
  })
  const { tier, status, current_period_end, cancel_at_period_end, seat_count } = subscription
  return (
    <>
      <Facts
        facts={[
          [
            'Tier',
            <span key="tier" className="font-medium">
              {tier}
            </span>,
          ],
          [
            'Status',
            <Badge key="status" tone={status === 'active' || status === 'trialing' ? 'allow' : 'ask'}>
              {status}
            </Badge>,
          ],
          ...(current_period_end
            ? [[cancel_at_period_end ? 'Ends' : 'Renews', day.format(new Date(current_period_end))] as const]
            : []),
          ['Seats beside those included', seat_count],
        ]}
      />
      <div className="border-t px-4 py-3">
        {refusal ? (
          <Withheld why={refusal} />
        ) : subscription.stripe_customer_id ? (
          <Button busy={opening.isPending} onClick={() => opening.mutate()}>
            Change or cancel at Stripe
          </Button>
        ) : (
          <p className="text-muted text-sm">Not subscribed yet: choose a tier below.</p>
        )}
      </div>
    </>
  )
}

const money = (amount: number, currency: string) =>
  new Intl.NumberFormat(undefined, { style: 'currency', currency: currency.toUpperCase() }).format(
    // Amounts are in the smallest unit; how many of them make a whole one is the currency's.
    amount /
      10 ** (new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2),
  )

function Prices({ current, refusal }: { current: Subscription | undefined; refusal: string | null }) {
  const prices = useQuery(billingQueries.prices())
  const { per = 'month' } = useSearch({ from: '/inside/settings/billing' })
  const navigate = useNavigate({ from: '/settings/billing' })
  return (
    <Card className="overflow-hidden">
      <CardHeading>Tiers</CardHeading>
      <div className="p-4">
        <Tabs
          label="Paid per"
          value={per}
          onChange={(next) => void navigate({ search: next === 'year' ? { per: 'year' } : {} })}
          tabs={[
            { value: 'month', label: 'Monthly' },
            { value: 'year', label: 'Yearly' },
          ]}
        >
          <TabPanel value={per}>
            <Loaded query={prices}>
              {(tiers) =>
                tiers.length === 0 ? (
                  <Empty icon={CreditCard} title="Nothing is offered yet" />
                ) : (
                  <ul aria-label="Tiers" className="grid gap-4 sm:grid-cols-2 lg:grid-cols-3">
                    {tiers.map((tier) => (
                      <Offer key={tier.product_id} tier={tier} per={per} current={current} refusal={refusal} />
                    ))}
                  </ul>
                )
              }
            </Loaded>
          </TabPanel>
        </Tabs>
      </div>
    </Card>
  )
}

interface OfferProps {
  readonly tier: Tier
  readonly per: 'month' | 'year'
  readonly current: Subscription | undefined
  readonly refusal: string | null
}

function Offer({ tier, per, current, refusal }: OfferProps) {
  const toasts = useToasts()
  const price = per === 'year' ? tier.annual : tier.monthly
  const seat = per === 'year' ? tier.seat_annual : tier.seat_monthly
  const checking = useMutation({
    mutationFn: checkOut,
    onSuccess: ({ url }) => window.location.assign(url),
    onError: (error) => toasts.failed('Checkout was not opened', messageOf(error)),
  })
  const isCurrent = current?.tier === tier.tier
  return (
    <li data-row className="flex min-w-0 flex-col rounded-lg border p-4">
      <h3 className="flex items-center gap-2 font-semibold">
        <span className="min-w-0 truncate">{tier.name}</span>
        {isCurrent && <Badge tone="allow">yours</Badge>}
      </h3>
      {tier.description && <p className="mt-1 text-pretty text-muted text-sm">{tier.description}</p>}
      <p className="tabular mt-3 font-semibold text-lg">
        {price ? `${money(price.amount, price.currency)} a ${per}` : `not offered by the ${per}`}
      </p>
      <p className="mb-4 text-muted text-xs">
        {tier.included_seats > 0 && `${tier.included_seats} seats included. `}
        {seat && `Each further seat ${money(seat.amount, seat.currency)}.`}
      </p>
      {price && !isCurrent && !refusal && !current?.stripe_subscription_id && (
        <Button
          variant="primary"
          className="mt-auto self-start"
          busy={checking.isPending}
          onClick={() =>
            checking.mutate({
              price_id: price.price_id,
              success_url: window.location.href,
              cancel_url: window.location.href,
            })
          }
        >
          Subscribe to {tier.name}
        </Button>
      )}
    </li>
  )
}

function Invoices() {
  const invoices = useQuery(billingQueries.invoices())
  return (
    <Card className="overflow-hidden">
      <CardHeading>Invoices</CardHeading>
      <Loaded query={invoices}>
        {(list) =>
          list.length === 0 ? (
            <Empty icon={ReceiptText} title="Nothing was billed yet" />
          ) : (
            <ul aria-label="Invoices" className="divide-y">
              {list.map((invoice) => (
                <li key={invoice.id} data-row className="flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-2.5">
                  <span className="min-w-28 flex-1">{day.format(new Date(invoice.created))}</span>
                  <span className="tabular">{money(invoice.amount, invoice.currency)}</span>
                  <Badge tone={invoice.status === 'paid' ? 'allow' : 'ask'}>{invoice.status}</Badge>
                  {invoice.hosted_invoice_url && (
                    <a href={invoice.hosted_invoice_url} rel="noreferrer" className="underline underline-offset-2">
                      Open
                      <span className="sr-only"> the invoice of {day.format(new Date(invoice.created))}</span>
                    </a>
                  )}
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
    </Card>
  )
}
