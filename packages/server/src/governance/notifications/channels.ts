import type { DeliveryHealth, OutboxStore } from '../../changes/outbox/store.ts'
import { InvalidInput, NotFound } from '../../errors.ts'
import type { UserCaller } from '../../identity/caller.ts'
import { scopeOf } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import { MailFailed } from '../../ports/mail.ts'
import { AddressRefused, type Outbound, OutboundFailed } from '../../ports/outbound.ts'
import type { Random } from '../../ports/random.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import { type ChannelConfig, type ChannelKind, type ChannelType, DeliveryFailed } from '../channel-kinds/channel.ts'
import type { ChannelKinds } from '../channel-kinds/kinds.ts'
import { missingKeys, unmaskConfig } from './config.ts'
import type { Filters } from './filters.ts'
import type { ChannelStore, StoredChannel } from './store.ts'
import type { Vault } from './vault.ts'

export interface NewChannel {
  readonly name: string
  readonly type: ChannelType
  readonly config: ChannelConfig
  readonly filters: Filters | null
}

export interface TestResult {
  readonly success: boolean
  readonly message: string
}

/** The channels of a tenant, as its people keep them. */
export interface Channels {
  /** Newest first. */
  list(caller: UserCaller): Promise<StoredChannel[]>
  /** @throws InvalidInput: a required key is missing, or the address is not to be called. */
  create(caller: UserCaller, channel: NewChannel): Promise<StoredChannel>
  /** `config` replaces the whole configuration; a mask in it keeps the secret behind it. @throws NotFound, InvalidInput. */
  update(
    caller: UserCaller,
    id: string,
    change: { name?: string; config?: ChannelConfig; isEnabled?: boolean; filters?: Filters | null },
  ): Promise<StoredChannel>
  /** How deliveries fare, by channel; none where nothing waits or failed. */
  health(caller: UserCaller): Promise<ReadonlyMap<string, DeliveryHealth>>
  /** @throws NotFound. */
  remove(caller: UserCaller, id: string): Promise<void>
  /** Send one message now, and say what became of it. @throws NotFound. */
  test(caller: UserCaller, id: string): Promise<TestResult>
}

const MISSING = 'Notification channel not found.'

export function createChannels(deps: {
  database: Database
  store: ChannelStore
  outbox: OutboxStore
  kinds: ChannelKinds
  vault: Vault
  outbound: Outbound
  clock: Clock
  random: Random
  /** Where Telegram is to send button presses to; null when it could not reach this server. */
  callbackUrl: (channelId: string) => string | null
  wake: () => void
}): Channels {
  const { database, store, outbox, kinds, vault, outbound, clock, random, callbackUrl, wake } = deps
  const now = () => microsOf(clock.now())

  async function judge(type: ChannelType, config: ChannelConfig): Promise<void> {
    const kind: ChannelKind = kinds[type]
    const missing = missingKeys(kind, config)
    if (missing.length > 0)
      throw new InvalidInput(`Missing required config keys for ${type}: ${missing.join(', ')}`, 'channel_config')
    if (kind.urlKey === undefined) return
    const url = config[kind.urlKey]
    try {
      await outbound.check(typeof url === 'string' ? url : '')
    } catch (error) {
      if (error instanceof AddressRefused)
        throw new InvalidInput(`Invalid ${kind.urlKey}: ${error.message}`, error.code)
      throw error
    }
  }

  /** Telegram proves by this secret that a button press comes from it: it is made once and survives every change. */
  function withCallbackSecret(type: ChannelType, config: ChannelConfig, stored?: ChannelConfig): ChannelConfig {
    if (type !== 'telegram' || config.webhook_secret) return config
    const secret = stored?.webhook_secret || Buffer.from(random.bytes(32)).toString('base64url')
    return { ...config, webhook_secret: secret }
  }

  async function register({ id, type, tenantId, isEnabled }: StoredChannel, within: Queryable): Promise<void> {
    if (type !== 'telegram' || !isEnabled || callbackUrl(id) === null) return
    await outbox.enqueueAgain(
      { id: random.uuid(), tenantId, channelId: id, approvalId: '', kind: 'register', createdAt: now() },
      within,
    )
  }

  return {
    list: (caller) => store.list(scopeOf(caller)),
    health: (caller) => outbox.health(scopeOf(caller)),
    async create(caller, { name, type, filters, ...input }) {
      await judge(type, input.config)
      const channel: StoredChannel = {
        id: random.uuid(),
        tenantId: caller.tenantId,
        name,
        type,
        configSealed: vault.seal(withCallbackSecret(type, input.config)),
        isEnabled: true,
        filters,
        registeredUrl: null,
        lastTestAt: null,
        lastTestOk: null,
        createdAt: now(),
      }
      await database.db.transaction().execute(async (within) => {
        await store.insert(channel, within)
        await register(channel, within)
      })
      wake()
      return channel
    },
    async update(caller, id, { config, ...change }) {
      const before = await store.find(id, scopeOf(caller))
      if (!before) throw new NotFound(MISSING)
      let configSealed: Uint8Array | undefined
      if (config) {
        const stored = vault.tryOpen(before) ?? {}
        const replaced = unmaskConfig(kinds[before.type], config, stored)
        await judge(before.type, replaced)
        configSealed = vault.seal(withCallbackSecret(before.type, replaced, stored))
      }
      const updated = await database.db.transaction().execute(async (within) => {
        const channel = await store.update(scopeOf(caller), id, { ...change, configSealed }, within)
        if (channel && (config || change.isEnabled)) await register(channel, within)
        return channel
      })
      if (!updated) throw new NotFound(MISSING)
      wake()
      return updated
    },
    async remove(caller, id) {
      await database.db.transaction().execute(async (within) => {
        if (!(await store.delete(scopeOf(caller), id, within))) throw new NotFound(MISSING)
        await outbox.deleteOf(id, within)
      })
    },
    async test(caller, id) {
      const channel = await store.find(id, scopeOf(caller))
      if (!channel) throw new NotFound('Channel not found')
      const result = await tryOut(kinds[channel.type], vault.tryOpen(channel), random.uuid())
      await store.recordTest(id, now(), result.success)
      return result
    },
  }
}

async function tryOut(kind: ChannelKind, config: ChannelConfig | null, deliveryId: string): Promise<TestResult> {
  if (!config)
    return { success: false, message: 'Error: the configuration was sealed under another master key; enter it again.' }
  try {
    return { success: true, message: await kind.test(config, deliveryId) }
  } catch (error) {
    if (error instanceof DeliveryFailed) return { success: false, message: error.message }
    if (error instanceof OutboundFailed || error instanceof MailFailed)
      return { success: false, message: `Connection error: ${error.message}` }
    if (error instanceof AddressRefused) return { success: false, message: `Error: ${error.message}` }
    throw error
  }
}
