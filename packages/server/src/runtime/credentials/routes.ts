import Type from 'typebox'
import { BadRequest } from '../../errors.ts'
import { Maybe, runtimeFailures } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { Json, JsonObject, ListOf, listed, missingInBody, requireUuid, runtimeCallerOf } from '../http.ts'
import { type CredentialType, credentialTypes, type GrantTarget } from './credential.ts'
import type { Credentials } from './credentials.ts'
import {
  CredentialBody,
  credentialFields,
  GrantBody,
  namedIn,
  namingFields,
  shownCredential,
  shownGrant,
  tags,
} from './wire.ts'

const maxBody = 65_536 * 2
const byId = Type.Object({ id: Type.String() })

const StoreBody = Type.Object({
  ...namingFields,
  api_key: Type.Optional(Type.String()),
  api_key_value: Type.Optional(Type.String()),
  value: Type.Optional(Type.String()),
  credential_type: Maybe(Type.String()),
  metadata: Maybe(JsonObject),
})

/** Credentials over HTTP. Values go in and never come out. */
export function credentialRoutes(app: App, credentials: Credentials): void {
  app.get(
    '/v1/credentials',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'credential:list' },
      schema: {
        tags,
        summary: 'Credentials',
        response: { 200: ListOf('credentials', CredentialBody), ...runtimeFailures(401, 403) },
      },
    },
    async (request) => {
      const found = await credentials.list(runtimeCallerOf(request))
      return listed(
        'credentials',
        found.map(({ credential, grants }) => shownCredential(credential, grants)),
      )
    },
  )

  app.get(
    '/v1/credentials/:id',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'credential:read' },
      schema: {
        tags,
        summary: 'One credential, without its value',
        params: byId,
        response: {
          200: Type.Object({ ...credentialFields, credential: CredentialBody }),
          ...runtimeFailures(400, 401, 403, 404),
        },
      },
    },
    async (request) => {
      const { credential, grants } = await credentials.get(runtimeCallerOf(request), idOf(request.params.id))
      const shown = shownCredential(credential, grants)
      return { ...shown, credential: shown }
    },
  )

  for (const path of ['/v1/credentials/api-keys', '/v1/credentials/api-key'])
    app.post(
      path,
      {
        config: { access: 'bearer', scope: 'tenant', requires: 'credential:create', maxBody },
        schema: {
          tags,
          summary: 'Store an API key of a provider',
          body: StoreBody,
          response: { 201: CredentialBody, ...runtimeFailures(400, 401, 403, 413, 422, 503) },
        },
      },
      async (request, reply) => {
        const { body } = request
        const { metadata } = body
        const said = metadata && typeof metadata.label === 'string' ? metadata.label : null
        const value = body.api_key ?? body.api_key_value ?? body.value
        if (value === undefined || value === '') throw missingInBody('api_key')
        const { label, ...named } = namedIn(body)
        const credential = await credentials.store(
          runtimeCallerOf(request),
          {
            ...named,
            label: label ?? (said || named.provider),
            type: typeOf(body.credential_type ?? 'secret'),
            metadata: metadata ?? {},
          },
          value,
        )
        reply.code(201)
        return shownCredential(credential, [])
      },
    )

  app.delete(
    '/v1/credentials/:id',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'credential:delete' },
      schema: {
        tags,
        summary: 'Revoke a credential',
        params: byId,
        response: {
          200: Type.Object({ status: Type.Literal('revoked'), id: Type.String(), success: Type.Literal(true) }),
          ...runtimeFailures(400, 401, 403, 404, 503),
        },
      },
    },
    async (request) => {
      const id = idOf(request.params.id)
      await credentials.revoke(runtimeCallerOf(request), id)
      return { status: 'revoked' as const, id, success: true as const }
    },
  )

  app.post(
    '/v1/credentials/:id/rotate',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'credential:rotate', maxBody },
      schema: {
        tags,
        summary: 'Give a credential a new value',
        params: byId,
        body: Type.Object({
          new_value: Maybe(Type.String()),
          value: Maybe(Type.String()),
          provider_params: Type.Optional(Json),
        }),
        response: {
          200: Type.Object({ ...credentialFields, rotated: Type.Literal(true) }),
          ...runtimeFailures(400, 401, 403, 404, 409, 413, 422, 503),
        },
      },
    },
    async (request) => {
      const caller = runtimeCallerOf(request)
      const id = idOf(request.params.id)
      const credential = await credentials.rotate(caller, id, request.body.new_value ?? request.body.value ?? null)
      const { grants } = await credentials.get(caller, id)
      return { ...shownCredential(credential, grants), rotated: true as const }
    },
  )

  app.get(
    '/v1/credentials/:id/grants',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'credential:read' },
      schema: {
        tags,
        summary: 'Who may use a credential',
        params: byId,
        response: { 200: ListOf('grants', GrantBody), ...runtimeFailures(400, 401, 403, 404) },
      },
    },
    async (request) => {
      const { grants } = await credentials.get(runtimeCallerOf(request), idOf(request.params.id))
      return listed('grants', grants.map(shownGrant))
    },
  )

  app.post(
    '/v1/credentials/:id/grants',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'credential:grant', maxBody },
      schema: {
        tags,
        summary: 'Let agents use a credential',
        params: byId,
        body: Type.Object({
          agent_id: Maybe(Type.String()),
          workflow_name: Maybe(Type.String()),
          target_type: Maybe(Type.String()),
          target_value: Maybe(Type.String()),
          permission_type: Maybe(Type.String()),
        }),
        response: { 201: GrantBody, ...runtimeFailures(400, 401, 403, 404, 409, 422) },
      },
    },
    async (request, reply) => {
      const target = targetOf(request.body)
      const permission = request.body.permission_type ?? 'read'
      if (permission === '' || permission.length > 64) throw missingInBody('permission_type')
      const id = idOf(request.params.id)
      const grant = await credentials.grant(runtimeCallerOf(request), id, target, permission)
      reply.code(201)
      return shownGrant(grant)
    },
  )

  app.delete(
    '/v1/credentials/:id/grants/:grant_id',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'credential:grant' },
      schema: {
        tags,
        summary: 'Take a grant back',
        params: Type.Object({ id: Type.String(), grant_id: Type.String() }),
        response: {
          200: Type.Object({
            status: Type.Literal('revoked'),
            grant_id: Type.String(),
            id: Type.String(),
            success: Type.Literal(true),
          }),
          ...runtimeFailures(400, 401, 403, 404),
        },
      },
    },
    async (request) => {
      const { id, grant_id } = request.params
      const grantId = requireUuid(grant_id, `Invalid grant ID: ${grant_id.slice(0, 100)}`)
      await credentials.revokeGrant(runtimeCallerOf(request), idOf(id), grantId)
      return { status: 'revoked' as const, grant_id: grantId, id: grantId, success: true as const }
    },
  )
}

