import type { EventValues } from '../../storage/events/event-table.ts'
import { parseWireTime } from '../../storage/instants.ts'
import { previewOf } from '../preview.ts'
import { verdictOf } from '../rulesets/words.ts'
import { eventId } from './identity.ts'

/** Where an event comes from: the API key's tenant and environment, never the payload's. */
export interface EventOrigin {
  readonly tenantId: string
  readonly env: string
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
  const verdictSent = verdictOf(event)
  for (const field of texts) {
    const text = field === 'verdict' ? verdictSent : event[field]
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
  const [callId, agentId, toolName, verdict, mode] = texts.map(
    (field) => (field === 'verdict' ? verdictSent : event[field]) as string,
  ) as Texts
  const sentId = payloadText === null ? undefined : (payload as { event_id?: unknown }).event_id
  const identity = {
    ...origin,
    agentId,
    callId,
    toolName,
    verdict,
    mode,
    decisionName,
    timestamp,
    payload: payloadText,
  }
  return [
    eventId(identity, typeof sentId === 'string' && sentId !== '' ? sentId : null),
    origin.tenantId,
    callId,
    agentId,
    toolName,
    verdict,
    mode,
    origin.env,
    timestamp,
    decisionName,
    payloadText,
    payloadText === null ? null : previewOf(payload as object, payloadText),
  ]
}

type Texts = [callId: string, agentId: string, toolName: string, verdict: string, mode: string]

export const isProblem = (read: EventValues | EventProblem): read is EventProblem => !Array.isArray(read)
