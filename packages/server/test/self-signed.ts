import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'

/** DER, by hand: a certificate for tests, so that none lies in the repository. */
const der = (tag: number, ...parts: Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts)
  const size = content.length
  const length = size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 0xff]
  return Buffer.concat([Buffer.from([tag, ...length]), content])
}
const sequence = (...parts: Uint8Array[]) => der(0x30, ...parts)
const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'))
const utcTime = (text: string) => der(0x17, Buffer.from(text))

/** A key and a certificate it signed for itself, for this host name. PEM. */
export function selfSigned(hostname: string): { key: string; cert: string } {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return certified(hostname, keys, sequence(oid('2a8648ce3d040302')), '491231235959Z')
}

/**
 * The same with an RSA key, as those who sign SAML have.
 * @param until its last second, `YYMMDDHHMMSSZ`
 */
export function selfSignedRsa(name: string, until = '491231235959Z', bits = 2048): { key: string; cert: string } {
  const keys = generateKeyPairSync('rsa', { modulusLength: bits })
  return certified(name, keys, sequence(oid('2a864886f70d01010b'), der(0x05)), until)
}

function certified(
  hostname: string,
  { privateKey, publicKey }: { privateKey: KeyObject; publicKey: KeyObject },
  algorithm: Buffer,
  until: string,
): { key: string; cert: string } {
  const name = sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(hostname)))))
  const alternativeName = sequence(oid('551d11'), der(0x04, sequence(der(0x82, Buffer.from(hostname)))))
  const unsigned = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    algorithm,
    name,
    sequence(utcTime('200101000000Z'), utcTime(until)),
    name,
    publicKey.export({ format: 'der', type: 'spki' }),
    der(0xa3, sequence(alternativeName)),
  )
  const signature = der(0x03, Buffer.from([0]), sign('sha256', unsigned, privateKey))
  const bytes = sequence(unsigned, algorithm, signature)
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? []
  return {
    key: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
  }
}
