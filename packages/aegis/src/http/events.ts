import { pauseBefore, readServerSentEvents, SseOverflowError } from '@lictor/wire'
import { isRecord } from '../shape/shape.ts'
import { AegisConnectionError, AegisProtocolError } from './errors.ts'
import type { RequestOptions } from './options.ts'
import { askedBy, backOff } from './retry.ts'
import { type ApiRequest, explain, type OpenResponse, type Transport } from './transport.ts'

/** Characters; an event carries what a tool gave back. */
const longestEvent = 64 * 1024 * 1024

/** One event of an execution or agent. */
export interface ExecutionEvent {
  /** E.g. `iteration_started`; `unknown` when the event names no type. */
  readonly event_type: string
  readonly data: Readonly<Record<string, unknown>>
  /** By which the stream can be continued after this event, when the server gives one. */
  readonly id?: string
}

export interface StreamRules {
  /** After such an event the stream is over; without one, an end is a loss of connection. Absent: any end is the end. */
  readonly isTerminal?: (event: ExecutionEvent) => boolean
}

/**
 * The events of a stream. A lost connection is taken up again after the last event that had an id, as often in a row as
 * the client retries; leaving the loop closes the stream.
 */
export async function* streamEvents(
  transport: Transport,
  request: ApiRequest,
  options: RequestOptions = {},
  { isTerminal }: StreamRules = {},
): AsyncGenerator<ExecutionEvent, void, undefined> {
  let lastId = ''
  let isOver = false
  for (let losses = 0; ; losses++) {
    const headers: Record<string, string> = lastId === '' ? {} : { 'last-event-id': lastId }
    const opened = await transport.open({ ...request, accept: 'text/event-stream', headers }, options)
    let loss: unknown
    let hasUnidentified = false
    try {
      for await (const { data, id } of readServerSentEvents(chunksOf(opened, nameOf(request)), longestEvent)) {
        if (data.trim() === '') continue
        const event = readEvent(data, id, nameOf(request))
        if (id === '') hasUnidentified = true
        lastId = id
        losses = 0
        if (isTerminal?.(event)) isOver = true
        yield event
      }
      if (isOver || !isTerminal) return
    } catch (error) {
      if (error instanceof SseOverflowError) throw new AegisProtocolError(`${nameOf(request)}: ${error.message}`)
      if (!(error instanceof AegisConnectionError)) throw error
      if (isOver) return
      loss = error
    }
    // Without ids a second stream would begin anew and repeat events.
    if (hasUnidentified || losses >= transport.retries(options)) {
      if (loss !== undefined) throw loss
      return
    }
    const { environment } = transport
    const pause = pauseBefore(losses + 1, { backOff, random: environment.random }, askedBy(loss, environment.now()))
    await environment.sleep(pause ?? 0, options.signal)
  }
}

const nameOf = ({ method, path }: ApiRequest): string => `${method} ${path.split('?')[0]}`

/** The body's chunks; every one of them, keepalives too, shows that the stream is alive. */
async function* chunksOf({ response, watch }: OpenResponse, call: string): AsyncGenerator<Uint8Array> {
  if (!response.body) {
    watch.release()
    return
  }
  try {
    for await (const chunk of response.body) {
      watch.restart()
      yield chunk
    }
  } catch (error) {
    throw explain(watch, error, call)
  } finally {
    watch.release()
  }
}

function readEvent(data: string, id: string, call: string): ExecutionEvent {
  let parsed: unknown
  try {
    parsed = JSON.parse(data)
  } catch (cause) {
    throw new AegisProtocolError(`${call}: an event is not JSON: ${data.slice(0, 200)}`, { cause })
  }
  if (!isRecord(parsed)) throw new AegisProtocolError(`${call}: an event is not a JSON object: ${data.slice(0, 200)}`)
  const type = [parsed.type, parsed.event_type].find((name) => typeof name === 'string')
  return { event_type: typeof type === 'string' ? type : 'unknown', data: parsed, ...(id !== '' && { id }) }
}
