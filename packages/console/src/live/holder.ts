import { connectDashboard } from './dashboard-stream.ts'
import { createHub, type FromHub, type ToHub } from './hub.ts'

/** The line between a tab and whoever holds the stream. */
export interface Line {
  readonly say: (message: ToHub) => void
  readonly close: () => void
}

const NAME = 'lictor.live'

/**
 * Finds the holder of the stream: a shared worker where the browser has them; else the tab that has the lock, which speaks
 * to the others over a channel; else, where there is neither (plain http to another machine on some phones), this tab alone.
 */
export function findHolder(hear: (message: FromHub) => void): Line {
  if ('SharedWorker' in window) return throughWorker(hear)
  if ('locks' in navigator && 'BroadcastChannel' in window) return throughLeader(hear)
  const hub = createHub(connectDashboard, hear)
  return { say: hub.hear, close: hub.close }
}

function throughWorker(hear: (message: FromHub) => void): Line {
  const worker = new SharedWorker(new URL('./worker.ts', import.meta.url), { type: 'module', name: NAME })
  worker.port.onmessage = ({ data }: MessageEvent<FromHub>) => hear(data)
  return { say: (message) => worker.port.postMessage(message), close: () => worker.port.close() }
}

function throughLeader(hear: (message: FromHub) => void): Line {
  const channel = new BroadcastChannel(NAME)
  channel.onmessage = ({ data }: MessageEvent<FromHub | ToHub>) => {
    if (!('from' in data)) hear(data)
  }
  const ending = new AbortController()
  const lead = async () => {
    // A second channel of this tab: one does not hear what it says itself.
    const outlet = new BroadcastChannel(NAME)
    const hub = createHub(connectDashboard, (message) => outlet.postMessage(message))
    outlet.onmessage = ({ data }: MessageEvent<FromHub | ToHub>) => {
      if ('from' in data) hub.hear(data)
    }
    outlet.postMessage({ kind: 'who' } satisfies FromHub)
    await new Promise((resolve) => ending.signal.addEventListener('abort', resolve))
    hub.close()
    outlet.close()
  }
  navigator.locks.request(NAME, { signal: ending.signal }, lead).catch(() => {
    // Left before it was this tab's turn.
  })
  return {
    say: (message) => channel.postMessage(message),
    close: () => {
      ending.abort()
      channel.close()
    },
  }
}
