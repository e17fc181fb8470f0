import { canonicalText } from '../json/canonical.ts'
import { parseJson } from '../json/parse.ts'
import { fromValue, isJsonObject, toValue } from '../json/value.ts'
import { createCanonicalMessage, SEAL_PROTOCOL, type SealEnvelope } from './parse.ts'

export interface Draft {
  /** The bytes to sign. */
  readonly message: Uint8Array<ArrayBuffer>
  /** The envelope with its signature, base64. */
  seal(signature: string): SealEnvelope
}

/** What is to be signed for a payload at this instant. @throws TypeError for a payload that is no object with members */
export function draftEnvelope(securityToken: string, payload: unknown, nowMs: number): Draft {
  if (typeof securityToken !== 'string' || securityToken === '')
    throw new TypeError('An envelope needs a security_token: a text that is not empty.')
  const json = fromValue(payload)
  if (!isJsonObject(json) || json.size === 0)
    throw new TypeError('The payload of an envelope is an object with members.')
  // In the order that is signed, so that a verifier which keeps the order it receives computes the same bytes.
  const ordered = toValue(parseJson(canonicalText(json))) as Record<string, unknown>
  return {
    message: createCanonicalMessage(securityToken, ordered, Math.floor(nowMs / 1000)),
    seal: (signature) => ({
      protocol: SEAL_PROTOCOL,
      security_token: securityToken,
      signature,
      payload: ordered,
      // The same instant, whose whole second was signed.
      timestamp: new Date(nowMs).toISOString(),
    }),
  }
}

/** The body of a request that carries the envelope: its payload stands in it exactly as it was signed. */
export const encodeSealEnvelope = (envelope: SealEnvelope): string => canonicalText(fromValue(envelope) ?? null)
