import type { FastifyReply, FastifyRequest } from 'fastify'
import { Conflict, Unauthenticated } from '../errors.ts'
import { basePathOf } from '../http/base-path.ts'
import { createRoom, type Part } from '../part.ts'
import type { Shared } from '../shared.ts'
import { microsOf } from '../storage/instants.ts'
import { createAccount } from './account/account.ts'
import { accountRoutes } from './account/routes.ts'
import { recordActs } from './acts/acts.ts'
import { actRoutes } from './acts/routes.ts'
import { createActStore } from './acts/store.ts'
import type { KeyCaller, TokenCaller, UserCaller } from './caller.ts'
import { colonyRoutes } from './colony/routes.ts'
import { teamRoutes } from './colony/team-routes.ts'
import { createInvitations } from './invitations/invitations.ts'
import { invitationRoutes } from './invitations/routes.ts'
import { createInvitationStore } from './invitations/store.ts'
import { type ApiKeys, createApiKeys } from './keys.ts'
import { createLocalAccess, type LocalAccess } from './local-access.ts'
import { createLogin, type Login, SESSION_COOKIE } from './login.ts'
import { createMailer } from './mailer.ts'
import { createMembers } from './members/members.ts'
import { memberRoutes } from './members/routes.ts'
import { createMemberStore } from './members/store.ts'
import { announceOn, createOpenCalls, type OpenCalls } from './open-calls.ts'
import { createPasswords } from './passwords.ts'
import { createRecovery } from './recovery/recovery.ts'
import { recoveryRoutes } from './recovery/routes.ts'
import { createPasswordLinkStore } from './recovery/store.ts'
import { identityRoutes } from './routes.ts'
import { createRuntimeKeys, type RuntimeKeys } from './runtime-keys/runtime-keys.ts'
import { createRuntimeKeyStore } from './runtime-keys/store.ts'
import { samlRoutes } from './saml/routes.ts'
import { createSaml } from './saml/saml.ts'
import { createSamlSignOn } from './saml/saml-sign-on.ts'
import { createSecondFactor } from './second-factor/second-factor.ts'
import { createSecondFactorStore } from './second-factor/store.ts'
import { createSetup, type Setup, SHORTEST_PASSWORD, type TenantFounded } from './setup.ts'
import { createSetupGate, type SetupGate } from './setup-gate.ts'
import { createSignInBrowser } from './sso/browser.ts'
import { deviceSignOnRoutes } from './sso/device-routes.ts'
import { createDeviceSignOn } from './sso/device-sign-on.ts'
import { createLinking } from './sso/linking.ts'
import { createOidc } from './sso/oidc.ts'
import { createOidcSignOn } from './sso/oidc-sign-on.ts'
import { ssoRoutes } from './sso/routes.ts'
import { createSignIns } from './sso/sign-ins.ts'
import { createSsoStore } from './sso/store.ts'
import { createStanding } from './standing.ts'
import { createIdentityStore, type IdentityStore } from './store.ts'
import { createIdentityTelling, type IdentityTelling } from './telling.ts'
import { type Acting, createActing } from './tenants/acting.ts'
import { tenantRoutes } from './tenants/routes.ts'
import { createTenantStore } from './tenants/store.ts'
import { createTenants, type Tenants } from './tenants/tenants.ts'
import { createTokenIssuers } from './tokens/issuers.ts'
import { accessRoutes } from './tokens/routes.ts'
import { createServiceAccounts } from './tokens/service-accounts.ts'
import { createAccessStore } from './tokens/store.ts'
import { createTokenKeys } from './tokens/token-keys.ts'
import { createTokens, type Tokens } from './tokens/tokens.ts'

const SESSION_SWEEP_MS = 3_600_000
/** How late what runs of a stopped tenant ends where the server died between the two. */
const STOPPED_SWEEP_MS = 15_000

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
  readonly tenants: Tenants
  authenticateSession(request: FastifyRequest): Promise<UserCaller>
  authenticateKey(request: FastifyRequest): Promise<KeyCaller>
  authenticateToken(request: FastifyRequest): Promise<TokenCaller>
  readonly actAs: Acting['actAs']
  /** Called, in its transaction, for each new tenant. */
  onTenantFounded(listener: TenantFounded): void
  /** Who keeps what there is to tell a tenant of who came in, and of who may. */
  readonly tellTo: IdentityTelling['tellTo']
  /** Create the administrator named in the environment, when there is no user yet. */
  bootstrap(): Promise<void>
}

