import type { Failure } from '../../changes/outbox/courier.ts'
import type { Delivery, OutboxStore, Reference } from '../../changes/outbox/store.ts'
import { scopeOfRecord } from '../../identity/scope.ts'
import { MailFailed } from '../../ports/mail.ts'
import { AddressRefused, HostNotFound } from '../../ports/outbound.ts'
import type { Approvals } from '../approvals/approvals.ts'
import { type ChannelConfig, type ChannelType, DeliveryFailed } from '../channel-kinds/channel.ts'
import type { ChannelKinds } from '../channel-kinds/kinds.ts'
import type { ChannelStore, StoredChannel } from './store.ts'

/** Tell one channel one thing, as its kind does it. */
export function createDeliver(deps: {
  channels: ChannelStore
  outbox: OutboxStore
  approvals: Pick<Approvals, 'get'>
  kinds: ChannelKinds
  open: (channel: StoredChannel) => ChannelConfig
  linkTo: (approvalId: string) => string
  callbackUrl: (channelId: string) => string | null
  /** What surrounds each attempt at a channel of this type. */
  measure: <T>(type: ChannelType, attempts: number, attempt: () => Promise<T>) => Promise<T>
}): (delivery: Delivery) => Promise<Reference | null> {
  const { channels, outbox, approvals, kinds, open, linkTo, callbackUrl, measure } = deps

  return async (delivery) => {
    const { channelId } = delivery
    const channel = await channels.find(channelId, scopeOfRecord(delivery))
    if (!channel?.isEnabled) throw new DeliveryFailed('The channel is disabled or deleted.', { isPermanent: true })
    return measure(channel.type, delivery.attempts, () => deliverTo(channel, delivery))
  }

  async function deliverTo(channel: StoredChannel, delivery: Delivery): Promise<Reference | null> {
    const { id, tenantId, channelId, approvalId } = delivery
    const kind = kinds[channel.type]
    const config = open(channel)
    if (delivery.kind === 'register') {
      const url = callbackUrl(channelId)
      if (url !== null) await kinds.telegram.register(config, url)
      if (url !== null) await channels.recordRegistration(channelId, url)
      return null
    }
    const approval = await approvals.get(tenantId, approvalId)
    const notice = { approval, link: linkTo(approvalId), deliveryId: id }
    if (delivery.kind === 'requested') return kind.requested(config, notice)
    if (delivery.kind === 'reminded') {
      // Whoever has decided meanwhile needs no reminder.
      if (approval.outcome.status === 'pending') await kind.reminded?.(config, notice)
      return null
    }
    const reference = (await outbox.findRouted([channelId], approvalId))?.reference ?? null
    await (delivery.kind === 'decided' ? kind.decided : kind.expired)(config, notice, reference)
    return null
  }
}

/** What a failed delivery means for the next attempt. */
export function failureOf(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof DeliveryFailed)
    return { message, isPermanent: error.isPermanent, retryAfterMs: error.retryAfterMs }
  const isPermanent =
    (error instanceof AddressRefused && !(error instanceof HostNotFound)) ||
    (error instanceof MailFailed && error.isPermanent)
  return { message, isPermanent, retryAfterMs: null }
}
