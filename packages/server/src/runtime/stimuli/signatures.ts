import { createHmac, timingSafeEqual } from 'node:crypto'
import { BadRequest, Conflict, DomainError, Unauthenticated } from '../../errors.ts'
import type { Candidate } from './source.ts'

/** Seconds by which the instant that a sender signed may differ from this server's clock. */
const TOLERANCE_SECONDS = 300

type Header = string | readonly string[] | undefined

/** What a webhook brought to prove where it comes from. */
export interface Presented {
  /** `X-Aegis-Signature`, or `X-Hub-Signature-256`, which is the same over the same. */
  readonly aegis: Header
  /** `Stripe-Signature` */
  readonly stripe: Header
  /** As it was received, byte for byte. */
  readonly body: Uint8Array
}

/** Whether a webhook is signed at all. */
export const isSigned = ({ aegis, stripe }: Presented): boolean => aegis !== undefined || stripe !== undefined

/**
 * The tenant whose secret a webhook was signed with. Every candidate is tried; headers that name a tenant count for nothing.
 *
 * @param now milliseconds
 * @throws BadRequest, Unauthenticated with the reason, Conflict where the secrets of several tenants are the same
 */
export function signerOf(presented: Presented, candidates: readonly Candidate[], now: number): Candidate {
  const byStripe = candidates.filter(({ signature }) => signature === 'stripe')
  const byAegis = candidates.filter(({ signature }) => signature === 'aegis')
  // A source is signed in one way: what the other header holds is no proof of anything.
  const isStripe = byStripe.length > 0 && (byAegis.length === 0 || presented.stripe !== undefined)
  const matches = isStripe ? stripeMatches(presented, now) : aegisMatches(presented)
  const asked = (isStripe ? byStripe : byAegis).flatMap((one) =>
    one.secret === null ? [] : [{ ...one, secret: one.secret }],
  )
  if (asked.length === 0)
    throw new Unauthenticated(
      'This source has no secret to verify a signature with. Give it one, or send a bearer that has stimulus:ingest.',
      'secret_not_found',
    )
  const signers = asked.filter(({ secret }) => matches(secret))
  const [signer, ...others] = signers
  if (!signer)
    throw new Unauthenticated(
      isStripe
        ? 'Invalid Stripe signature'
        : 'The signature is not the one of this body under the secret of this source.',
      'invalid_signature',
    )
  if (others.length > 0)
    throw new Conflict(
      'Several tenants registered this source with one secret, so that nobody can tell whose this is. Give each its own.',
      'ambiguous_webhook_route',
    )
  return signer
}

type Matches = (secret: string) => boolean

/** @throws BadRequest, Unauthenticated */
function aegisMatches({ aegis, body }: Presented): Matches {
  const header = single(aegis)
  if (header === null)
    throw new Unauthenticated(
      'The header X-Aegis-Signature is missing: sha256= and the HMAC-SHA256 of the body in hex.',
      'missing_signature',
    )
  const [, hex] = /^sha256=(.*)$/s.exec(header) ?? []
  if (hex === undefined)
    throw new BadRequest('X-Aegis-Signature begins with sha256=, and this one does not.', 'malformed_signature')
  if (!/^[0-9a-f]{64}$/i.test(hex))
    throw new BadRequest('X-Aegis-Signature is sha256= and 64 digits of hex.', 'invalid_hex')
  const given = Buffer.from(hex, 'hex')
  return (secret) => timingSafeEqual(createHmac('sha256', secret).update(body).digest(), given)
}

/** @throws DomainError */
function stripeMatches({ stripe, body }: Presented, now: number): Matches {
  const header = single(stripe)
  if (header === null) throw new Unauthenticated('Missing Stripe-Signature header', 'missing_signature')
  const pairs = header.split(',').map((pair) => {
    const [name = '', ...rest] = pair.split('=')
    return [name.trim(), rest.join('=').trim()] as const
  })
  const stamp = pairs.find(([name]) => name === 't')?.[1] ?? ''
  const given = pairs.flatMap(([name, value]) =>
    name === 'v1' && /^[0-9a-f]{64}$/i.test(value) ? [Buffer.from(value, 'hex')] : [],
  )
  if (!/^\d{1,12}$/.test(stamp) || given.length === 0)
    throw new DomainError(401, 'malformed_signature', 'Malformed Stripe-Signature header')
  if (Math.abs(now / 1000 - Number(stamp)) > TOLERANCE_SECONDS)
    throw new DomainError(401, 'timestamp_outside_tolerance', 'Stripe signature timestamp outside tolerance')
  return (secret) => {
    const made = createHmac('sha256', secret).update(`${stamp}.`).update(body).digest()
    // Several while a secret is rolled: all are compared, so that the time says nothing.
    return given.filter((one) => timingSafeEqual(made, one)).length > 0
  }
}

/** A header that is there once, or not at all. @throws BadRequest */
function single(header: Header): string | null {
  if (header === undefined) return null
  if (typeof header === 'string') return header
  throw new BadRequest('There is more than one signature header.', 'malformed_signature')
}
