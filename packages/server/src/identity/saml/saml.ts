import type { SamlConfig } from '@node-saml/node-saml'
import { type ProvenPerson, SignInRefused } from '../sso/linking.ts'
import { certificateOf } from './certificates.ts'
import { NotPlain, parsePlainXml, type XmlElement } from './plain-xml.ts'

/** A SAML 2.0 identity provider, as the owner of a tenant configured it. */
export interface SamlSettings {
  readonly entityId: string
  /** Where a browser is sent with a request (HTTP-Redirect). */
  readonly ssoUrl: string
  /** In PEM. Several while the provider changes its key: a signature of any of them counts. */
  readonly certificates: readonly string[]
}

/** This server as the provider of one tenant knows it. */
export interface ServiceProvider {
  readonly entityId: string
  /** Where the provider lets the browser post its answer. */
  readonly acsUrl: string
}

export interface Saml {
  /** Where to send a browser with the request of this id. */
  requestUrl(settings: SamlSettings, us: ServiceProvider, requestId: string): Promise<string>
  /**
   * Whom an answer speaks of, when everything about it is right.
   * @param answer `SAMLResponse` as it was posted, in base64
   * @param now milliseconds since the Unix epoch
   * @param take called with the id of the request that is answered, before anything is believed; what it throws is thrown
   * @throws SignInRefused
   */
  read(
    settings: SamlSettings,
    us: ServiceProvider,
    answer: string,
    options: { readonly now: number; readonly take: (requestId: string) => Promise<void> },
  ): Promise<ProvenPerson>
  /** What the provider is given to know this server by: XML. */
  metadata(us: ServiceProvider): Promise<string>
}

/** How far the provider's clock may be from this server's, in milliseconds. */
const SKEW_MS = 60_000
const LONGEST_REASON = 300
const LONGEST_NAME_ID = 500
const NAME_ID = 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress'
const TRANSIENT = 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient'
const BEARER = 'urn:oasis:names:tc:SAML:2.0:cm:bearer'
const ADDRESS = /^[^\s@<>"\p{C}]+@[^\s@<>"\p{C}]+$/u
/** What providers call the attribute with an e-mail address. */
const EMAIL_ATTRIBUTES = [
  'email',
  'mail',
  'urn:oid:0.9.2342.19200300.100.1.3',
  'urn:oid:1.2.840.113549.1.9.1',
  'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress',
] as const
export const SAID = `a name id of the format emailAddress, or an attribute email or mail`

