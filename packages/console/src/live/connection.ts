/**
 * The one stream a tab holds open. The browser's own reconnecting gives up on an HTTP error and knows no back-off, so a
 * broken stream is closed and opened anew: 1 s to 60 s with jitter, and first a probe that tells "signed out" from "away".
 */

export type LiveStatus = 'connecting' | 'live' | 'away'

/** The part of EventSource that is used. */
export interface Source {
  addEventListener(type: string, listener: (event: { data?: unknown }) => void): void
  close(): void
}

export interface LiveDependencies {
  readonly types: readonly string[]
  readonly open: () => Source
  /** HTTP status of a HEAD on the stream's address; 0 when nothing answers. */
  readonly probe: () => Promise<number>
  readonly random: () => number
  readonly later: (run: () => void, milliseconds: number) => () => void
  readonly onStatus: (status: LiveStatus) => void
  /** `resumed` is true when events may have been missed since the last one. */
  readonly onOpen: (resumed: boolean) => void
  readonly onEvent: (event: { type: string }) => void
  readonly onSignedOut: () => void
}

export interface LiveConnection {
  /** Try at once, for example because the network came back. */
  retry(): void
  close(): void
}

/** Milliseconds before the attempt after `failures` failures: doubling from 1 s, at most 60 s, half of it at random. */
export function backoff(failures: number, random: () => number): number {
  const ceiling = Math.min(60_000, 1_000 * 2 ** Math.min(failures, 6))
  return Math.round(ceiling / 2 + (ceiling / 2) * random())
}

export function connectLive(deps: LiveDependencies): LiveConnection {
  let source: Source | null = null
  let cancelTimer: () => void = () => {}
  let failures = 0
  let wasOpen = false
  let closed = false

  const open = () => {
    cancelTimer()
    const current = deps.open()
    source = current
    current.addEventListener('open', () => {
      if (source !== current) return
      failures = 0
      deps.onStatus('live')
      deps.onOpen(wasOpen)
      wasOpen = true
    })
    current.addEventListener('error', () => {
      if (source === current) void lost()
    })
    for (const type of deps.types)
      current.addEventListener(type, (message) => {
        const event = parseEvent(type, message.data)
        if (event && source === current) deps.onEvent(event)
      })
  }

  const lost = async () => {
    source?.close()
    source = null
    deps.onStatus('away')
    const status = await deps.probe()
    if (closed || source) return
    if (status === 401) return deps.onSignedOut()
    cancelTimer = deps.later(open, backoff(failures++, deps.random))
  }

  deps.onStatus('connecting')
  open()
  return {
    retry() {
      if (!closed && !source) open()
    },
    close() {
      closed = true
      cancelTimer()
      source?.close()
      source = null
    },
  }
}

function parseEvent(type: string, data: unknown): { type: string } | null {
  try {
    return { ...(JSON.parse(String(data)) as object), type }
  } catch {
    return null
  }
}
