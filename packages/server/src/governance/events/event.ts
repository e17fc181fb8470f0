import { hash } from 'node:crypto'
import type { EventValues } from '../../storage/events/event-table.ts'
import { type Micros, parseWireTime } from '../../storage/instants.ts'

/** Where an event comes from: the API key's tenant and environment, never the payload's (console-api §8.4.1). */
export interface EventOrigin {
  readonly tenantId: string
  readonly env: string
  readonly receivedAt: Micros
}

/** What is wrong with one event of a batch. */
export interface EventProblem {
  /** The field, or '' when the event is no object. */
  readonly field: string
  readonly msg: string
}

/** UTF-16 units. Agents are looked up by their id; an index holds no longer one. */
export const LONGEST_AGENT_ID = 512
const texts = ['call_id', 'agent_id', 'tool_name', 'verdict', 'mode'] as const

/** Judge one event of a batch; a row to store, or what is wrong with it. */
export function readEvent(value: unknown, origin: EventOrigin): EventValues | EventProblem {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { field: '', msg: 'Input should be an object' }
  const event = value as Record<string, unknown>
  for (const field of texts) {
    const text = event[field]
    if (typeof text !== 'string')
      return { field, msg: text === undefined ? 'Field required' : 'Input should be a valid string' }
    if (text.includes('\u0000')) return { field, msg: 'Value error, Null bytes are not allowed' }
  }
  if ((event.agent_id as string).length > LONGEST_AGENT_ID)
    return { field: 'agent_id', msg: `String should have at most ${LONGEST_AGENT_ID} characters` }
  const { timestamp: sent, payload } = event
  if (sent === undefined) return { field: 'timestamp', msg: 'Field required' }
  const timestamp = typeof sent === 'string' || typeof sent === 'number' ? parseWireTime(sent) : null
  if (timestamp === null) return { field: 'timestamp', msg: 'Input should be a valid datetime' }
  if (!Number.isSafeInteger(timestamp))
    return { field: 'timestamp', msg: 'Value error, Events happen between the years 1684 and 2255' }
  let decisionName = ''
  let payloadText: string | null = null
  if (payload !== undefined && payload !== null) {
    if (typeof payload !== 'object' || Array.isArray(payload))
      return { field: 'payload', msg: 'Input should be an object or null' }
    const name = (payload as { decision_name?: unknown }).decision_name
    if (typeof name === 'string') decisionName = name.replaceAll('\u0000', '\ufffd')
    try {
      payloadText = JSON.stringify(payload)
    } catch {
      return { field: 'payload', msg: 'Value error, The payload is nested too deeply' }
    }
  }
  const callId = event.call_id as string
  const verdict = event.verdict as string
  return [
    eventId(origin.tenantId, callId, verdict, decisionName),
    origin.tenantId,
    callId,
    event.agent_id as string,
    event.tool_name as string,
    verdict,
    event.mode as string,
    origin.env,
    timestamp,
    decisionName,
    payloadText,
    origin.receivedAt,
  ]
}

export const isProblem = (read: EventValues | EventProblem): read is EventProblem => !Array.isArray(read)

/**
 * The id of an event: a UUID (version 8) made of tenant, call, verdict and decision. An event delivered again has the id it had,
 * which is how it is known for a duplicate (decision Q1); and a fixed length keeps the index small whatever clients send as call id.
 * The first half comes from the call alone, so that the stages of a call, which arrive together, lie together in the index.
 */
function eventId(tenantId: string, callId: string, verdict: string, decisionName: string): string {
  const call = callHash(tenantId, callId)
  // No part but the last can hold NUL, so different parts never read alike.
  const stage = hash('sha256', `${call}\u0000${verdict}\u0000${decisionName}`, 'hex')
  const variant = '89ab'[Number.parseInt(stage.charAt(0), 16) & 3]
  return `${call.slice(0, 8)}-${call.slice(8, 12)}-8${call.slice(13, 16)}-${variant}${stage.slice(1, 4)}-${stage.slice(4, 16)}`
}

/** The stages of a call stand side by side: the hash of the last call is often asked for again. */
let last = { tenantId: '', callId: '', hash: hash('sha256', '\u0000', 'hex') }

function callHash(tenantId: string, callId: string): string {
  if (last.callId !== callId || last.tenantId !== tenantId)
    last = { tenantId, callId, hash: hash('sha256', `${tenantId}\u0000${callId}`, 'hex') }
  return last.hash
}
