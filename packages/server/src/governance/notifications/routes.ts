import Type, { type Static } from 'typebox'
import type { DeliveryHealth } from '../../changes/outbox/store.ts'
import { canonicalUuid, failures, Id, Instant, Maybe, Nullable } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { userOf } from '../../identity/caller.ts'
import { toWireTime, toWireTimeOrNull } from '../../storage/instants.ts'
import { channelTypes } from '../channel-kinds/channel.ts'
import type { ChannelKinds } from '../channel-kinds/kinds.ts'
import type { Channels } from './channels.ts'
import { maskConfig } from './config.ts'
import type { Filters } from './filters.ts'
import type { StoredChannel } from './store.ts'
import type { Vault } from './vault.ts'

const tags = { tags: ['notifications'] }
const Texts = Maybe(Type.Array(Type.String({ maxLength: 255 }), { maxItems: 100 }))
const FiltersInput = Type.Object({ environments: Texts, agent_patterns: Texts, contract_names: Texts })
const FiltersBody = Type.Object({
  environments: Nullable(Type.Array(Type.String())),
  agent_patterns: Nullable(Type.Array(Type.String())),
  contract_names: Nullable(Type.Array(Type.String())),
})
const Config = Type.Record(Type.String(), Type.Any(), {
  description:
    'What the type of channel needs; a refusal names each required key that is missing. In answers secrets are masked; a mask sent back keeps the secret.',
})
const Name = Type.String({ minLength: 1, maxLength: 100 })
const params = Type.Object({ channel_id: Type.String({ format: 'uuid' }) })

const ChannelTypeName = Type.Enum([...channelTypes], {
  description: 'Where it sends; `slack` is an incoming webhook, `slack_app` an app with buttons.',
})

const ChannelBody = Type.Object({
  id: Id,
  name: Type.String(),
  channel_type: ChannelTypeName,
  config: Config,
  enabled: Type.Boolean(),
  filters: Nullable(FiltersBody),
  created_at: Instant,
  last_test_at: Nullable(Instant),
  last_test_ok: Nullable(Type.Boolean()),
  delivery: Type.Object(
    {
      waiting: Type.Integer({ description: 'Messages not delivered yet.' }),
      waiting_since: Nullable(Instant),
      failed: Type.Integer({ description: 'Messages given up, as far back as they are kept.' }),
      last_error: Nullable(
        Type.String({ description: 'Of the newest message that failed, or waits because it failed.' }),
      ),
    },
    { description: 'How the channel fares.' },
  ),
})

const untroubled: DeliveryHealth = { waiting: 0, waitingSince: null, failed: 0, lastError: null }

/** The channels of a tenant, as its administrators keep them. */
export function channelRoutes(app: App, deps: { channels: Channels; kinds: ChannelKinds; vault: Vault }): void {
  const { channels, kinds, vault } = deps

  const wireChannel = (channel: StoredChannel, delivery: DeliveryHealth = untroubled) => ({
    id: channel.id,
    name: channel.name,
    channel_type: channel.type,
    config: maskConfig(kinds[channel.type], vault.tryOpen(channel) ?? {}),
    enabled: channel.isEnabled,
    filters: channel.filters && wireFilters(channel.filters),
    created_at: toWireTime(channel.createdAt),
    last_test_at: toWireTimeOrNull(channel.lastTestAt),
    last_test_ok: channel.lastTestOk,
    delivery: {
      waiting: delivery.waiting,
      waiting_since: toWireTimeOrNull(delivery.waitingSince),
      failed: delivery.failed,
      last_error: delivery.lastError,
    },
  })

  app.get(
    '/api/v1/notifications/channels',
    {
      config: { access: 'dashboard', scope: 'tenant' },
      schema: {
        ...tags,
        summary: 'List notification channels, newest first',
        response: { 200: Type.Array(ChannelBody), ...failures(401) },
      },
    },
    async (request) => {
      const caller = userOf(request)
      const health = await channels.health(caller)
      return (await channels.list(caller)).map((channel) => wireChannel(channel, health.get(channel.id)))
    },
  )

  app.post(
    '/api/v1/notifications/channels',
    {
      config: { access: 'admin', scope: 'tenant' },
      schema: {
        ...tags,
        summary: 'Create a notification channel',
        body: Type.Object({
          name: Name,
          channel_type: ChannelTypeName,
          config: Config,
          filters: Maybe(FiltersInput),
        }),
        response: { 201: ChannelBody, ...failures(401, 403, 413, 422) },
      },
    },
    async (request, reply) => {
      const { name, channel_type, config, filters } = request.body
      const created = await channels.create(userOf(request), {
        name,
        type: channel_type,
        config,
        filters: filtersOf(filters),
      })
      return reply.code(201).send(wireChannel(created))
    },
  )

  app.put(
    '/api/v1/notifications/channels/:channel_id',
    {
      config: { access: 'admin', scope: 'tenant' },
      schema: {
        ...tags,
        summary: 'Change a notification channel',
        description:
          'Absent fields keep their value. `config` replaces the whole configuration; `filters: null` removes them.',
        params,
        body: Type.Object({
          name: Maybe(Name),
          config: Maybe(Config),
          enabled: Maybe(Type.Boolean()),
          filters: Maybe(FiltersInput),
        }),
        response: { 200: ChannelBody, ...failures(401, 403, 404, 413, 422) },
      },
    },
    async (request) => {
      const { name, config, enabled, filters } = request.body
      const changed = await channels.update(userOf(request), canonicalUuid(request.params.channel_id), {
        ...(name == null ? {} : { name }),
        ...(config == null ? {} : { config }),
        ...(enabled == null ? {} : { isEnabled: enabled }),
        ...(filters === undefined ? {} : { filters: filtersOf(filters) }),
      })
      return wireChannel(changed, (await channels.health(userOf(request))).get(changed.id))
    },
  )

  app.delete(
    '/api/v1/notifications/channels/:channel_id',
    {
      config: { access: 'admin', scope: 'tenant' },
      schema: {
        ...tags,
        summary: 'Delete a notification channel',
        params,
        response: { 204: Type.Null(), ...failures(401, 403, 404, 422) },
      },
    },
    async (request, reply) => {
      await channels.remove(userOf(request), canonicalUuid(request.params.channel_id))
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/api/v1/notifications/channels/:channel_id/test',
    {
      config: { access: 'admin', scope: 'tenant' },
      schema: {
        ...tags,
        summary: 'Send a test notification',
        description: 'Answers 200 also when the message could not be sent; `success` and `message` say what happened.',
        params,
        response: {
          200: Type.Object({ success: Type.Boolean(), message: Type.String() }),
          ...failures(401, 403, 404, 422),
        },
      },
    },
    (request) => channels.test(userOf(request), canonicalUuid(request.params.channel_id)),
  )
}

function filtersOf(input: Static<typeof FiltersInput> | null | undefined): Filters | null {
  if (!input) return null
  return {
    environments: input.environments ?? null,
    agent_patterns: input.agent_patterns ?? null,
    contract_names: input.contract_names ?? null,
  }
}

const wireFilters = ({ environments, agent_patterns, contract_names }: Filters) => ({
  environments: environments && [...environments],
  agent_patterns: agent_patterns && [...agent_patterns],
  contract_names: contract_names && [...contract_names],
})
