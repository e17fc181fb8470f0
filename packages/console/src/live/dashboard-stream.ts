import { API } from '../api/http.ts'
import { LIVE_EVENT_TYPES } from '../api/types.ts'
import { connectLive } from './connection.ts'
import type { Connect } from './hub.ts'

const STREAM = `${API}/stream/dashboard`
/** Milliseconds after which a probe without an answer counts as none. */
const PATIENCE = 5_000

/** The server's dashboard stream, as the signed-in person of this browser. Runs in a tab or in a worker. */
export const connectDashboard: Connect = (handlers) =>
  connectLive({
    types: LIVE_EVENT_TYPES,
    open: () => new EventSource(STREAM),
    probe: () =>
      fetch(STREAM, { method: 'HEAD', cache: 'no-store', signal: AbortSignal.timeout(PATIENCE) }).then(
        (response) => response.status,
        () => 0,
      ),
    random: Math.random,
    later: (run, milliseconds) => {
      const timer = setTimeout(run, milliseconds)
      return () => clearTimeout(timer)
    },
    ...handlers,
  })
