import { fromBase64 } from '../bytes.ts'
import { hasCanonicalScalar, parsePublicKey, requirePublicKey } from '../keys/public-key.ts'
import { type ParsedEnvelope, parseSealEnvelope, refused } from './parse.ts'
import type { ReplayStore } from './replay.ts'

/** Seconds by which the clocks of sender and verifier may differ, both ways. */
export const MAX_AGE_SECONDS = 30

export interface VerifyOptions<Answer extends boolean | Promise<boolean> = boolean | Promise<boolean>> {
  /** Seconds the timestamp may differ from `now`, both ways and inclusive (30). 0: the same second. Negative: nothing passes. */
  readonly maxAgeSeconds?: number
  /** Milliseconds since 1970 (the machine's clock). */
  readonly now?: () => number
  /** Refuses what was accepted before. Without one, nothing is remembered. */
  readonly replayStore?: ReplayStore<Answer>
}

/** An envelope that passed every check but that of its signature's value. */
export interface Checked {
  readonly parsed: ParsedEnvelope
  readonly key: Uint8Array
  readonly signature: Uint8Array<ArrayBuffer>
  /** Ask the store; the signature has been verified. @throws SEALError `replay_detected`, from a promise where it answers by one */
  remember<Answer extends boolean | Promise<boolean>>(store: ReplayStore<Answer>): void | Promise<void>
}

/** Every check before the signature itself, in the order of the protocol: the first that fails says why. @throws SEALError */
export function checkEnvelope(
  envelope: unknown,
  publicKey: Uint8Array | string,
  { maxAgeSeconds = MAX_AGE_SECONDS, now = Date.now }: Pick<VerifyOptions, 'maxAgeSeconds' | 'now'>,
): Checked {
  const parsed = parseSealEnvelope(envelope)
  const nowMs = now()
  requireFresh(parsed.timestampUnix, nowMs, maxAgeSeconds)
  const signature = fromBase64(parsed.signature)
  if (!signature) throw refused('invalid_signature_encoding', 'The signature is no canonical base64 text.')
  if (signature.length !== 64) throw refused('invalid_signature', 'The signature has not 64 bytes.')
  const key = typeof publicKey === 'string' ? parsePublicKey(publicKey) : publicKey
  requirePublicKey(key)
  if (!hasCanonicalScalar(signature)) throw notVerified()
  const untilMs = (parsed.timestampUnix + maxAgeSeconds + 1) * 1000
  return {
    parsed,
    key,
    signature,
    remember(store) {
      const judge = (seen: unknown) => {
        if (seen !== false) throw refused('replay_detected', 'This envelope was accepted before: a replay.')
      }
      const answer: boolean | Promise<boolean> = store.seen(parsed.signature, untilMs, nowMs)
      return answer instanceof Promise ? answer.then(judge) : judge(answer)
    },
  }
}

/** @throws SEALError `stale_timestamp` or `future_timestamp` */
export function requireFresh(timestampUnix: number, nowMs: number, maxAgeSeconds: number): void {
  if (!Number.isFinite(nowMs) || Number.isNaN(maxAgeSeconds))
    throw new RangeError('The clock and the largest age of an envelope must be numbers.')
  const age = Math.floor(nowMs / 1000) - timestampUnix
  if (Math.abs(age) <= maxAgeSeconds) return
  const [reason, direction] = age < 0 ? (['future_timestamp', 'ahead'] as const) : (['stale_timestamp', 'old'] as const)
  throw refused(
    reason,
    `The timestamp is outside the allowed window: ${Math.abs(age)} s ${direction}, allowed are ${maxAgeSeconds}.`,
  )
}

export const notVerified = () => refused('invalid_signature', 'Ed25519 signature verification failed.')
