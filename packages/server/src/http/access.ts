import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Forbidden, InsufficientScope, Unauthenticated } from '../errors.ts'
import type { Caller, KeyCaller, TokenCaller, UserCaller } from '../identity/caller.ts'
import { looksAfterInstallation } from '../identity/caller.ts'
import { type Permission, permissionOfRoute, requirePermission } from '../identity/roles.ts'

/**
 * Who may call a route. Every route declares one; registration fails without it.
 * - `public`: anybody. `dashboard`: a signed-in person. `admin`: one who is an administrator.
 * - `agent`: an Edictum API key. `either`: dashboard or agent.
 * - `bearer`: an access token of the runtime API, or a signed-in person; `scopes` says which permission it needs.
 * - `dispatch`: an execution's bootstrap, by its own address; or a bearer that may execute the agent.
 * - `webhook`: a platform that signs what it sends; the route verifies the signature itself.
 * - `seal`: a client of SEAL, by its signed envelope, its own address or a bearer; the route judges which.
 */
export type Access = 'public' | 'dashboard' | 'admin' | 'agent' | 'either' | 'bearer' | 'dispatch' | 'webhook' | 'seal'

/** What the route's data is confined to: nothing, the caller's tenant, or the tenant and (for keys) the key's environment. */
export type Scope = 'none' | 'tenant' | 'environment'

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access
    scope?: Scope
    /** For `bearer`: the permission scope the token must hold. */
    requires?: string
    /** What it takes of a person; absent: what follows from access, method and scope (`identity/roles.ts`). */
    permission?: Permission
    /** The feature refuses by itself who lacks the permission, because it writes down that they tried. */
    refusesItself?: true
    /** Only for those who look after the installation: administrators of its first tenant. */
    isForOperators?: true
    /** Answered also for people of a tenant that is suspended. */
    whileSuspended?: true
    /** Largest body in bytes; otherwise by path. */
    maxBody?: number
    /** The body is taken as it is (YAML, forms, raw bytes), not as JSON. */
    rawBody?: true
  }
}

/** How each kind of credential is judged. Each throws `Unauthenticated` with the text the wire promises. */
export interface Authenticator {
  session(request: FastifyRequest): Promise<UserCaller>
  apiKey(request: FastifyRequest): Promise<KeyCaller>
  token(request: FastifyRequest): Promise<TokenCaller>
  /** As who somebody acts that a request of the runtime API comes from: its headers may name another tenant. */
  actAs(request: FastifyRequest, caller: TokenCaller | UserCaller): Promise<TokenCaller | UserCaller>
  /** The caller of the dispatch gateway. */
  dispatch(request: FastifyRequest): Promise<Caller>
}

/** Judge the credentials of every request by what its route declares, before its input is validated. */
export function registerAccess(app: FastifyInstance, authenticator: Authenticator): void {
  app.decorateRequest('caller', null)
  app.addHook('onRoute', (route) => {
    if (!route.config?.access || !route.config.scope)
      throw new Error(`${route.method} ${route.url} declares no access or no scope.`)
    if (route.schema === undefined) throw new Error(`${route.method} ${route.url} declares no schema.`)
  })
  app.addHook('preValidation', async (request) => {
    // A path without a route has no access to judge; the not-found handler answers it.
    if (request.is404) return
    const { access = 'admin', requires, refusesItself = false } = request.routeOptions.config
    request.caller = await authenticate(access, request, authenticator)
    if (request.caller?.kind === 'user' && !refusesItself)
      requirePermission(request.caller.role, permissionOfRoute(request.method, request.routeOptions.config))
    if (request.routeOptions.config.isForOperators && !looksAfterInstallation(request.caller))
      throw new Forbidden('Admin role required', 'Admin role required')
    if (requires && request.caller?.kind === 'token' && !request.caller.scopes.has(requires))
      throw new InsufficientScope(requires)
  })
}

async function authenticate(access: Access, request: FastifyRequest, by: Authenticator): Promise<Caller | null> {
  switch (access) {
    case 'public':
    case 'webhook':
    case 'seal':
      return null
    case 'dashboard':
    case 'admin':
      return by.session(request)
    case 'agent':
      return by.apiKey(request)
    case 'either':
      return authenticateEither(request, by)
    case 'bearer':
      // The console calls the runtime API with its session cookie; everything else brings a token.
      return by.actAs(
        request,
        request.headers.authorization === undefined && request.headers.cookie !== undefined
          ? await by.session(request)
          : await by.token(request),
      )
    case 'dispatch':
      return by.dispatch(request)
  }
}

/** An API key speaks first and finally; then the cookie; then whatever else came as authorization. */
async function authenticateEither(request: FastifyRequest, by: Authenticator): Promise<UserCaller | KeyCaller> {
  const header = request.headers.authorization
  if (header?.startsWith('Bearer ') && header.includes('edk_')) return by.apiKey(request)
  try {
    return await by.session(request)
  } catch (error) {
    if (!(error instanceof Unauthenticated)) throw error
    if (header !== undefined) return by.apiKey(request)
    throw new Unauthenticated('Authentication required.')
  }
}