const idOf = (text: string): string => requireUuid(text, `Invalid credential binding ID: ${text.slice(0, 100)}`)

function typeOf(text: string): CredentialType {
  const type = credentialTypes.find((one) => one === text.replace('o_auth2', 'oauth2'))
  if (type !== undefined && type !== 'oauth2') return type
  const message =
    type === 'oauth2'
      ? 'An oauth2 credential comes from signing in: POST /v1/credentials/oauth/initiate.'
      : `Unknown credential type: ${text.slice(0, 100)}`
  throw new BadRequest(message, message)
}

/** To whom a body grants: an agent or a workflow, in either of two spellings; all agents where it names neither. */
function targetOf(body: {
  agent_id?: string | null
  workflow_name?: string | null
  target_type?: string | null
  target_value?: string | null
}): GrantTarget {
  const { agent_id: agent, workflow_name: workflow, target_type: type, target_value: value } = body
  const uuid = (text: string, what: string) => requireUuid(text, `Invalid ${what} UUID: ${text.slice(0, 100)}`)
  const refuse = (text: string): never => {
    throw new BadRequest(text, text)
  }
  if (agent) return { type: 'agent', value: uuid(agent, 'agent') }
  if (workflow) return { type: 'workflow', value: workflow.slice(0, 255) }
  switch (type) {
    case undefined:
    case null:
    case 'all_agents':
      return { type: 'all_agents', value: null }
    case 'agent':
      return value ? { type, value: uuid(value, 'agent') } : refuse('target_value is required for agent grants')
    case 'workflow':
      return value ? { type, value: uuid(value, 'workflow') } : refuse('target_value is required for workflow grants')
    default:
      return refuse(`Invalid target_type: ${type.slice(0, 100)}. Expected 'agent', 'workflow', or 'all_agents'`)
  }
}
