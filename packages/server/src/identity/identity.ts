import type { FastifyRequest } from 'fastify'
import { Conflict } from '../errors.ts'
import { basePathOf } from '../http/base-path.ts'
import { createRoom, type Part } from '../part.ts'
import type { Shared } from '../shared.ts'
import { microsOf } from '../storage/instants.ts'
import type { KeyCaller, TokenCaller, UserCaller } from './caller.ts'
import { type ApiKeys, createApiKeys } from './keys.ts'
import { createLocalAccess, type LocalAccess } from './local-access.ts'
import { createLogin, type Login, SESSION_COOKIE } from './login.ts'
import { announceOn, createOpenCalls, type OpenCalls } from './open-calls.ts'
import { createPasswords } from './passwords.ts'
import { identityRoutes } from './routes.ts'
import { createRuntimeKeys, type RuntimeKeys } from './runtime-keys/runtime-keys.ts'
import { createRuntimeKeyStore } from './runtime-keys/store.ts'
import { createSetup, type Setup, SHORTEST_PASSWORD, type TenantFounded } from './setup.ts'
import { createSetupGate, type SetupGate } from './setup-gate.ts'
import { createStanding } from './standing.ts'
import { createIdentityStore, type IdentityStore } from './store.ts'
import { accessRoutes } from './tokens/routes.ts'
import { createServiceAccounts } from './tokens/service-accounts.ts'
import { createAccessStore } from './tokens/store.ts'
import { createTokenKeys } from './tokens/token-keys.ts'
import { createTokens, type Tokens } from './tokens/tokens.ts'

const SESSION_SWEEP_MS = 3_600_000

/** The identity room: who calls, and on whose behalf. */
export interface Identity extends Part {
  readonly setup: Setup
  readonly setupGate: SetupGate
  readonly login: Login
  readonly apiKeys: ApiKeys
  readonly localAccess: LocalAccess
  readonly store: IdentityStore
  readonly tokens: Tokens
  readonly runtimeKeys: RuntimeKeys
  readonly openCalls: OpenCalls
  authenticateSession(request: FastifyRequest): Promise<UserCaller>
  authenticateKey(request: FastifyRequest): Promise<KeyCaller>
  authenticateToken(request: FastifyRequest): Promise<TokenCaller>
  /** Called, in its transaction, for each new tenant. */
  onTenantFounded(listener: TenantFounded): void
  /** Create the administrator named in the environment, when there is no user yet. */
  bootstrap(): Promise<void>
}

export function createIdentity(deps: Shared & { isSecure: boolean; passwordCost?: number }): Identity {
  const { config, clock, random, limiter, database, log, logger, bus, workers, isSecure } = deps
  const store = createIdentityStore(database)
  const founded: TenantFounded[] = []
  const onError = (err: unknown) => logger.error({ err }, 'withdrawn access')
  const announceWithdrawal = announceOn(bus, onError)
  const passwords = createPasswords(deps.passwordCost)
  const setup = createSetup({
    database,
    store,
    passwords,
    clock,
    random,
    tenantFounded: async (scope, within) => {
      for (const listener of founded) await listener(scope, within)
    },
  })
  const setupGate = createSetupGate({ random, baseUrl: config.baseUrl })
  const login = createLogin({
    store,
    passwords,
    clock,
    random,
    limiter,
    attempts: config.loginAttempts,
    windowSeconds: config.loginWindowSeconds,
    ttlHours: config.sessionTtlHours,
    announceWithdrawal,
  })
  const apiKeys = createApiKeys({ store, log, clock, random, announceWithdrawal })
  const localAccess = createLocalAccess({ store, random, limiter, dataDir: config.dataDir })
  const accessStore = createAccessStore(database)
  const tokenKeys = createTokenKeys({ ...deps, store: accessStore })
  const serviceAccounts = createServiceAccounts({ ...deps, store: accessStore, announceWithdrawal })
  const runtimeKeys = createRuntimeKeys({
    store: createRuntimeKeyStore(database),
    accounts: accessStore,
    clock,
    random,
    announceWithdrawal,
  })
  const tokens = createTokens({
    store: accessStore,
    keys: runtimeKeys,
    tokenKeys,
    serviceAccounts,
    clock,
    random,
    baseUrl: config.baseUrl.replace(/\/+$/, '') || `http://${config.host}:${config.port}`,
  })
  const openCalls = createOpenCalls({
    standing: createStanding({ store, accessStore, runtimeKeys, clock }),
    bus,
    workers,
    onError,
  })

  workers.every('session_sweep', SESSION_SWEEP_MS, () => store.purgeSessions(microsOf(clock.now())))

  return {
    setup,
    setupGate,
    login,
    apiKeys,
    localAccess,
    store,
    tokens,
    runtimeKeys,
    openCalls,
    authenticateSession: (request) => login.authenticate(request.cookies[SESSION_COOKIE]),
    authenticateKey: (request) => {
      const agentId = request.headers['x-edictum-agent-id']
      return apiKeys.authenticate(request.headers.authorization, typeof agentId === 'string' ? agentId : undefined)
    },
    authenticateToken: tokens.authenticate,
    onTenantFounded: (listener) => founded.push(listener),
    ...createRoom([
      {
        routes: (app) =>
          identityRoutes(app, {
            setup,
            setupGate,
            login,
            apiKeys,
            localAccess,
            ttlHours: config.sessionTtlHours,
            isSecure,
            cookiePath: basePathOf(config.baseUrl) || '/',
          }),
      },
      { routes: (app) => accessRoutes(app, { tokens, tokenKeys, serviceAccounts, limiter }) },
      { start: (address) => localAccess.publish(address) },
      { stop: openCalls.stop },
    ]),
    async bootstrap() {
      if (await setup.isComplete()) return
      const toSetUp = `open ${config.baseUrl || 'the address of this server'} and create one there`
      if (config.adminEmail === '' || config.adminPassword === '') {
        // On this machine alone that is nobody's business but the newcomer's, who is told where to go.
        const isReachable = !['127.0.0.1', 'localhost', '::1'].includes(config.host)
        if (isReachable)
          logger.warn(
            'There is no administrator. Make one at localhost, at the address in LICTOR_BASE_URL or with the link that `lictor up` prints, or set LICTOR_ADMIN_EMAIL and LICTOR_ADMIN_PASSWORD.',
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
        await setup.createFirstAdministrator({
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
