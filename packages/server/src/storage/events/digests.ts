import { hash } from 'node:crypto'
import type { Micros } from '../instants.ts'

/** What of an event its digest is taken over: every column but its number. */
export interface DigestedEvent {
  readonly id: string
  readonly tenantId: string
  readonly callId: string
  readonly agentId: string
  readonly toolName: string
  readonly verdict: string
  readonly mode: string
  readonly env: string
  readonly timestamp: Micros
  readonly decisionName: string
  /** The text of the JSON as it is stored. */
  readonly payload: string | null
  readonly createdAt: Micros
}

export const DIGEST_BYTES = 32
/** What stands before the first link of a chain. */
export const BEFORE_THE_FIRST = Buffer.alloc(DIGEST_BYTES)

/**
 * SHA-256 over the columns, in this order, with a NUL between them, instants in decimal, and of a payload that is null the empty
 * text. No column but the last can hold a NUL, so that different events never read alike.
 */
export const eventDigest = (event: DigestedEvent): Buffer => Buffer.from(digestText(event), 'latin1')

/** The same, to where the digests of a commit stand: for every event that comes, so it makes no object of memory of its own. */
export function writeEventDigest(event: DigestedEvent, into: Buffer, at: number): void {
  into.write(digestText(event), at, DIGEST_BYTES, 'latin1')
}

/** One character for each byte. */
function digestText(event: DigestedEvent): string {
  const { id, tenantId, callId, agentId, toolName, verdict, mode, env, timestamp, decisionName } = event
  const columns = `${id}\0${tenantId}\0${callId}\0${agentId}\0${toolName}\0${verdict}\0${mode}\0${env}`
  return hash(
    'sha256',
    `${columns}\0${timestamp}\0${decisionName}\0${event.createdAt}\0${event.payload ?? ''}`,
    'binary',
  )
}

/** What a link says of its own: of a commit the digests of its events, one behind the other; of an entry its text. */
export const linkBody = (content: Uint8Array | string): Buffer =>
  typeof content === 'string'
    ? hash('sha256', `entry\0${content}`, 'buffer')
    : hash('sha256', Buffer.concat([Buffer.from('events\0'), content]), 'buffer')

/** The digest of a link: over the digest of the link before it and its own body. */
export const linkDigest = (previous: Uint8Array, body: Uint8Array): Buffer =>
  hash('sha256', Buffer.concat([previous, body]), 'buffer')
