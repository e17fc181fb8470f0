import type { LiveEventType } from '../api/types.ts'
import type { LiveConnection, LiveStatus } from './connection.ts'
import { throttleByName } from './refresh.ts'

/**
 * One stream for all tabs of a browser. Over HTTP/1.1 a browser opens six connections to a server, and a stream for each
 * tab would use them up: the seventh tab would never load.
 */

/** What a tab says to the holder of the stream; `from` tells tabs apart. */
export type ToHub = { readonly kind: 'join' | 'leave' | 'check'; readonly from: string }

/** What the holder says to all tabs. */
export type FromHub =
  | { readonly kind: 'status'; readonly status: LiveStatus }
  | { readonly kind: 'event'; readonly event: { readonly type: string } }
  | { readonly kind: 'signed out' }
  /** A new holder asks who is there. */
  | { readonly kind: 'who' }

export type Connect = (handlers: {
  readonly onStatus: (status: LiveStatus) => void
  readonly onEvent: (event: { type: string }) => void
  readonly onSignedOut: () => void
}) => LiveConnection

export interface Hub {
  readonly hear: (message: ToHub) => void
  readonly close: () => void
}

/** Events that say no more than that there is something new: of many in a row few are enough, or each tab is woken by each. */
const ANNOUNCEMENTS: ReadonlySet<string> = new Set<LiveEventType>(['event_created'])
/** Milliseconds between two announcements of one kind. The first comes at once. */
const APART = 500

/** Holds the stream open while at least one tab is there. */
export function createHub(
  connect: Connect,
  say: (message: FromHub) => void,
  later: (run: () => void, milliseconds: number) => void = (run, milliseconds) => void setTimeout(run, milliseconds),
): Hub {
  const announce = throttleByName(
    (types) => {
      for (const type of types) say({ kind: 'event', event: { type } })
    },
    APART,
    later,
  )
  const members = new Set<string>()
  let connection: LiveConnection | null = null
  let status: LiveStatus = 'connecting'

  const close = () => {
    connection?.close()
    connection = null
  }
  return {
    hear({ kind, from }) {
      if (kind === 'leave') {
        members.delete(from)
        if (members.size === 0) close()
        return
      }
      members.add(from)
      if (kind === 'check') return connection?.check()
      if (connection) return say({ kind: 'status', status })
      connection = connect({
        onStatus: (next) => {
          status = next
          say({ kind: 'status', status })
        },
        onEvent: (event) => (ANNOUNCEMENTS.has(event.type) ? announce([event.type]) : say({ kind: 'event', event })),
        onSignedOut: () => {
          // Whoever signs in again joins again, and the stream is opened as that person.
          close()
          members.clear()
          say({ kind: 'signed out' })
        },
      })
    },
    close,
  }
}
