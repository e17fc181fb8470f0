const STANDARD = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const URL_SAFE = `${STANDARD.slice(0, 62)}-_`

function valuesOf(alphabet: string): Int8Array {
  const values = new Int8Array(128).fill(-1)
  for (let value = 0; value < 64; value++) values[alphabet.charCodeAt(value)] = value
  return values
}
const standardValues = valuesOf(STANDARD)
const urlValues = valuesOf(URL_SAFE)

/** Bytes of characters of one alphabet, without padding; null for another character, a bad length or unused bits that are set. */
function decode(text: string, length: number, values: Int8Array): Uint8Array<ArrayBuffer> | null {
  const rest = length % 4
  if (rest === 1) return null
  const bytes = new Uint8Array(Math.floor((length * 3) / 4))
  let bits = 0
  let held = 0
  let place = 0
  for (let index = 0; index < length; index++) {
    const value = values[text.charCodeAt(index)] ?? -1
    if (value < 0) return null
    held = (held << 6) | value
    bits += 6
    if (bits < 8) continue
    bits -= 8
    bytes[place++] = (held >> bits) & 0xff
    held &= (1 << bits) - 1
  }
  return held === 0 ? bytes : null
}

/**
 * Standard base64 with padding, in the one spelling that encoding gives: no white space, no other alphabet, unused bits zero.
 * Null for everything else.
 */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> | null {
  if (text.length % 4 !== 0) return null
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  return decode(text, text.length - padding, standardValues)
}

/** base64url without padding, in its one spelling; null for everything else. */
export const fromBase64Url = (text: string): Uint8Array<ArrayBuffer> | null => decode(text, text.length, urlValues)

/** Standard base64 with padding. */
export function toBase64(bytes: Uint8Array): string {
  let text = ''
  for (let index = 0; index < bytes.length; index += 3) {
    const [a = 0, b = 0, c = 0] = [bytes[index], bytes[index + 1], bytes[index + 2]]
    const group = (a << 16) | (b << 8) | c
    text += STANDARD.charAt(group >> 18) + STANDARD.charAt((group >> 12) & 63)
    text += index + 1 < bytes.length ? STANDARD.charAt((group >> 6) & 63) : '='
    text += index + 2 < bytes.length ? STANDARD.charAt(group & 63) : '='
  }
  return text
}

/** Bytes of hex digits; null for what is none. */
export function fromHex(text: string): Uint8Array<ArrayBuffer> | null {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(text)) return null
  return Uint8Array.from({ length: text.length / 2 }, (_, index) =>
    Number.parseInt(text.slice(index * 2, index * 2 + 2), 16),
  )
}

const pairs = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

export function toHex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += pairs[byte]
  return text
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export const toUtf8 = (text: string): Uint8Array<ArrayBuffer> => encoder.encode(text)

/** Text of UTF-8 bytes; null where they are none. */
export function fromUtf8(bytes: Uint8Array): string | null {
  try {
    return decoder.decode(bytes)
  } catch {
    return null
  }
}
