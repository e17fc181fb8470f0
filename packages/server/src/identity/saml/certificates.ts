import { X509Certificate } from 'node:crypto'
import { InvalidInput } from '../../errors.ts'

/** A certificate with whose key a provider signs. */
export interface Certificate {
  readonly pem: string
  readonly subject: string
  /** SHA-256 over its bytes, as people compare it: pairs of hexadecimal digits with colons. */
  readonly fingerprint: string
  /** Milliseconds since the Unix epoch. */
  readonly validFrom: number
  readonly validTo: number
}

const MOST = 10
const BLOCK = /-----BEGIN CERTIFICATE-----([^-]*)-----END CERTIFICATE-----/g

/**
 * Certificates as an owner pastes them: PEM, several one after the other while a provider changes its key, or one in bare base64 as
 * metadata carries it.
 * @param field of the body, for what is said of them
 * @throws InvalidInput where one is none, cannot be used, or all have expired
 */
export function readCertificates(text: string, field: string, now: number): Certificate[] {
  const blocks = [...text.matchAll(BLOCK)].map(([, inner = '']) => inner)
  const bare = text.replace(BLOCK, '').trim()
  if (bare.includes('-----')) throw wrong(field, 'there is a PEM block that is no whole certificate')
  const given = bare === '' ? blocks : [...blocks, bare]
  if (given.length === 0) throw wrong(field, 'there is no certificate')
  if (given.length > MOST) throw wrong(field, `there are ${given.length} certificates; ${MOST} are the most`)
  const read = given.map((base64, index) =>
    readOne(base64, field, given.length > 1 ? `certificate ${index + 1}` : 'this'),
  )
  const found = [...new Map(read.map((one) => [one.fingerprint, one])).values()]
  if (found.every((one) => one.validTo <= now)) {
    const last = new Date(Math.max(...found.map(({ validTo }) => validTo))).toISOString().slice(0, 10)
    throw wrong(field, `${found.length === 1 ? 'the certificate' : 'every certificate'} has expired, on ${last}`)
  }
  return found
}

/** A stored certificate, which was read once already. */
export function certificateOf(pem: string): Certificate {
  const certificate = new X509Certificate(pem)
  return {
    pem,
    subject: certificate.subject.replaceAll('\n', ', '),
    fingerprint: certificate.fingerprint256,
    validFrom: Date.parse(certificate.validFrom),
    validTo: Date.parse(certificate.validTo),
  }
}

function readOne(base64: string, field: string, name: string): Certificate {
  const bytes = Buffer.from(base64.replace(/\s+/g, ''), 'base64')
  let certificate: X509Certificate
  try {
    certificate = new X509Certificate(bytes)
  } catch {
    throw wrong(field, `${name} is no X.509 certificate in PEM or base64`)
  }
  const { asymmetricKeyType: kind, asymmetricKeyDetails } = certificate.publicKey
  if (kind !== 'rsa') throw wrong(field, `${name} has a key of the kind ${kind}; signatures by RSA keys are understood`)
  const bits = asymmetricKeyDetails?.modulusLength ?? 0
  if (bits < 2048) throw wrong(field, `${name} has an RSA key of ${bits} bits; 2048 are the least`)
  // Written anew: the signature's library is particular about lines.
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? []
  return certificateOf(['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n'))
}

const wrong = (field: string, what: string) => new InvalidInput([{ loc: ['body', field], msg: `Value error, ${what}` }])
