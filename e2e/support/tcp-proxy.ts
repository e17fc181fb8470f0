import { createServer, connect as dial, type Server, type Socket } from 'node:net'

/** A piece of network that a test can break. */
export interface TcpProxy {
  readonly port: number
  /** Connections end at once and new ones are refused, as when the other side crashed. */
  cut(): Promise<void>
  /** Nothing passes and nothing ends, as when a cable was pulled. */
  stall(): void
  /** Let everything through again. What was held back arrives. */
  mend(): Promise<void>
  close(): Promise<void>
}

/** Stand before whatever listens on this loopback port. */
export async function tcpProxy(targetPort: number): Promise<TcpProxy> {
  const pairs = new Set<readonly [Socket, Socket]>()
  let isStalled = false
  let server: Server | null = null
  let port = 0

  function join(near: Socket): void {
    const far = dial(targetPort, '127.0.0.1')
    const pair = [near, far] as const
    pairs.add(pair)
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('data', (chunk) => {
        if (!to.write(chunk)) from.pause()
      })
      to.on('drain', () => {
        if (!isStalled) from.resume()
      })
      from.on('error', () => {})
      from.on('close', () => {
        pairs.delete(pair)
        to.destroy()
      })
      if (isStalled) from.pause()
    }
  }

  async function listen(): Promise<void> {
    const listening = createServer(join)
    server = listening
    await new Promise<void>((resolve, reject) => {
      listening.once('error', reject)
      listening.listen(port, '127.0.0.1', resolve)
    })
    const address = listening.address()
    port = typeof address === 'object' && address ? address.port : 0
  }

  async function cut(): Promise<void> {
    const closing = server
    server = null
    const closed = new Promise<void>((resolve) => (closing ? closing.close(() => resolve()) : resolve()))
    for (const pair of [...pairs]) for (const socket of pair) socket.resetAndDestroy()
    await closed
  }

  await listen()
  return {
    get port() {
      return port
    },
    cut,
    stall() {
      isStalled = true
      for (const pair of pairs) for (const socket of pair) socket.pause()
    },
    async mend() {
      isStalled = false
      for (const pair of pairs) for (const socket of pair) socket.resume()
      if (!server) await listen()
    },
    close: cut,
  }
}
