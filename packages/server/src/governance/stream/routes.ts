import type { FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { Forbidden, InvalidInput, Unavailable } from '../../errors.ts'
import { openEventStream } from '../../http/event-stream.ts'
import { failures } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { type KeyClient, keyOf, userOf } from '../../identity/caller.ts'
import { LONGEST_AGENT_ID } from '../fleet/registrations.ts'
import { withAgentJson } from '../json-body.ts'
import type { AgentStreams } from './agent-stream.ts'
import type { DashboardStreams } from './dashboard-stream.ts'
import type { Hub } from './hub.ts'

const tags = { tags: ['stream'], produces: ['text/event-stream'] }
const Events = Type.Unsafe<never>({
  type: 'string',
  description: 'Server-sent events, each with an id; Last-Event-ID replays.',
})

/** Live streams. */
export function streamRoutes(
  app: App,
  deps: { hub: Pick<Hub, 'isDraining'>; agentStreams: AgentStreams; dashboardStreams: DashboardStreams },
): void {
  const { hub, agentStreams, dashboardStreams } = deps

  app.get(
    '/api/v1/stream',
    {
      config: { access: 'agent', scope: 'environment' },
      schema: {
        ...tags,
        summary: 'Live events for an agent',
        description:
          'Contract updates, assignments and approval decisions. On connect the stream tells the assigned bundle and sends the deployed contracts where `policy_version` is absent or differs.',
        querystring: Type.Object({
          env: Type.String({ description: "Must be the key's environment." }),
          bundle_name: Type.Optional(Type.String({ description: 'Only updates of this bundle.' })),
          policy_version: Type.Optional(Type.String({ description: 'Revision hash the agent runs.' })),
          gates: Type.Optional(
            Type.String({
              description:
                'Revision hash of the gates the agent goes through, `none` for none; where others are in force, `gates_update` is sent on connect.',
            }),
          ),
          tags: Type.Optional(Type.String({ description: 'JSON object; assignment rules match on it.' })),
        }),
        response: { 200: Events, ...failures(401, 403, 422, 503) },
      },
    },
    async (request, reply) => openAgentStream(request, reply, { ...request.query, reads: keyOf(request).client }),
  )

  withAgentJson(app, (scope) => {
    scope.get(
      '/v1/stream',
      {
        config: { access: 'agent', scope: 'environment' },
        schema: {
          ...tags,
          tags: ['rulesets'],
          summary: 'Live events for an agent that reads rulesets',
          description:
            'For edictum 0.18 and later in Python, and the TypeScript and Go SDKs. As `/api/v1/stream`, with every bundle as a Ruleset, signatures in base64, and `ruleset_updated` for who fetches by name. A stream that its client should open again is cut off, not ended.',
          querystring: Type.Object({
            env: Type.Optional(Type.String({ description: "Must be the key's environment; absent, it is that." })),
            bundle_name: Type.Optional(Type.String({ description: 'Only updates of this bundle.' })),
            policy_version: Type.Optional(Type.String({ description: 'Revision hash the agent runs.' })),
            tags: Type.Optional(Type.String({ description: 'JSON object; assignment rules match on it.' })),
          }),
          response: { 200: Events, ...failures(401, 403, 422, 503) },
        },
      },
      async (request, reply) => openAgentStream(request, reply, { ...request.query, reads: 'rulesets' }),
    )
  })

  function openAgentStream(
    request: FastifyRequest,
    reply: FastifyReply,
    query: {
      readonly env?: string
      readonly bundle_name?: string
      readonly policy_version?: string
      readonly gates?: string
      readonly tags?: string
      readonly reads: KeyClient
    },
  ) {
    const caller = keyOf(request)
    const { bundle_name, policy_version, reads } = query
    const env = query.env || caller.env
    if (env !== caller.env)
      throw new Forbidden(`API key is scoped to '${caller.env}', cannot subscribe to '${env}'.`, 'wrong_environment')
    if (caller.agentId !== null && caller.agentId.length > LONGEST_AGENT_ID)
      throw new InvalidInput([
        {
          loc: ['header', 'X-Edictum-Agent-Id'],
          msg: `Value error, an agent id has at most ${LONGEST_AGENT_ID} characters`,
        },
      ])
    refuseWhileDraining(hub)
    void agentStreams.open(
      caller,
      {
        env,
        reads,
        bundleName: bundle_name || null,
        policyVersion: policy_version || null,
        gates: query.gates || null,
        tags: tagsOf(query.tags),
        lastEventId: lastEventIdOf(request),
      },
      openEventStream(reply),
    )
    return reply
  }

  app.get(
    '/api/v1/stream/dashboard',
    {
      config: { access: 'dashboard', scope: 'tenant' },
      schema: {
        ...tags,
        summary: 'Live events for the console',
        response: { 200: Events, ...failures(401, 503) },
      },
    },
    async (request, reply) => {
      const caller = userOf(request)
      refuseWhileDraining(hub)
      void dashboardStreams.open(caller, lastEventIdOf(request), openEventStream(reply))
      return reply
    },
  )

  app.head(
    '/api/v1/stream/dashboard',
    {
      config: { access: 'dashboard', scope: 'tenant' },
      schema: {
        ...tags,
        summary: 'Whether the session would be let in',
        response: { 200: Type.String(), ...failures(401) },
      },
    },
    async (_request, reply) => reply.header('content-type', 'text/event-stream; charset=utf-8').send(''),
  )
}

function refuseWhileDraining(hub: Pick<Hub, 'isDraining'>): void {
  if (hub.isDraining) throw new Unavailable('This server is shutting down. Connect again.', { retryAfter: 1 })
}

/** The id of the last event the client has seen; anything but one of our ids counts as none. */
function lastEventIdOf(request: FastifyRequest): number | null {
  const header = request.headers['last-event-id']
  if (typeof header !== 'string' || !/^\d{1,15}$/.test(header)) return null
  return Number(header)
}

/** Tags as the stream gives them; what is no JSON object is ignored. */
function tagsOf(text: string | undefined): Record<string, unknown> | null {
  if (text === undefined) return null
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null
  } catch {
    return null
  }
}
