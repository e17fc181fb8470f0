import { AegisClient, NotConfiguredError } from '@lictor/aegis'
import { afterEach, expect, it } from 'vitest'
import { type FakeStripe, startStripe } from '../stripe.ts'
import { driveGroup } from './driven.ts'

driveGroup('billing', (open) => {
  let stripe: FakeStripe | undefined
  afterEach(async () => {
    await stripe?.close()
    stripe = undefined
  })

  it('is bought, looked after, and told', async () => {
    stripe = await startStripe()
    const { client, baseUrl } = await open({ environment: stripe.environment })
    const { tiers } = await new AegisClient({ baseUrl }).listPrices()
    expect(await client.listPrices()).toEqual({ tiers })
    expect(tiers.map(({ tier }) => tier)).toEqual(['pro', 'business'])
    expect(await client.getSubscriptionBilling()).toMatchObject({
      tier: 'free',
      status: 'none',
      stripe_customer_id: null,
    })
    const { url } = await client.createCheckoutSession(tiers[0]?.monthly?.price_id ?? '')
    expect(url).toContain('https://checkout.test/cus_')
    expect((await client.createPortalSession()).url).toContain('https://portal.test/cus_')
    expect((await client.getInvoices()).invoices).toEqual([])
  })

  it('is not configured where no key is set', async () => {
    const { client } = await open()
    await expect(client.listPrices()).rejects.toBeInstanceOf(NotConfiguredError)
  })
})
