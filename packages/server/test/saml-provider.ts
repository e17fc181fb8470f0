import { randomUUID } from 'node:crypto'
import { inflateRawSync } from 'node:zlib'
import { selfSignedRsa } from './self-signed.ts'

/** What is used of `samlify`. Its own types bring those of browsers with them, for every file. */
interface Samlify {
  setSchemaValidator(validator: { validate(xml: string): Promise<string> }): void
  readonly SamlLib: {
    readonly defaultLoginResponseTemplate: { readonly context: string }
    replaceTagsByValue(template: string, tags: Readonly<Record<string, string>>): string
  }
  IdentityProvider(settings: object): {
    getMetadata(): string
    parseLoginRequest(server: object, binding: 'redirect', request: object): Promise<LoginRequest>
    createLoginResponse(
      server: object,
      request: LoginRequest,
      binding: 'post',
      user: object,
      fill: (template: string) => { id: string; context: string },
    ): Promise<{ readonly context: string }>
  }
  ServiceProvider(settings: object): {
    readonly entityMeta: { getAssertionConsumerService(binding: 'post'): unknown; getEntityID(): string }
  }
}
interface LoginRequest {
  readonly extract: { readonly request?: { readonly id?: string } }
}
const named: string = 'samlify'
const samlify = ((await import(named)) as { default: Samlify }).default

// Its own judgement of schemas is for those who receive; what it makes here is judged by the server.
samlify.setSchemaValidator({ validate: async () => 'taken' })

const EMAIL_FORMAT = 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress'

/** What an answer says otherwise than a right one. */
export interface Wrongs {
  /** Values of the answer by the names that the provider's template has for them. */
  readonly tags?: Readonly<Record<string, string>>
  /** Change what is about to be signed. */
  readonly template?: (xml: string) => string
  /** Change what was signed. */
  readonly after?: (xml: string) => string
  /** Absent: the assertion. */
  readonly signed?: 'assertion' | 'both' | 'answer' | 'none'
  /** Sign with another key than the one that the provider is known by. */
  readonly by?: { readonly key: string; readonly cert: string }
  /** Milliseconds since the Unix epoch at which it is made. */
  readonly at?: number
}

/** A real SAML 2.0 identity provider in this process. */
export interface SamlProvider {
  readonly entityId: string
  readonly ssoUrl: string
  readonly certificate: string
  readonly metadata: string
  /** Id of the request that a browser brings here. */
  requestIn(url: string): string
  /**
   * `SAMLResponse` to the request that a browser brings here, for somebody.
   * @param url where the server sent the browser
   * @param metadata of the server
   */
  answer(url: string, metadata: string, person: { nameId: string; email?: string }, wrongs?: Wrongs): Promise<string>
}

export function createSamlProvider(
  entityId = 'https://idp.example.com/metadata',
  ssoUrl = 'https://idp.example.com/sso?idpid=1',
): SamlProvider {
  const own = selfSignedRsa('idp.example.com')
  const providerWith = ({ key, cert }: { key: string; cert: string }) =>
    samlify.IdentityProvider({
      entityID: entityId,
      privateKey: key,
      signingCert: cert,
      isAssertionEncrypted: false,
      requestSignatureAlgorithm: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
      nameIDFormat: [EMAIL_FORMAT],
      singleSignOnService: [
        { Binding: 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect', Location: ssoUrl },
        { Binding: 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST', Location: ssoUrl },
      ],
      singleLogoutService: [
        { Binding: 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect', Location: `${ssoUrl}&out=1` },
      ],
      loginResponseTemplate: {
        context: samlify.SamlLib.defaultLoginResponseTemplate.context,
        attributes: [
          {
            name: 'email',
            valueTag: 'user.email',
            nameFormat: 'urn:oasis:names:tc:SAML:2.0:attrname-format:basic',
            valueXsiType: 'xs:string',
          },
        ],
      },
    })
  const provider = providerWith(own)
  const requestXml = (url: string) =>
    inflateRawSync(Buffer.from(new URL(url).searchParams.get('SAMLRequest') ?? '', 'base64')).toString()

  return {
    entityId,
    ssoUrl,
    certificate: own.cert,
    metadata: provider.getMetadata(),
    requestIn: (url) => /\bID="([^"]+)"/.exec(requestXml(url))?.[1] ?? '',
    async answer(url, metadata, { nameId, email }, wrongs = {}) {
      const { signed = 'assertion', by = own, at = Date.now() } = wrongs
      const isWithAssertion = signed !== 'answer'
      const server = samlify.ServiceProvider({
        metadata: isWithAssertion ? metadata : metadata.replace('WantAssertionsSigned="true"', ''),
        wantMessageSigned: signed === 'both' || signed === 'answer',
      })
      const signer = providerWith(by)
      const query = Object.fromEntries(new URL(url).searchParams)
      const request = await signer.parseLoginRequest(server, 'redirect', { query })
      const acs = String(server.entityMeta.getAssertionConsumerService('post'))
      const instant = (after: number) => new Date(at + after).toISOString()
      const tags: Record<string, string> = {
        ID: `_${randomUUID()}`,
        AssertionID: `_${randomUUID()}`,
        Destination: acs,
        Audience: server.entityMeta.getEntityID(),
        EntityID: server.entityMeta.getEntityID(),
        SubjectRecipient: acs,
        Issuer: entityId,
        IssueInstant: instant(0),
        StatusCode: 'urn:oasis:names:tc:SAML:2.0:status:Success',
        ConditionsNotBefore: instant(0),
        ConditionsNotOnOrAfter: instant(300_000),
        SubjectConfirmationDataNotOnOrAfter: instant(300_000),
        NameIDFormat: EMAIL_FORMAT,
        NameID: nameId,
        InResponseTo: String(request.extract.request?.id ?? ''),
        AuthnStatement: `<saml:AuthnStatement AuthnInstant="${instant(0)}"/>`,
        attrUserEmail: email ?? '',
        ...wrongs.tags,
      }
      const { context } = await signer.createLoginResponse(server, request, 'post', {}, (template: string) => {
        const whole = template.replace('{AuthnStatement}', tags.AuthnStatement ?? '')
        const shown = samlify.SamlLib.replaceTagsByValue(
          email === undefined ? whole.replace(/<saml:AttributeStatement>.*<\/saml:AttributeStatement>/s, '') : whole,
          tags,
        )
        return { id: tags.ID ?? '', context: wrongs.template?.(shown) ?? shown }
      })
      const made = Buffer.from(context, 'base64').toString()
      const unsigned = signed === 'none' ? made.replace(/<ds:Signature.*?<\/ds:Signature>/gs, '') : made
      return Buffer.from(wrongs.after?.(unsigned) ?? unsigned).toString('base64')
    },
  }
}
