import type { LoggedRecord } from '../../changes/stream-log.ts'
import { frameOf } from '../../http/event-stream.ts'
import { withSignatureAs } from '../deployments/contract-update.ts'
import type { AgentConnection, StreamConnection } from './connections.ts'

type Told = Pick<LoggedRecord, 'id' | 'type' | 'json'>

/** The wire forms of a record: each is made when the first connection needs it, and shared by all that read it. */
export function createFrames(signatureEncoding: 'hex' | 'base64') {
  /** How a connection reads a record, where that is not as it stands in the log. */
  function formFor(connection: StreamConnection, type: string): 'ruleset' | 'hex' | 'base64' | null {
    if (connection.kind !== 'agent') return null
    if (type === 'ruleset_update') return 'ruleset'
    return type === 'contract_update' && connection.signature !== signatureEncoding ? connection.signature : null
  }

  function made(record: Told, form: ReturnType<typeof formFor>): Buffer {
    if (form === null) return frameOf(record.type, record.json, record.id)
    if (form === 'ruleset') {
      const json = JSON.stringify({ ...(JSON.parse(record.json) as object), type: 'contract_update' })
      return frameOf('contract_update', json, record.id)
    }
    return frameOf(record.type, withSignatureAs(record.json, signatureEncoding, form), record.id)
  }

  return {
    /** One record for many connections. */
    shared(record: Told): (connection: StreamConnection) => Buffer {
      const frames = new Map<ReturnType<typeof formFor>, Buffer>()
      return (connection) => {
        const form = formFor(connection, record.type)
        const frame = frames.get(form) ?? made(record, form)
        frames.set(form, frame)
        return frame
      }
    },
    frameFor: (connection: AgentConnection, record: Told): Buffer => made(record, formFor(connection, record.type)),
  }
}

export type Frames = ReturnType<typeof createFrames>

/**
 * End a stream whose client should come back. Clients of rulesets return at once, and again and again, after a stream that was
 * ended, and with growing pauses after one that was cut off.
 */
export function endToComeBack({ stream, ...connection }: StreamConnection, retryMilliseconds: number): void {
  if (connection.kind === 'agent' && connection.reads === 'rulesets') stream.cut()
  else stream.end(retryMilliseconds)
}
