import { connectDashboard } from './dashboard-stream.ts'
import { createHub, type ToHub } from './hub.ts'

/** The shared worker that holds the stream for all tabs. */
const ports = new Map<string, MessagePort>()
const hub = createHub(connectDashboard, (message) => {
  for (const port of ports.values()) port.postMessage(message)
})

addEventListener('connect', (event) => {
  const port = (event as MessageEvent).ports[0]
  if (!port) return
  port.onmessage = ({ data }: MessageEvent<ToHub>) => {
    if (data.kind === 'leave') ports.delete(data.from)
    else ports.set(data.from, port)
    hub.hear(data)
  }
})