export function createIdentity(deps: Shared & { isSecure: boolean; passwordCost?: number }): Identity {
  const { config, clock, random, limiter, database, log, logger, bus, workers, isSecure } = deps
  const store = createIdentityStore(database)
  const founded: TenantFounded[] = []
  const onError = (err: unknown) => logger.error({ err }, 'withdrawn access')
  const announceWithdrawal = announceOn(bus, onError)
  const telling = createIdentityTelling({
    ...deps,
    onError: (err) => logger.error({ err }, 'a refused login or token was not told'),
  })
  const passwords = createPasswords(deps.passwordCost)
  const tenantFounded: TenantFounded = async (scope, within) => {
    for (const listener of founded) await listener(scope, within)
  }
  const publicAddress = config.baseUrl.replace(/\/+$/, '') || `http://${config.host}:${config.port}`
  const setup = createSetup({ database, store, passwords, clock, random, tenantFounded })
  const setupGate = createSetupGate({ random, baseUrl: config.baseUrl })
  const linkTo = (path: string): string => `${publicAddress}${path}`
  const secondFactorStore = createSecondFactorStore(database)
  const secondFactor = createSecondFactor({ ...deps, secondFactorStore })
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
    telling,
    secondFactor,
  })
  const apiKeys = createApiKeys({ store, log, clock, random, announceWithdrawal })
  const localAccess = createLocalAccess({ store, random, limiter, dataDir: config.dataDir })
  const accessStore = createAccessStore(database)
  const tokenKeys = createTokenKeys({ ...deps, store: accessStore })
  const serviceAccounts = createServiceAccounts({ ...deps, store: accessStore, announceWithdrawal, telling })
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
    issuers: createTokenIssuers({ settings: config, fetch: deps.fetches.operator, clock }),
    telling,
    clock,
    random,
    baseUrl: publicAddress,
  })
  const tenantStore = createTenantStore(database)
  const acting = createActing({ store, tenantStore, telling })
  const openCalls = createOpenCalls({
    standing: createStanding({ store, accessStore, runtimeKeys, acting, clock }),
    bus,
    workers,
    onError,
  })

  const memberStore = createMemberStore(database)
  const actStore = createActStore(database)
  const people = { ...deps, store, memberStore, passwords, announceWithdrawal, linkTo, onError, tenantFounded }
  const mailer = createMailer({ mail: deps.mail, settings: config, onError })
  const members = createMembers(people)
  const tenants = createTenants({ ...people, tenantStore })
  const ssoStore = createSsoStore(database)
  const signIns = createSignIns({
    ...people,
    ssoStore,
    tenantStore,
    linking: createLinking({ ...people, ssoStore }),
    login,
  })
  const openIdConnect = createOidc({ fetch: deps.fetches.guarded })
  const oidc = createOidcSignOn({ ...people, signIns, oidc: openIdConnect })
  const deviceSignOn = createDeviceSignOn({ signIns, ssoStore, oidc: openIdConnect, clock, random })
  const saml = createSamlSignOn({
    ...people,
    tenantStore,
    signIns,
    saml: createSaml(),
    isLimited: config.limits === 'on',
  })
  const passwordLinkStore = createPasswordLinkStore(database)
  const invitations = createInvitations({
    ...people,
    invitationStore: createInvitationStore(database),
    passwordLinkStore,
    login,
    mailer,
  })
  const recovery = createRecovery({
    ...people,
    passwordLinkStore,
    secondFactorStore,
    mailer,
  })
  const account = createAccount({ ...people, passwordLinkStore })

  workers.every('session_sweep', SESSION_SWEEP_MS, async () => {
    await store.purgeSessions(microsOf(clock.now()))
    await recovery.sweep()
    await signIns.sweep()
  })
  workers.every('stopped_tenants', STOPPED_SWEEP_MS, tenants.sweep)
  const cookie = {
    httpOnly: true,
    sameSite: 'lax',
    path: basePathOf(config.baseUrl) || '/',
    secure: isSecure,
    maxAge: config.sessionTtlHours * 3600,
  } as const
  const setSession = (reply: FastifyReply, token: string): void => void reply.setCookie(SESSION_COOKIE, token, cookie)
  const browser = createSignInBrowser({ linkTo, setSession, cookie })
  const signedIn = async (request: FastifyRequest): Promise<UserCaller | null> =>
    request.cookies[SESSION_COOKIE] === undefined
      ? null
      : login.authenticate(request.cookies[SESSION_COOKIE], true).catch((error: unknown) => {
          if (error instanceof Unauthenticated) return null
          throw error
        })

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
    tenants,
    authenticateSession: (request) =>
      login.authenticate(request.cookies[SESSION_COOKIE], request.routeOptions.config.whileSuspended === true),
    authenticateKey: (request) => {
      const agentId = request.headers['x-edictum-agent-id']
      return apiKeys.authenticate(request.headers.authorization, typeof agentId === 'string' ? agentId : undefined)
    },
    authenticateToken: tokens.authenticate,
    actAs: acting.actAs,
    onTenantFounded: (listener) => founded.push(listener),
    tellTo: telling.tellTo,
    ...createRoom([
      { routes: (app) => recordActs(app, { actStore, clock, random }) },
      {
        routes: (app) =>
          identityRoutes(app, {
            setup,
            setupGate,
            login,
            apiKeys,
            localAccess,
            cookie,
          }),
      },
      { routes: (app) => accessRoutes(app, { tokens, tokenKeys, serviceAccounts, limiter }) },
      {
        routes: (app) => {
          accountRoutes(app, { account, tenants, secondFactor })
          memberRoutes(app, members)
          invitationRoutes(app, {
            invitations,
            signedIn,
            setSession,
            clock,
            limiter,
          })
          recoveryRoutes(app, recovery)
          ssoRoutes(app, { oidc, offeredBySaml: saml.offered, browser, linkTo })
          deviceSignOnRoutes(app, { deviceSignOn, setSession })
          samlRoutes(app, { saml, browser })
          actRoutes(app, actStore)
          tenantRoutes(app, { tenants, invitations })
          colonyRoutes(app, { members, invitations })
          teamRoutes(app, { tenants, isLimited: config.limits === 'on' })
        },
      },
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
