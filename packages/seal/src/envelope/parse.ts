import { fromUtf8, toUtf8 } from '../bytes.ts'
import { SEALError, type SEALReason } from '../error.ts'
import { canonicalText, hasAstralName } from '../json/canonical.ts'
import { JsonFault, parseJson } from '../json/parse.ts'
import { fromValue, isJsonObject, type Json, JsonNumber, type JsonObject, toValue } from '../json/value.ts'
import { unixSecondsOf } from './timestamp.ts'

/** Protocol of the envelopes that this package makes and verifies. */
export const SEAL_PROTOCOL = 'seal/v1'

/** The signed message of a tool call, as it goes over the wire. */
export interface SealEnvelope {
  readonly protocol: string
  readonly security_token: string
  /** Ed25519 over the canonical message, base64. */
  readonly signature: string
  /** A JSON-RPC message of MCP. */
  readonly payload: Readonly<Record<string, unknown>>
  /** RFC 3339 with zone; servers also take whole Unix seconds. */
  readonly timestamp: string | number
}

/** An envelope whose parts are there and of the right kind. Nothing of it is verified yet. */
export class ParsedEnvelope {
  readonly securityToken: string
  /** As it came. */
  readonly signature: string
  /** Whole seconds since 1970. */
  readonly timestampUnix: number
  /** The payload, whole numbers beyond 2^53 as `bigint`. */
  readonly payload: Readonly<Record<string, unknown>>
  readonly #payload: JsonObject

  constructor(parts: { securityToken: string; signature: string; timestampUnix: number; payload: JsonObject }) {
    this.securityToken = parts.securityToken
    this.signature = parts.signature
    this.timestampUnix = parts.timestampUnix
    this.#payload = parts.payload
    try {
      this.payload = toValue(parts.payload) as Record<string, unknown>
    } catch (error) {
      throw refused('malformed_envelope', `payload: ${(error as Error).message}`)
    }
  }

  /** The texts that may have been signed: members by code points, and, where that differs, by UTF-16 units. */
  *messages(): Generator<Uint8Array<ArrayBuffer>> {
    const first = signedText(this.securityToken, canonicalText(this.#payload), this.timestampUnix)
    yield toUtf8(first)
    if (!hasAstralName(this.#payload)) return
    const second = signedText(this.securityToken, canonicalText(this.#payload, 'utf-16'), this.timestampUnix)
    if (second !== first) yield toUtf8(second)
  }
}

const signedText = (token: string, payload: string, timestampUnix: number): string =>
  `{"payload":${payload},"security_token":${JSON.stringify(token)},"timestamp":${timestampUnix}}`

/**
 * The bytes that an envelope's signature is over.
 * @param securityToken as it is sent, verbatim
 * @param payload anything that has a form in JSON
 * @param timestampUnix whole seconds since 1970
 */
export function createCanonicalMessage(
  securityToken: string,
  payload: unknown,
  timestampUnix: number,
): Uint8Array<ArrayBuffer> {
  if (!Number.isSafeInteger(timestampUnix))
    throw new RangeError(`The timestamp of a canonical message is whole Unix seconds, not ${timestampUnix}.`)
  return toUtf8(signedText(securityToken, canonicalText(fromValue(payload) ?? null), timestampUnix))
}

/**
 * Read an envelope: its text or bytes as they were received, which keep the spelling of numbers that was signed; or an object,
 * whose numbers are taken in JavaScript's spelling.
 * @throws SEALError `malformed_envelope`, `unsupported_protocol`, `invalid_timestamp`
 */
export function parseSealEnvelope(envelope: unknown): ParsedEnvelope {
  if (envelope instanceof ParsedEnvelope) return envelope
  const json = jsonOf(envelope)
  if (!isJsonObject(json)) throw refused('malformed_envelope', 'The envelope is no JSON object.')
  const protocol = json.get('protocol')
  if (typeof protocol !== 'string')
    throw refused(
      'malformed_envelope',
      "SEAL envelope requires both 'protocol' and 'timestamp' fields: no text in 'protocol'.",
    )
  if (protocol !== SEAL_PROTOCOL)
    throw refused('unsupported_protocol', `Unsupported protocol '${protocol.slice(0, 40)}'; this is ${SEAL_PROTOCOL}.`)
  const securityToken = textIn(json, 'security_token')
  const signature = textIn(json, 'signature')
  const payload = json.get('payload')
  if (!isJsonObject(payload) || payload.size === 0)
    throw refused('malformed_envelope', "The envelope has no object with members in 'payload'.")
  const timestampUnix = timestampOf(json.get('timestamp'))
  return new ParsedEnvelope({ securityToken, signature, timestampUnix, payload })
}

function jsonOf(envelope: unknown): Json | undefined {
  const text = envelope instanceof Uint8Array ? fromUtf8(envelope) : envelope
  if (text === null && envelope !== null) throw refused('malformed_envelope', 'The envelope is no valid UTF-8.')
  try {
    return typeof text === 'string' ? parseJson(text) : fromValue(text)
  } catch (error) {
    if (error instanceof JsonFault) throw refused('malformed_envelope', `The envelope is no JSON: ${error.message}.`)
    if (error instanceof TypeError)
      throw refused('malformed_envelope', `The envelope has no form in JSON: ${error.message}`)
    throw error
  }
}

function textIn(json: JsonObject, name: string): string {
  const value = json.get(name)
  if (typeof value === 'string' && value !== '') return value
  throw refused('malformed_envelope', `The envelope has no text in '${name}'.`)
}

function timestampOf(value: Json | undefined): number {
  if (value === undefined || value === null)
    throw refused(
      'malformed_envelope',
      "SEAL envelope requires both 'protocol' and 'timestamp' fields: there is no 'timestamp'.",
    )
  if (value instanceof JsonNumber && /^(?:0|-?[1-9]\d*)$/.test(value.text) && Number.isSafeInteger(Number(value.text)))
    return Number(value.text)
  const seconds = typeof value === 'string' ? unixSecondsOf(value) : null
  if (seconds === null)
    throw refused(
      'invalid_timestamp',
      'The timestamp is neither ISO 8601 with a zone (RFC 3339) nor whole Unix seconds.',
    )
  return seconds
}

export const refused = (reason: SEALReason, message: string): SEALError => new SEALError(reason, message)
