import { InvalidInput } from '../../errors.ts'
import { descendantsOf, NotPlain, parsePlainXml, withoutComments, type XmlElement } from './plain-xml.ts'

/** What the metadata of an identity provider says of how to reach and to trust it. */
export interface ProviderMetadata {
  readonly entityId: string
  readonly ssoUrl: string
  /** In base64, one after the other. */
  readonly certificates: readonly string[]
}

const METADATA = 'urn:oasis:names:tc:SAML:2.0:metadata'
const SIGNATURES = 'http://www.w3.org/2000/09/xmldsig#'
const REDIRECT = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect'

/** The metadata of one identity provider, as an owner pastes it. @throws InvalidInput for `body.metadata` */
export async function readProviderMetadata(text: string): Promise<ProviderMetadata> {
  const root = await parse(text)
  const { name, namespace } = root
  if (namespace === METADATA && name === 'EntitiesDescriptor')
    throw wrong('it describes several entities; paste the EntityDescriptor of the one')
  if (namespace !== METADATA || name !== 'EntityDescriptor')
    throw wrong(`it begins with <${name}>, not with an EntityDescriptor of SAML 2.0`)
  const entityId = root.attributes.entityID?.trim() ?? ''
  if (entityId === '') throw wrong('its EntityDescriptor has no entityID')
  const descriptor = childrenOf(root, METADATA, 'IDPSSODescriptor')[0]
  if (!descriptor) throw wrong('it describes no identity provider (IDPSSODescriptor)')
  const ssoUrl = childrenOf(descriptor, METADATA, 'SingleSignOnService').find(
    (service) => service.attributes.Binding === REDIRECT,
  )?.attributes.Location
  if (!ssoUrl) throw wrong('it has no SingleSignOnService for HTTP-Redirect')
  const certificates = childrenOf(descriptor, METADATA, 'KeyDescriptor')
    .filter((key) => key.attributes.use !== 'encryption')
    .flatMap(descendantsOf)
    .filter(({ namespace, name }) => namespace === SIGNATURES && name === 'X509Certificate')
    .map(({ text }) => text)
  if (certificates.length === 0) throw wrong('it has no certificate to sign with (KeyDescriptor)')
  return { entityId, ssoUrl, certificates }
}

async function parse(text: string): Promise<XmlElement> {
  try {
    return await parsePlainXml(withoutComments(text))
  } catch (error) {
    throw error instanceof NotPlain ? wrong(error.message) : error
  }
}

const childrenOf = (element: XmlElement, namespace: string, name: string): XmlElement[] =>
  element.children.filter((child) => child.namespace === namespace && child.name === name)

const wrong = (what: string) => new InvalidInput([{ loc: ['body', 'metadata'], msg: `Value error, ${what}` }])
