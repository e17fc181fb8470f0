import { Forbidden, InvalidInput, NotFound } from '../../errors.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { RateLimiter } from '../../ports/rate-limiter.ts'
import type { Database } from '../../storage/database.ts'
import { actorWithin, personOf, requireReach } from '../actor.ts'
import { type Caller, looksAfterInstallation } from '../caller.ts'
import type { Device } from '../login.ts'
import { scopeOf, scopeOfRecord, systemScope } from '../scope.ts'
import type { ProvenPerson } from '../sso/linking.ts'
import { SignInRefused } from '../sso/linking.ts'
import { isLoopback } from '../sso/oidc.ts'
import { newToken, requireStill, type SignIns, type Welcome, type Welcomed } from '../sso/sign-ins.ts'
import type { IdentityStore } from '../store.ts'
import type { TenantRecord, TenantStore } from '../tenants/store.ts'
import { limited } from '../too-often.ts'
import { readCertificates } from './certificates.ts'
import { readProviderMetadata } from './provider-metadata.ts'
import { SAID, type Saml, type SamlSettings, type ServiceProvider } from './saml.ts'

const GOOD_FOR_MS = 600_000
/** From the answer of the provider to the browser that asked: one redirect. */
const ANSWER_GOOD_FOR_MS = 60_000
const ANSWERS = 60
const LONGEST_ENTITY_ID = 1024

/** What the owner of a tenant says of its SAML provider. */
export type SamlProviderSettings = SamlSettings & Welcome

/** Of what an owner gives: metadata, or what it would say. */
export interface GivenSamlProvider extends Partial<Welcome> {
  readonly metadata?: string | null
  readonly entityId?: string | null
  readonly ssoUrl?: string | null
  /** PEM, one or several. */
  readonly certificate?: string | null
}

/** What the provider is told of this server. */
export interface SamlPlace extends ServiceProvider {
  readonly metadataUrl: string
}

/** Sign-in at the SAML 2.0 provider of a tenant. */
export interface SamlSignOn {
  /** @throws Forbidden for who is no owner */
  settingsOf(caller: Caller): Promise<{ readonly settings: SamlProviderSettings | null; readonly place: SamlPlace }>
  /** What is left out of label and new members stays. @throws InvalidInput, Forbidden */
  configure(
    caller: Caller,
    given: GivenSamlProvider,
  ): Promise<{ readonly settings: SamlProviderSettings; readonly place: SamlPlace }>
  /** @throws NotFound */
  remove(caller: Caller): Promise<void>
  /** What the login page offers for a tenant; null for none. */
  offered(slug: string): Promise<{ readonly label: string } | null>
  /** What a provider knows this server by, the same whether there is such a tenant or not: XML. */
  metadata(slug: string): Promise<string>
  /** Where to send a browser, and what it is to keep meanwhile. @throws NotFound */
  begin(
    slug: string,
    returnTo: string,
    address: string,
  ): Promise<{ readonly url: string; readonly browserToken: string }>
  /**
   * Judge an answer. A browser posts it from the provider's page, without what it keeps for this server, so the answer waits for it:
   * one redirect later the same browser asks for its session.
   * @returns a ticket, good once
   * @throws SignInRefused, NotFound
   */
  answer(slug: string, response: string, address: string): Promise<string>
  /** A session in that tenant for the browser that began, and for no other. @throws SignInRefused, Forbidden */
  complete(ticket: string, browserToken: string | undefined, device: Device): Promise<Welcomed>
}