/** SAML 2.0 by `@node-saml/node-saml`, loaded when somebody signs in so. */
export function createSaml(): Saml {
  const optionsOf = (settings: SamlSettings, us: ServiceProvider): SamlConfig => ({
    issuer: us.entityId,
    callbackUrl: us.acsUrl,
    entryPoint: settings.ssoUrl,
    idpCert: [...settings.certificates],
    audience: us.entityId,
    wantAssertionsSigned: true,
    // Where an answer is signed beside its assertion, that signature must be right, too; it need not be there.
    wantAuthnResponseSigned: false,
    // The provider chooses what it calls somebody, and how it makes sure of who they are.
    identifierFormat: null,
    disableRequestedAuthnContext: true,
    // The library reads the machine's clock: `judged` looks at every instant by the clock of the server.
    acceptedClockSkewMs: -1,
  })

  return {
    async requestUrl(settings, us, requestId) {
      const { SAML } = await import('@node-saml/node-saml')
      const saml = new SAML({ ...optionsOf(settings, us), generateUniqueId: () => requestId })
      return saml.getAuthorizeUrlAsync('', undefined, {})
    },
    async read(settings, us, answer, { now, take }) {
      const { SAML, ValidateInResponseTo, SamlStatusError } = await import('@node-saml/node-saml')
      const xml = Buffer.from(answer, 'base64').toString('utf8')
      if (!xml.trimStart().startsWith('<')) throw new SignInRefused('What was posted is no answer of a provider.')
      const response = await parsePlainXml(xml).catch((error: unknown) => {
        throw error instanceof NotPlain ? notRight(error.message) : error
      })
      const valid = settings.certificates.filter((pem) => isValid(pem, now))
      if (valid.length === 0)
        throw new SignInRefused('The certificate of the provider has expired. An owner of the tenant sets the new one.')

      let answered: string | null = null
      let failure: unknown = null
      const saml = new SAML({
        ...optionsOf({ ...settings, certificates: valid }, us),
        validateInResponseTo: ValidateInResponseTo.always,
        cacheProvider: {
          saveAsync: async () => null,
          removeAsync: async () => null,
          async getAsync(requestId) {
            if (answered === null)
              await take(requestId).catch((error: unknown) => {
                failure = error
                throw error
              })
            answered ??= requestId
            return answered === requestId ? new Date().toISOString() : null
          },
        },
      })
      const { profile } = await saml.validatePostResponseAsync({ SAMLResponse: answer }).catch((error: unknown) => {
        if (failure !== null) throw failure
        if (error instanceof SamlStatusError)
          throw new SignInRefused(`The provider refused: ${shortened(error.message.replace(/^SAML provider /, ''))}`)
        throw explained(error)
      })
      const assertion = childOf(profile?.getAssertion?.(), 'Assertion')
      if (!profile || !assertion || answered === null) throw notRight('there is no assertion in it')
      requireOfProvider(response, settings, us)
      return judged(assertion, { settings, us, requestId: answered, now, attributes: attributesOf(profile) })
    },
    async metadata(us) {
      const { generateServiceProviderMetadata } = await import('@node-saml/node-saml')
      return generateServiceProviderMetadata({
        issuer: us.entityId,
        callbackUrl: us.acsUrl,
        identifierFormat: null,
        wantAssertionsSigned: true,
        // The same text each time.
        generateUniqueId: () => '_lictor',
      })
    },
  }
}

function isValid(pem: string, now: number): boolean {
  const { validFrom, validTo } = certificateOf(pem)
  return validFrom - SKEW_MS <= now && now < validTo
}

/** An element as the library reads it: attributes under `$`, text under `_`, children by their names. */
type Node = Readonly<Record<string, unknown>>

/** Whom a signed assertion speaks of. @throws SignInRefused where it is not for this request, this server, this instant */
function judged(
  assertion: Node,
  {
    settings,
    us,
    requestId,
    now,
    attributes,
  }: {
    readonly settings: SamlSettings
    readonly us: ServiceProvider
    readonly requestId: string
    readonly now: number
    readonly attributes: Node
  },
): ProvenPerson {
  const issuer = textOf(childOf(assertion, 'Issuer'))
  if (issuer !== settings.entityId)
    throw notRight(`its assertion is of '${issuer}', and the provider is '${settings.entityId}'`)
  for (const limits of [...childrenOf(assertion, 'Conditions'), ...childrenOf(assertion, 'AuthnStatement')]) {
    const { NotBefore, NotOnOrAfter, SessionNotOnOrAfter } = namesOf(limits)
    requireNow(now, NotBefore, NotOnOrAfter)
    requireNow(now, undefined, SessionNotOnOrAfter)
  }
  const subject = childOf(assertion, 'Subject')
  const confirmations = childrenOf(subject, 'SubjectConfirmation')
    .filter((one) => namesOf(one).Method === BEARER)
    .map((one) => namesOf(childOf(one, 'SubjectConfirmationData')))
  const confirmation = confirmations.find(({ InResponseTo }) => InResponseTo === requestId)
  if (!confirmation) throw notRight('its assertion does not say that it answers this request (SubjectConfirmationData)')
  if (confirmation.Recipient !== us.acsUrl)
    throw notRight(`its assertion is for '${confirmation.Recipient ?? ''}', and this is '${us.acsUrl}'`)
  if (confirmation.NotOnOrAfter === undefined) throw notRight('its assertion has no end (SubjectConfirmationData)')
  requireNow(now, confirmation.NotBefore, confirmation.NotOnOrAfter)

  const named = childOf(subject, 'NameID')
  const nameId = textOf(named)
  const format = namesOf(named).Format
  if (nameId === '' || nameId.length > LONGEST_NAME_ID) throw notRight('its assertion names nobody (NameID)')
  if (format === TRANSIENT)
    throw notRight('it calls you by another name each time (a transient NameID); the provider must give a lasting one')
  const addresses = [...EMAIL_ATTRIBUTES.flatMap((name) => attributes[name]), format === NAME_ID ? nameId : null]
  return {
    // An OpenID Connect provider may bear the same name, and give other ids.
    issuer: `saml:${settings.entityId}`,
    subject: nameId,
    email:
      addresses.find((one): one is string => typeof one === 'string' && one.length <= 255 && ADDRESS.test(one)) ?? null,
  }
}

