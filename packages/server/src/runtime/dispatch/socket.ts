import { chmod, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Unix socket paths have room for this many bytes. */
const LONGEST_PATH = 100

/** The dispatch gateway for instances without a network. */
export interface GatewaySocket {
  readonly path: string
  close(): Promise<void>
}

/**
 * Listen on a Unix socket for the gateway alone: whoever reaches the socket reaches no other route of this server.
 * @param handle the server's own request handler
 */
export async function openGatewaySocket(
  dataDir: string,
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<GatewaySocket | null> {
  if (process.platform === 'win32') return null
  const { folder, isTemporary } = await socketFolder(dataDir)
  const path = join(folder, 'gateway.sock')
  // A server that was killed leaves its sockets behind, those of its agents' networks included.
  for (const name of await readdir(folder)) if (name.endsWith('.sock')) await rm(join(folder, name), { force: true })
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/x/')) handle(request, response)
    else response.writeHead(404).end()
  })
  // A turn lasts as long as its model and its humans take.
  server.requestTimeout = 0
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
  await chmod(path, 0o600)
  return {
    path,
    async close() {
      await closeServer(server)
      await rm(isTemporary ? folder : path, { recursive: true, force: true })
    },
  }
}

async function socketFolder(dataDir: string): Promise<{ folder: string; isTemporary: boolean }> {
  const folder = join(dataDir, 'run')
  if (Buffer.byteLength(join(folder, 'gateway.sock')) > LONGEST_PATH)
    return { folder: await mkdtemp(join(tmpdir(), 'lictor-')), isTemporary: true }
  await mkdir(folder, { recursive: true, mode: 0o700 })
  return { folder, isTemporary: false }
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
