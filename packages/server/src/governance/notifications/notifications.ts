import { createCourier } from '../../changes/outbox/courier.ts'
import { type LoggedRecord, STREAM_TOPIC } from '../../changes/stream-log.ts'
import type { TenantScope } from '../../identity/scope.ts'
import type { Part } from '../../part.ts'
import type { Shared } from '../../shared.ts'
import { microsOf } from '../../storage/instants.ts'
import type { Approvals } from '../approvals/approvals.ts'
import { createDiscordInteractions } from '../callbacks/discord.ts'
import { createDecide, type OpenChannel } from '../callbacks/press.ts'
import { callbackRoutes } from '../callbacks/routes.ts'
import { createSlackInteractions } from '../callbacks/slack.ts'
import { createTelegramWebhook } from '../callbacks/telegram.ts'
import type { ChannelType } from '../channel-kinds/channel.ts'
import { createChannelKinds } from '../channel-kinds/kinds.ts'
import { createChannels } from './channels.ts'
import { createDeliver, failureOf } from './deliver.ts'
import { createEnqueue } from './enqueue.ts'
import { channelRoutes } from './routes.ts'
import { createChannelStore } from './store.ts'
import { createVault } from './vault.ts'

/** What falls due while nothing else happens is found this often. */
const LOOK_MS = 5_000
const SWEEP_MS = 3_600_000
/** Buttons of a message work as long as an approval can be pending, and say what became of it for some days more. */
const KEPT_MS = 8 * 24 * 3_600_000

/** Tells people of approvals in their chats and mailboxes, and lets them decide there. */
export function createNotifications(
  deps: Shared & { approvals: Approvals; requireActive: (scope: TenantScope) => Promise<void> },
): Part {
  const {
    config,
    database,
    outbox,
    secretBox,
    outbound,
    mail,
    bus,
    clock,
    random,
    workers,
    logger,
    approvals,
    metrics,
  } = deps
  const store = createChannelStore(database)
  const kinds = createChannelKinds({ outbound, mail })
  const vault = createVault({ secretBox })
  let base = config.baseUrl || `http://${config.host}:${config.port}`
  const link = (path: string) => `${base.replace(/\/+$/, '')}${path}`
  const callbackUrl = (channelId: string) =>
    base.startsWith('https://') ? link(`/api/v1/telegram/webhook/${channelId}`) : null

  const courier = createCourier({
    store: outbox,
    clock,
    random,
    failureOf,
    deliver: createDeliver({
      channels: store,
      outbox,
      approvals,
      kinds,
      open: vault.open,
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
  approvals.onChange(createEnqueue({ channels: store, outbox, kinds, clock, random }))
  // The stream's message comes after the commit: only then is there something to deliver.
  const unsubscribe = bus.subscribe(STREAM_TOPIC, (message) => {
    if ((message as LoggedRecord[]).some(({ type }) => type.startsWith('approval_'))) courier.wake()
  })
  workers.every('notifications', LOOK_MS, async () => courier.wake())
  workers.every('notification_sweep', SWEEP_MS, () => outbox.purge(microsOf(clock.now() - KEPT_MS)))

  const candidates = (type: ChannelType) => async (): Promise<OpenChannel[]> =>
    (await store.listEnabledOfType(type)).flatMap((channel) => {
      const opened = vault.tryOpen(channel)
      return opened ? [{ channel, config: opened }] : []
    })
  const decide = createDecide({ outbox, approvals, requireActive: deps.requireActive })
  const channels = createChannels({
    database,
    store,
    outbox,
    kinds,
    vault,
    outbound,
    clock,
    random,
    callbackUrl,
    wake: courier.wake,
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
      channelRoutes(app, { channels, kinds, vault })
      callbackRoutes(app, {
        telegram: createTelegramWebhook({
          telegram: kinds.telegram,
          candidates: candidates('telegram'),
          decide,
          onError: (err) => logger.warn({ err }, 'a button press in Telegram was not answered'),
        }),
        slack: createSlackInteractions({ now: clock.now, candidates: candidates('slack_app'), decide }),
        discord: createDiscordInteractions({ candidates: candidates('discord'), decide }),
        baseUrl: config.baseUrl,
      })
    },
    async start(address) {
      if (config.baseUrl === '') base = address
      await registerCallbacks()
      courier.wake()
    },
    drain() {
      unsubscribe()
      courier.stop()
    },
    stop: courier.idle,
  }
}
