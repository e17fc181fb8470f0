import { InvalidInput } from '../../errors.ts'
import { NotPlain, parsePlainXml, withoutComments } from './plain-xml.ts'

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
  const { localName, namespaceURI } = root
  if (namespaceURI === METADATA && localName === 'EntitiesDescriptor')
    throw wrong('it describes several entities; paste the EntityDescriptor of the one')
  if (namespaceURI !== METADATA || localName !== 'EntityDescriptor')
    throw wrong(`it begins with <${root.nodeName}>, not with an EntityDescriptor of SAML 2.0`)
  const entityId = root.getAttribute('entityID')?.trim() ?? ''
  if (entityId === '') throw wrong('its EntityDescriptor has no entityID')
  const descriptor = childrenOf(root, METADATA, 'IDPSSODescriptor')[0]
  if (!descriptor) throw wrong('it describes no identity provider (IDPSSODescriptor)')
  const ssoUrl = childrenOf(descriptor, METADATA, 'SingleSignOnService')
    .find((service) => service.getAttribute('Binding') === REDIRECT)
    ?.getAttribute('Location')
  if (!ssoUrl) throw wrong('it has no SingleSignOnService for HTTP-Redirect')
  const certificates = childrenOf(descriptor, METADATA, 'KeyDescriptor')
    .filter((key) => key.getAttribute('use') !== 'encryption')
    .flatMap((key) => [...Array.from(key.getElementsByTagNameNS(SIGNATURES, 'X509Certificate'))])
    .map((certificate) => certificate.textContent ?? '')
  if (certificates.length === 0) throw wrong('it has no certificate to sign with (KeyDescriptor)')
  return { entityId, ssoUrl, certificates }
}

async function parse(text: string): Promise<Element> {
  try {
    return await parsePlainXml(withoutComments(text))
  } catch (error) {
    throw error instanceof NotPlain ? wrong(error.message) : error
  }
}

const childrenOf = (element: Element, namespace: string, name: string): Element[] =>
  Array.from(element.childNodes).filter(
    (node): node is Element =>
      node.nodeType === 1 && (node as Element).namespaceURI === namespace && (node as Element).localName === name,
  )

const wrong = (what: string) => new InvalidInput([{ loc: ['body', 'metadata'], msg: `Value error, ${what}` }])