export function createSamlSignOn(deps: {
  database: Database
  store: IdentityStore
  tenantStore: TenantStore
  signIns: SignIns
  saml: Saml
  limiter: RateLimiter
  clock: Clock
  random: Random
  linkTo: (path: string) => string
  /** Tiers limit tenants: SAML is of the tier enterprise. */
  isLimited: boolean
}): SamlSignOn {
  const { database, store, tenantStore, signIns, saml, limiter, clock, random, linkTo, isLimited } = deps

  function placeOf(slug: string): SamlPlace {
    const at = `/api/v1/auth/saml/${encodeURIComponent(slug)}`
    const metadataUrl = linkTo(`${at}/metadata`)
    return { entityId: metadataUrl, acsUrl: linkTo(`${at}/acs`), metadataUrl }
  }

  /**
   * Who names a provider may become anybody of the tenant: that takes an owner, also by a key of theirs, or a program that looks after
   * the installation.
   */
  async function ownTenant(caller: Caller): Promise<TenantRecord> {
    const isProgram = personOf(caller) === null
    if (!isProgram || !looksAfterInstallation(caller))
      requireReach(await actorWithin(caller, store, database.db), 'owner')
    const tenant = await tenantStore.findNamed(systemScope, caller.tenantId)
    if (!tenant) throw new NotFound('There is no such tenant.')
    return tenant
  }

  async function providerIn(given: GivenSamlProvider): Promise<SamlSettings> {
    const { metadata } = given
    const read = metadata ? await readProviderMetadata(metadata) : null
    const field = (name: string) => (read ? 'metadata' : name)
    const entityId = read?.entityId ?? required(given.entityId, 'entity_id')
    if (entityId.length > LONGEST_ENTITY_ID || /[\s\p{C}]/u.test(entityId))
      throw wrong(field('entity_id'), `an entity id is an address or name of at most ${LONGEST_ENTITY_ID} characters`)
    const ssoUrl = read?.ssoUrl ?? required(given.ssoUrl, 'sso_url')
    if (!isPlaceForBrowsers(ssoUrl))
      throw wrong(field('sso_url'), 'the sign-on address must be https (http only on this machine), without a fragment')
    const now = clock.now()
    const certificates = read
      ? readCertificates(read.certificates.map(inPem).join('\n'), 'metadata', now)
      : readCertificates(required(given.certificate, 'certificate'), 'certificate', now)
    return { entityId, ssoUrl, certificates: certificates.map(({ pem }) => pem) }
  }

  return {
    async settingsOf(caller) {
      const tenant = await ownTenant(caller)
      return { settings: await signIns.providerOf(scopeOf(caller), 'saml'), place: placeOf(tenant.slug) }
    },
    async configure(caller, given) {
      const tenant = await ownTenant(caller)
      if (isLimited && tenant.tier !== 'enterprise' && tenant.tier !== 'system')
        throw new Forbidden(
          `Single sign-on by SAML takes the tier enterprise; this tenant is of the tier ${tenant.tier}.`,
          'enterprise_only',
        )
      const before = await signIns.providerOf<SamlProviderSettings>(scopeOf(caller), 'saml')
      const settings: SamlProviderSettings = {
        ...(await providerIn(given)),
        label: given.label ?? before?.label ?? 'single sign-on',
        newMembers: given.newMembers === undefined ? (before?.newMembers ?? null) : given.newMembers,
      }
      await signIns.putProvider(scopeOf(caller), 'saml', settings)
      return { settings, place: placeOf(tenant.slug) }
    },
    remove: (caller) => signIns.removeProvider(scopeOf(caller), 'saml'),
    async offered(slug) {
      const found = await signIns.configured<SamlProviderSettings>(slug, 'saml')
      return found && { label: found.settings.label }
    },
    metadata: (slug) => saml.metadata(placeOf(slug)),
    async begin(slug, returnTo, address) {
      const { tenant, settings } = await signIns.requireConfigured<SamlProviderSettings>(slug, 'saml', address)
      // An id of XML does not begin with a digit.
      const state = `_${newToken(random)}`
      const url = await saml.requestUrl(settings, placeOf(slug), state)
      const begun = { kind: 'saml', tenantId: tenant.id, state, secret: {}, returnTo, goodForMs: GOOD_FOR_MS } as const
      return { url, browserToken: await signIns.begin(begun) }
    },
    async answer(slug, response, address) {
      await limited(limiter, `sso-answer:${address}`, ANSWERS, 60)
      const found = await signIns.configured<SamlProviderSettings>(slug, 'saml')
      if (!found) throw new NotFound('There is no single sign-on for this tenant.')
      const begun: { browserHash: string; returnTo: string }[] = []
      const person = await saml.read(found.settings, placeOf(slug), response, {
        now: clock.now(),
        async take(requestId) {
          const signIn = await signIns.take('saml', requestId)
          if (signIn.tenantId !== found.tenant.id) throw new SignInRefused('This sign-in was begun for another tenant.')
          begun.push(signIn)
        },
      })
      const [signIn] = begun
      if (!signIn) throw new SignInRefused('This answer was not asked for.')
      const ticket = newToken(random)
      await signIns.begin({
        kind: 'saml-answer',
        tenantId: found.tenant.id,
        state: ticket,
        secret: person,
        returnTo: signIn.returnTo,
        goodForMs: ANSWER_GOOD_FOR_MS,
        browserHash: signIn.browserHash,
      })
      return ticket
    },
    async complete(ticket, browserToken, device) {
      const signIn = await signIns.take('saml-answer', ticket)
      await signIns.requireOfBrowser(signIn, browserToken)
      const person = signIns.secretOf<ProvenPerson>(signIn)
      const settings = requireStill(await signIns.providerOf<SamlProviderSettings>(scopeOfRecord(signIn), 'saml'))
      if (person.issuer !== `saml:${settings.entityId}`) requireStill(null)
      return signIns.welcome(signIn, person, { kind: 'saml', newMembers: settings.newMembers, said: SAID, device })
    },
  }
}

function isPlaceForBrowsers(address: string): boolean {
  if (!URL.canParse(address)) return false
  const { protocol, hash, username } = new URL(address)
  return (protocol === 'https:' || (protocol === 'http:' && isLoopback(address))) && hash === '' && username === ''
}

function required(text: string | null | undefined, field: string): string {
  const trimmed = text?.trim() ?? ''
  if (trimmed === '') throw wrong(field, 'it is needed, unless metadata is given')
  return trimmed
}

const inPem = (base64: string): string =>
  `-----BEGIN CERTIFICATE-----\n${base64.replaceAll('-', '')}\n-----END CERTIFICATE-----`
const wrong = (field: string, what: string) => new InvalidInput([{ loc: ['body', field], msg: `Value error, ${what}` }])
