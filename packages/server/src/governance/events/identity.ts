import { hash } from 'node:crypto'
import type { Micros } from '../../storage/instants.ts'

/** What tells one event from another. */
export interface EventIdentity {
  readonly tenantId: string
  readonly env: string
  readonly agentId: string
  readonly callId: string
  readonly toolName: string
  readonly verdict: string
  readonly mode: string
  readonly decisionName: string
  readonly timestamp: Micros
  /** The text of its JSON. */
  readonly payload: string | null
}

/**
 * The id of an event: a UUID (version 8) made of what tells it from every other, so that an event delivered again has the id it had,
 * which is how it is known for a duplicate; and a fixed length keeps the index small whatever clients send.
 *
 * An event is of one tenant, environment and agent, and no event of another can pass for it. Within them `sentId`
 * (`payload.event_id`) alone decides where the client sends one. Otherwise the call, its stage and the instant do, because
 * providers count their calls anew in each conversation; and where there is no call, all of the event.
 *
 * Where a call decides, the first half comes from it alone, so that its stages, which arrive together, lie together in the index.
 */
export function eventId(event: EventIdentity, sentId: string | null): string {
  const { tenantId, env, agentId, callId, verdict, decisionName, timestamp } = event
  const origin = `${tenantId}\0${env}\0${agentId}`
  // No part but the last can hold NUL, and each kind has a first part of its own: different parts never read alike.
  if (sentId !== null) return uuidOf(hash('sha256', `sent\0${origin}\0${sentId}`, 'hex'))
  if (callId === '') {
    const whole = `${verdict}\0${event.toolName}\0${event.mode}\0${timestamp}\0${event.payload ?? ''}`
    return uuidOf(hash('sha256', `whole\0${origin}\0${whole}`, 'hex'))
  }
  const call = hashOfCall(`${origin}\0${callId}`)
  return uuidOf(call, hash('sha256', `${call}\0${verdict}\0${decisionName}\0${timestamp}`, 'hex'))
}

/** The id that events were given before their agent, environment and instant told them apart. */
export function formerEventId(tenantId: string, callId: string, verdict: string, decisionName: string): string {
  const call = hash('sha256', `${tenantId}\0${callId}`, 'hex')
  return uuidOf(call, hash('sha256', `${call}\0${verdict}\0${decisionName}`, 'hex'))
}

function uuidOf(first: string, second: string = first.slice(32)): string {
  const variant = '89ab'[Number.parseInt(second.charAt(0), 16) & 3]
  return `${first.slice(0, 8)}-${first.slice(8, 12)}-8${first.slice(13, 16)}-${variant}${second.slice(1, 4)}-${second.slice(4, 16)}`
}

/** The stages of a call stand side by side: the hash of the last call is often asked for again. */
let last = { call: '', hash: hash('sha256', '', 'hex') }

function hashOfCall(call: string): string {
  if (last.call !== call) last = { call, hash: hash('sha256', call, 'hex') }
  return last.hash
}
