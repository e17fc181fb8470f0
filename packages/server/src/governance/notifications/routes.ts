import Type, { type Static } from 'typebox'
import { userOf } from '../../http/caller.ts'
import { canonicalUuid, failures, Instant, Maybe, Nullable } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { toWireTime, toWireTimeOrNull } from '../../storage/instants.ts'
import { channelTypes } from './channel.ts'
import type { ChannelKinds } from './channels/kinds.ts'
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
    'What the type needs: console-api §10.1. In answers secrets are masked; a mask sent back keeps the secret.',
})
const Name = Type.String({ minLength: 1, maxLength: 100 })
const params = Type.Object({ channel_id: Type.String({ format: 'uuid' }) })

const ChannelBody = Type.Object({
  id: Type.String(),
  name: Type.String(),
  channel_type: Type.Enum([...channelTypes]),
  config: Config,
  enabled: Type.Boolean(),
  filters: Nullable(FiltersBody),
  created_at: Instant,
  last_test_at: Nullable(Instant),
  last_test_ok: Nullable(Type.Boolean()),
})

/** console-api §10.2. */
export function channelRoutes(app: App, deps: { channels: Channels; kinds: ChannelKinds; vault: Vault }): void {
  const { channels, kinds, vault } = deps

  const wireChannel = (channel: StoredChannel) => ({
    id: channel.id,
    name: channel.name,
    channel_type: channel.type,
    config: maskConfig(kinds[channel.type], vault.tryOpen(channel) ?? {}),
    enabled: channel.isEnabled,
    filters: channel.filters && wireFilters(channel.filters),
    created_at: toWireTime(channel.createdAt),
    last_test_at: toWireTimeOrNull(channel.lastTestAt),
    last_test_ok: channel.lastTestOk,
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
    async (request) => (await channels.list(userOf(request))).map(wireChannel),
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
          channel_type: Type.Enum([...channelTypes]),
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
      return wireChannel(changed)
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
