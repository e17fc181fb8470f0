/**
 * A stream that is held open. The browser's own reconnecting gives up on an HTTP error, so a broken stream is closed and,
 * as soon as a probe is answered, opened anew. The probe tells "signed out" from "away", and is repeated every second or
 * two: who waits in front of a console must not wait for a back-off that grew while the server was down.
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
  readonly onEvent: (event: { type: string }) => void
  readonly onSignedOut: () => void
}

export interface LiveConnection {
  /** Try at once, for example because the network came back; or find out whether an open stream still is one. */
  check(): void
  close(): void
}

/** Milliseconds before the probe after `failures` failures: at most 2 s, half of it at random. */
export function pause(failures: number, random: () => number): number {
  const ceiling = Math.min(2_000, 500 * 2 ** Math.min(failures, 6))
  return Math.round(ceiling / 2 + (ceiling / 2) * random())
}

export function connectLive(deps: LiveDependencies): LiveConnection {
  let source: Source | null = null
  let cancelTimer: () => void = () => {}
  let failures = 0
  let probing = false
  let closed = false

  const open = () => {
    const current = deps.open()
    source = current
    current.addEventListener('open', () => {
      if (source !== current) return
      failures = 0
      deps.onStatus('live')
    })
    current.addEventListener('error', () => {
      if (source === current) lost()
    })
    for (const type of deps.types)
      current.addEventListener(type, (message) => {
        const event = parseEvent(type, message.data)
        if (event && source === current) deps.onEvent(event)
      })
  }

  const lost = () => {
    source?.close()
    source = null
    deps.onStatus('away')
    // A stream that was open is looked for at once; one that broke while it was opened is not, or it would be a storm.
    if (failures++ === 0) void look()
    else wait()
  }
  const wait = () => {
    cancelTimer()
    cancelTimer = deps.later(() => void look(), pause(failures, deps.random))
  }

  const look = async () => {
    if (probing || closed) return
    cancelTimer()
    probing = true
    const status = await deps.probe()
    probing = false
    if (closed) return
    if (status === 401) return deps.onSignedOut()
    const isThere = status >= 200 && status < 300
    if (source) {
      if (!isThere) lost()
    } else if (isThere) open()
    else {
      failures++
      wait()
    }
  }

  deps.onStatus('connecting')
  open()
  return {
    check: () => void look(),
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
