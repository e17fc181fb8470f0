import type { App } from '../../http/server.ts'
import type { Shared } from '../../shared.ts'
import { microsOf } from '../../storage/instants.ts'
import type { Approvals } from '../approvals/approvals.ts'
import { type LoggedRecord, STREAM_TOPIC } from '../stream/log.ts'
import { discordInteractions } from './callbacks/discord.ts'
import { deciding, type OpenChannel } from './callbacks/press.ts'
import { callbackRoutes } from './callbacks/routes.ts'
import { slackInteractions } from './callbacks/slack.ts'
import { telegramWebhook } from './callbacks/telegram.ts'
import type { ChannelType } from './channel.ts'
import { channelKinds } from './channels/kinds.ts'
import { channels } from './channels.ts'
import { courier } from './outbox/courier.ts'
import { deliveryTo, failureOf } from './outbox/deliver.ts'
import { enqueueing } from './outbox/enqueue.ts'
import { outboxStore } from './outbox/store.ts'
import { channelRoutes } from './routes.ts'
import { channelStore } from './store.ts'
import { vault } from './vault.ts'

/** What falls due while nothing else happens is found this often. */
const LOOK_MS = 5_000
const SWEEP_MS = 3_600_000
/** Buttons of a message work as long as an approval can be pending, and say what became of it for some days more. */
const KEPT_MS = 8 * 24 * 3_600_000

/** Tells people of approvals in their chats and mailboxes, and lets them decide there (console-api §10). */
export interface Notifications {
  routes(app: App): void
  /** Deliver what an earlier run left behind. `address`: where this server listens. */
  start(address: string): Promise<void>
  /** Begin no further delivery. */
  drain(): void
  /** Resolves when nothing is on its way any more. */
  stop(): Promise<void>
}

export function notifications(deps: Shared & { approvals: Approvals }): Notifications {
  const { config, database, secretBox, outbound, mail, bus, clock, random, workers, logger, approvals, metrics } = deps
  const store = channelStore(database)
  const outbox = outboxStore(database)
  const kinds = channelKinds({ outbound, mail })
  const sealed = vault({ secretBox })
  let base = config.baseUrl || `http://${config.host}:${config.port}`
  const link = (path: string) => `${base.replace(/\/+$/, '')}${path}`
  const callbackUrl = (channelId: string) =>
    base.startsWith('https://') ? link(`/api/v1/telegram/webhook/${channelId}`) : null

  const carrier = courier({
    store: outbox,
    clock,
    random,
    failureOf,
    deliver: deliveryTo({
      channels: store,
      outbox,
      approvals,
      kinds,
      open: sealed.open,
      linkTo: (approvalId) => link(`/dashboard/approvals?id=${approvalId}`),
      callbackUrl,
      async measure(type, attempts, attempt) {
        const labels = { channel_type: type }
        if (attempts > 1) metrics.notificationRetries.inc(labels)
        const started = clock.now()
        let outcome = 'failed'
        try {
          const answer = await attempt()
          outcome = 'sent'
          return answer
        } finally {
          metrics.notificationAttempts.inc({ ...labels, outcome })
          metrics.notificationTime.observe(labels, (clock.now() - started) / 1000)
        }
      },
    }),
    onGivenUp({ id, channelId, kind }, { message }) {
      metrics.notificationsGivenUp.inc()
      logger.warn({ delivery: id, channel: channelId, kind, reason: message }, 'a notification could not be delivered')
    },
    onError: (err) => logger.error({ err }, 'the outbox could not be read; tried again shortly'),
  })
  approvals.onChange(enqueueing({ channels: store, outbox, kinds, clock, random }))
  // The stream's message comes after the commit: only then is there something to deliver.
  const unsubscribe = bus.subscribe(STREAM_TOPIC, (message) => {
    if ((message as LoggedRecord[]).some(({ type }) => type.startsWith('approval_'))) carrier.wake()
  })
  workers.every('notifications', LOOK_MS, async () => carrier.wake())
  workers.every('notification_sweep', SWEEP_MS, () => outbox.purge(microsOf(clock.now() - KEPT_MS)))

  const candidates = (type: ChannelType) => async (): Promise<OpenChannel[]> =>
    (await store.listEnabledOfType(type)).flatMap((channel) => {
      const opened = sealed.tryOpen(channel)
      return opened ? [{ channel, config: opened }] : []
    })
  const decide = deciding({ outbox, approvals })
  const feature = channels({
    database,
    store,
    outbox,
    kinds,
    vault: sealed,
    outbound,
    clock,
    random,
    callbackUrl,
    wake: carrier.wake,
  })

  /** Platforms that were told another address, or none, are told this one. */
  async function registerCallbacks(): Promise<void> {
    const unregistered = (await store.listEnabledOfType('telegram')).filter(
      ({ id, registeredUrl }) => callbackUrl(id) !== null && callbackUrl(id) !== registeredUrl,
    )
    for (const { id, tenantId } of unregistered)
      await outbox.enqueueAgain(
        {
          id: random.uuid(),
          tenantId,
          channelId: id,
          approvalId: '',
          kind: 'register',
          createdAt: microsOf(clock.now()),
        },
        database.db,
      )
  }

  return {
    routes(app) {
      channelRoutes(app, { channels: feature, kinds, vault: sealed })
      callbackRoutes(app, {
        telegram: telegramWebhook({
          telegram: kinds.telegram,
          candidates: candidates('telegram'),
          decide,
          onError: (err) => logger.warn({ err }, 'a button press in Telegram was not answered'),
        }),
        slack: slackInteractions({ now: clock.now, candidates: candidates('slack_app'), decide }),
        discord: discordInteractions({ candidates: candidates('discord'), decide }),
        baseUrl: config.baseUrl,
      })
    },
    async start(address) {
      if (config.baseUrl === '') base = address
      await registerCallbacks()
      carrier.wake()
    },
    drain() {
      unsubscribe()
      carrier.stop()
    },
    stop: carrier.idle,
  }
}
