import { fromBase64, fromBase64Url, fromHex, toHex } from '../bytes.ts'
import { SEALError } from '../error.ts'

/** What stands before the key in its SubjectPublicKeyInfo form. */
const SPKI_PREFIX = '302a300506032b6570032100'

/** Keys for which anybody can sign without knowing a private one; the top bit of the last byte is the sign of x. */
const lowOrder: ReadonlySet<string> = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
])

const P = 2n ** 255n - 19n
/** The constant of the curve -x² + y² = 1 + d·x²·y². */
const D = 37095705934669439343138083508754565189542113879843219016388785533085940283555n

const KNOWN_SOUND = 4096
const sound = new Set<string>()

/**
 * Check that 32 bytes are an Ed25519 public key that only who has its private key can sign for.
 * @throws SEALError `invalid_public_key` or `weak_public_key`
 */
export function requirePublicKey(key: Uint8Array): void {
  if (!(key instanceof Uint8Array) || key.length !== 32)
    throw new SEALError('invalid_public_key', 'An Ed25519 public key has 32 bytes.')
  // The key as text, one character for each byte.
  const name = String.fromCharCode(...key)
  if (sound.has(name)) return
  const hex = toHex(key)
  const magnitude = hex.slice(0, 62) + ((key[31] ?? 0) & 0x7f).toString(16).padStart(2, '0')
  if (lowOrder.has(magnitude))
    throw new SEALError('weak_public_key', 'The public key is of low order: anybody could sign for it.')
  if (!isPoint(magnitude)) throw new SEALError('invalid_public_key', 'The public key is no point of Ed25519.')
  // The check costs as much as a verification.
  if (sound.size >= KNOWN_SOUND) sound.clear()
  sound.add(name)
}

/** Whether a point of the curve has this y: x² = (y² - 1) / (d·y² + 1) must be a square. */
function isPoint(littleEndian: string): boolean {
  const y = BigInt(
    `0x${littleEndian
      .replace(/../g, (byte) => `${byte} `)
      .trim()
      .split(' ')
      .reverse()
      .join('')}`,
  )
  if (y >= P) return false
  const square = (y * y) % P
  const numerator = (square - 1n + P) % P
  const denominator = (D * square + 1n) % P
  // Euler: a quotient is a square exactly when the product is.
  return power((numerator * denominator) % P, (P - 1n) / 2n) === 1n
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n
  let factor = base
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * factor) % P
    factor = (factor * factor) % P
  }
  return result
}

/**
 * The 32 bytes of an Ed25519 public key in any of its spellings: PEM, standard base64, base64url without padding, 64 hex digits;
 * of the raw key or of its SubjectPublicKeyInfo form.
 * @throws SEALError `invalid_public_key` or `weak_public_key`
 */
export function parsePublicKey(text: string): Uint8Array<ArrayBuffer> {
  const isPem = text.includes('BEGIN PUBLIC KEY')
  const encoded = isPem
    ? text
        .split(/\r?\n/)
        .map((line) => line.trim())
        .filter((line) => !line.startsWith('-----'))
        .join('')
    : text
  const bytes = fromBase64(encoded) ?? fromBase64Url(encoded)
  const isHex = !isPem && encoded.length === 64 && /^[0-9a-fA-F]+$/.test(encoded)
  const key = isHex ? fromHex(encoded) : bytes && rawKeyIn(bytes)
  if (!key) throw new SEALError('invalid_public_key', 'unsupported Ed25519 public key encoding')
  requirePublicKey(key)
  return key
}

function rawKeyIn(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | null {
  if (bytes.length === 32) return bytes
  return bytes.length === 44 && toHex(bytes).startsWith(SPKI_PREFIX) ? bytes.slice(12) : null
}

/** SubjectPublicKeyInfo of a raw key. */
export function spkiOf(key: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(44)
  bytes.set(fromHex(SPKI_PREFIX) ?? [])
  bytes.set(key, 12)
  return bytes
}

/** PKCS #8 of a private key's 32 bytes. Whoever asks for it overwrites it. */
export function pkcs8Of(seed: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(48)
  bytes.set(fromHex('302e020100300506032b657004220420') ?? [])
  bytes.set(seed, 16)
  return bytes
}

/** Order of the group that Ed25519 signs in. */
const L = fromHex('1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed') ?? new Uint8Array(32)

/** Whether the second half of a signature is below the group's order, as its one spelling is. */
export function hasCanonicalScalar(signature: Uint8Array): boolean {
  for (let index = 0; index < 32; index++) {
    const [given = 0, most = 0] = [signature[63 - index], L[index]]
    if (given !== most) return given < most
  }
  return false
}
