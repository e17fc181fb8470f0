import type { OutboxStore } from '../../changes/outbox/store.ts'
import { scopeOfRecord } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import { microsOf } from '../../storage/instants.ts'
import type { ApprovalChange, ApprovalListener } from '../approvals/approvals.ts'
import type { ChannelKinds } from '../channel-kinds/kinds.ts'
import { accepts } from './filters.ts'
import type { ChannelStore, StoredChannel } from './store.ts'

/** Writes down, with what happens to an approval, who is to be told of it. */
export function createEnqueue(deps: {
  channels: ChannelStore
  outbox: OutboxStore
  kinds: ChannelKinds
  clock: Clock
  random: Random
}): ApprovalListener {
  const { channels, outbox, kinds, clock, random } = deps

  function isFor({ type, filters }: StoredChannel, { kind, approval }: ApprovalChange): boolean {
    switch (kind) {
      case 'requested':
        return accepts(filters, approval)
      case 'reminded':
        return kinds[type].reminded !== undefined && accepts(filters, approval)
      // Who did not ask for the request may still want to know how it ended: filters are for requests.
      case 'decided':
        return true
      case 'expired':
        return kinds[type].isInteractive
    }
  }

  return async (change, within) => {
    const { id: approvalId, tenantId } = change.approval
    const told = (await channels.listEnabled(scopeOfRecord(change.approval), within)).filter((channel) =>
      isFor(channel, change),
    )
    const createdAt = microsOf(clock.now())
    await outbox.enqueue(
      told.map(({ id }) => ({
        id: random.uuid(),
        tenantId,
        channelId: id,
        approvalId,
        kind: change.kind,
        createdAt,
      })),
      within,
    )
  }
}
