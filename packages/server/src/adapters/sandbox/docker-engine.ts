import type Docker from 'dockerode'

/** The engine's version of its API that this server speaks: that of Docker 20.10 and later. */
const API = 'v1.41'

/** @param socket path of the engine's Unix socket */
export async function openEngine(socket: string): Promise<Docker> {
  // Loaded when it is used: most servers have no engine.
  const { default: Engine } = await import('dockerode')
  return new Engine({ socketPath: socket, version: API })
}

/** Why the engine cannot be used; null when it can. */
export async function engineProblem(engine: Docker): Promise<string | null> {
  if (process.platform !== 'linux') return 'containers reach this server by Unix sockets, which only Linux lends them'
  try {
    await engine.ping()
    return null
  } catch (error) {
    return messageOfEngine(error)
  }
}

export const statusOf = (error: unknown): number | undefined => (error as { statusCode?: number }).statusCode

/** The engine's own words, without those of its client around them. */
export function messageOfEngine(error: unknown): string {
  const { json, reason, message, code } = error as {
    json?: { message?: string } | null
    reason?: string
    message?: string
    code?: string
  }
  if (code === 'ENOENT' || code === 'ECONNREFUSED') return 'the Docker Engine does not answer at its socket'
  if (code === 'EACCES') return 'this server may not use the socket of the Docker Engine'
  return json?.message ?? message ?? reason ?? String(error)
}