function requireNow(now: number, notBefore: string | undefined, notOnOrAfter: string | undefined): void {
  if (notBefore !== undefined && !(instantOf(notBefore) <= now + SKEW_MS))
    throw notRight(`its assertion holds only from ${notBefore}; are the clocks right?`)
  if (notOnOrAfter !== undefined && !(now - SKEW_MS < instantOf(notOnOrAfter)))
    throw notRight(`its assertion has expired, at ${notOnOrAfter}`)
}

/** Instants of SAML are in UTC and say so; of anything else, no comparison holds. */
const instantOf = (text: string): number =>
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(text) ? Date.parse(text) : Number.NaN

/** What stands around the assertion, which need not be signed: it must not contradict. */
function requireOfProvider(response: XmlElement, { entityId }: SamlSettings, { acsUrl }: ServiceProvider): void {
  const destination = response.attributes.Destination || null
  if (destination !== null && destination !== acsUrl)
    throw notRight(`it was sent to '${destination}', and this is '${acsUrl}'`)
  const issuer = response.children.find(({ name }) => name === 'Issuer')?.text.trim()
  if (issuer && issuer !== entityId) throw notRight(`it is of '${issuer}', and the provider is '${entityId}'`)
}

const childrenOf = (node: Node | null, name: string): Node[] => {
  const children = node?.[name]
  return (Array.isArray(children) ? children : children === undefined ? [] : [children]).filter(
    (child): child is Node => typeof child === 'object' && child !== null,
  )
}
const childOf = (node: unknown, name: string): Node | null => childrenOf((node ?? null) as Node | null, name)[0] ?? null
const textOf = (node: Node | null): string => (typeof node?._ === 'string' ? node._.trim() : '')
const namesOf = (node: Node | null): Readonly<Record<string, string | undefined>> =>
  (node?.$ ?? {}) as Record<string, string>
const attributesOf = (profile: Node): Node => (profile.attributes ?? {}) as Node

const notRight = (what: string) => new SignInRefused(`The answer of the provider is not right: ${shortened(what)}.`)

/** What the library found wrong, for somebody who does not know it. */
function explained(error: unknown): SignInRefused {
  const message = error instanceof Error ? error.message : ''
  if (/^InResponseTo is (missing|not)/.test(message))
    return new SignInRefused('This answer was not asked for. Begin at the sign-in page of this server.')
  if (/decryption key/.test(message))
    return new SignInRefused(
      'The provider encrypts its assertions, which this server does not read. Turn that off there.',
    )
  if (/signature/i.test(message) && /^Invalid signature(?! from)/.test(message) && !message.includes(':'))
    return notRight('its assertion is not signed with a key of the certificates that are configured')
  if (error instanceof TypeError || error instanceof RangeError) return notRight('it cannot be read')
  return notRight(message.replace(/\.$/, ''))
}

const shortened = (text: string): string => text.replace(/\p{C}/gu, ' ').slice(0, LONGEST_REASON)
