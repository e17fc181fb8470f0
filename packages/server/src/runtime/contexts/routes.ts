import Type from 'typebox'
import { BadRequest, Forbidden } from '../../errors.ts'
import { Instant, Nullable, runtimeFailures } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { actorOf, callerOf } from '../../identity/caller.ts'
import { scopeOf } from '../../identity/scope.ts'
import { toWireTime } from '../../storage/instants.ts'
import { JsonObject } from '../http.ts'
import type { KnownContext, SecurityContexts } from './contexts.ts'
import { writtenContext } from './definition.ts'

const tags = ['security-contexts']

const Context = Type.Object({
  name: Type.String(),
  description: Type.String(),
  capabilities: Type.Array(JsonObject, { description: 'Tools by pattern, each with the bounds of its arguments.' }),
  deny_list: Type.Array(Type.String(), { description: 'Tools that no capability brings back.' }),
  is_built_in: Type.Boolean(),
  metadata: Type.Object({
    version: Type.Integer({ description: 'Counts the changes, from 1.' }),
    created_at: Nullable(Instant),
    updated_at: Nullable(Instant),
  }),
})

const named = Type.Object({ name: Type.String() })

function shown(known: KnownContext) {
  const isBuiltIn = known.kind === 'built-in'
  return {
    ...writtenContext(known.context),
    description: isBuiltIn ? '' : known.description,
    is_built_in: isBuiltIn,
    metadata: {
      version: isBuiltIn ? 1 : known.version,
      created_at: isBuiltIn ? null : toWireTime(known.createdAt),
      updated_at: isBuiltIn ? null : toWireTime(known.updatedAt),
    },
  }
}

/** Who may look after contexts and sessions: administrators of the console, and tokens of operators. @throws Forbidden */
export function requireOperator(request: Parameters<typeof callerOf>[0]) {
  const caller = callerOf(request)
  const isOperator =
    caller.kind === 'user'
      ? caller.isAdmin
      : caller.kind === 'token' && (caller.role === 'aegis:admin' || caller.role === 'aegis:operator')
  if (!isOperator) throw new Forbidden('This needs the role aegis:operator or aegis:admin.')
  return caller
}

/** Who may change what all tenants share, such as the keys of SEAL: the same, of the installation's first tenant. @throws Forbidden */
export function requireInstallationOperator(request: Parameters<typeof callerOf>[0]) {
  const caller = requireOperator(request)
  if (caller.kind === 'user' ? caller.isOperator : caller.kind === 'token' && caller.isOfFirstTenant === true)
    return caller
  throw new Forbidden('This is for those who look after the installation.')
}

/** Security contexts over HTTP. */
export function securityContextRoutes(app: App, contexts: SecurityContexts): void {
  app.post(
    '/v1/security-contexts',
    {
      config: { access: 'bearer', scope: 'tenant' },
      schema: {
        tags,
        summary: 'Make a security context, or change it',
        description: 'What runs already keeps the context that it began with.',
        body: JsonObject,
        response: {
          200: Type.Object({ saved: Type.Boolean(), name: Type.String(), version: Type.Integer() }),
          ...runtimeFailures(400, 401, 403, 409, 422),
        },
      },
    },
    async (request) => {
      const caller = requireOperator(request)
      const { name } = request.body
      if (typeof name !== 'string' || name.trim() === '') throw new BadRequest("The context needs a 'name'.")
      const { version } = await contexts.save(scopeOf(caller), request.body, actorOf(caller))
      return { saved: true, name, version }
    },
  )

  app.get(
    '/v1/security-contexts',
    {
      config: { access: 'bearer', scope: 'tenant' },
      schema: {
        tags,
        summary: 'Security contexts: those that every deployment has, then those of the tenant',
        response: { 200: Type.Array(Context), ...runtimeFailures(401, 403) },
      },
    },
    async (request) => (await contexts.list(scopeOf(requireOperator(request)))).map(shown),
  )

  app.get(
    '/v1/security-contexts/:name',
    {
      config: { access: 'bearer', scope: 'tenant' },
      schema: {
        tags,
        summary: 'One security context',
        params: named,
        response: { 200: Context, ...runtimeFailures(401, 403, 404) },
      },
    },
    async (request) => shown(await contexts.get(scopeOf(requireOperator(request)), request.params.name)),
  )

  app.delete(
    '/v1/security-contexts/:name',
    {
      config: { access: 'bearer', scope: 'tenant' },
      schema: {
        tags,
        summary: 'Remove a security context of the tenant',
        description: 'What runs already keeps it; what would begin under it is refused.',
        params: named,
        response: {
          200: Type.Object({ status: Type.String(), name: Type.String() }),
          ...runtimeFailures(401, 403, 404, 409),
        },
      },
    },
    async (request) => {
      const { name } = request.params
      await contexts.delete(scopeOf(requireOperator(request)), name)
      return { status: 'deleted', name }
    },
  )
}
