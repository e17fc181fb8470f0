import type { FastifyRequest } from 'fastify'
import { Conflict } from '../errors.ts'
import type { KeyCaller, UserCaller } from '../http/caller.ts'
import type { App } from '../http/server.ts'
import type { Shared } from '../shared.ts'
import type { Queryable } from '../storage/database.ts'
import { microsOf } from '../storage/instants.ts'
import { type ApiKeys, apiKeys } from './keys.ts'
import { type LocalAccess, localAccess } from './local-access.ts'
import { type Login, login, SESSION_COOKIE } from './login.ts'
import { passwords } from './passwords.ts'
import { identityRoutes } from './routes.ts'
import { type Setup, SHORTEST_PASSWORD, setup } from './setup.ts'
import { type IdentityStore, identityStore } from './store.ts'

const SESSION_SWEEP_MS = 3_600_000

/** The identity room, put together. */
export interface Identity {
  readonly setup: Setup
  readonly login: Login
  readonly keys: ApiKeys
  readonly local: LocalAccess
  readonly store: IdentityStore
  authenticateSession(request: FastifyRequest): Promise<UserCaller>
  authenticateKey(request: FastifyRequest): Promise<KeyCaller>
  /** Called, in its transaction, for each new tenant. */
  onTenantFounded(listener: (tenantId: string, within: Queryable) => Promise<void>): void
  routes(app: App): void
  /** Create the administrator named in the environment, when there is no user yet (console-api §3.2). */
  bootstrap(): Promise<void>
}

export function identity(deps: Shared & { isSecure: boolean; passwordCost?: number }): Identity {
  const { config, clock, random, limiter, database, log, logger, workers, isSecure } = deps
  const store = identityStore(database)
  const founded: ((tenantId: string, within: Queryable) => Promise<void>)[] = []
  const hashing = passwords(deps.passwordCost)
  const first = setup({
    database,
    store,
    passwords: hashing,
    clock,
    random,
    tenantFounded: async (tenantId, within) => {
      for (const listener of founded) await listener(tenantId, within)
    },
  })
  const sessions = login({
    store,
    passwords: hashing,
    clock,
    random,
    limiter,
    attempts: config.loginAttempts,
    windowSeconds: config.loginWindowSeconds,
    ttlHours: config.sessionTtlHours,
  })
  const keys = apiKeys({ store, log, clock, random })
  const local = localAccess({ store, random, limiter, dataDir: config.dataDir })
  workers.every('session_sweep', SESSION_SWEEP_MS, () => store.purgeSessions(microsOf(clock.now())))

  return {
    setup: first,
    login: sessions,
    keys,
    local,
    store,
    authenticateSession: (request) => sessions.authenticate(request.cookies[SESSION_COOKIE]),
    authenticateKey: (request) => {
      const agentId = request.headers['x-edictum-agent-id']
      return keys.authenticate(request.headers.authorization, typeof agentId === 'string' ? agentId : undefined)
    },
    onTenantFounded: (listener) => founded.push(listener),
    routes: (app) =>
      identityRoutes(app, { setup: first, login: sessions, keys, local, ttlHours: config.sessionTtlHours, isSecure }),
    async bootstrap() {
      if (await first.isComplete()) return
      const toSetUp = `open ${config.baseUrl || 'the address of this server'} and create one there`
      if (config.adminEmail === '' || config.adminPassword === '') {
        // On this machine alone that is nobody's business but the newcomer's, who is told where to go.
        const isReachable = !['127.0.0.1', 'localhost', '::1'].includes(config.host)
        if (isReachable)
          logger.warn(
            `There is no administrator, and whoever opens this server first becomes it: ${toSetUp}, or set LICTOR_ADMIN_EMAIL and LICTOR_ADMIN_PASSWORD.`,
          )
        return
      }
      if ([...config.adminPassword].length < SHORTEST_PASSWORD) {
        logger.error(
          `No administrator was created: LICTOR_ADMIN_PASSWORD is shorter than ${SHORTEST_PASSWORD} characters. Set a longer one and start again, or ${toSetUp}. Until then nobody can sign in.`,
        )
        return
      }
      try {
        await first.createFirstAdministrator({
          email: config.adminEmail,
          password: config.adminPassword,
          tenantName: 'default',
        })
        logger.info({ email: config.adminEmail }, 'first administrator created')
      } catch (error) {
        // Another process was first: there is an administrator, which is what was wanted.
        if (!(error instanceof Conflict)) throw error
      }
    },
  }
}
