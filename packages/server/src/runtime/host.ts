import type { Logger } from 'pino'
import { Unavailable } from '../errors.ts'
import type { App } from '../http/server.ts'
import type { Part } from '../part.ts'
import { type Gateway, type Sandbox, SandboxError } from '../ports/sandbox.ts'
import { type GatewaySocket, openGatewaySocket } from './dispatch/socket.ts'

/** What this machine lends to executions: a sandbox to run in, and a way to the dispatch gateway. Known once the server listens. */
export interface Host extends Part {
  /**
   * @param isolation what the manifest asks for
   * @throws SandboxError when it cannot be had; Unavailable while the server does not listen yet
   */
  sandboxFor(isolation: 'inherit' | 'docker' | 'process'): Promise<Sandbox>
  /** @throws Unavailable saying why, where this server runs no containers now */
  requireContainers(): Promise<void>
  /** The sandbox that agents have unless they ask for another. @throws Unavailable while the server does not listen yet. */
  sandboxName(): Sandbox['name']
  /** Whether that sandbox can keep an agent from the network; null while the server does not listen yet. */
  isolatesNetwork(): boolean | null
  /** @throws Unavailable while the server does not listen yet. */
  gateway(): Gateway
}

export function createHost(deps: {
  openSandbox: (owner: string) => Promise<Sandbox>
  openDocker: (owner: string) => Promise<Sandbox>
  owner: string
  dataDir: string
  logger: Logger
}): Host {
  const { openSandbox, owner, dataDir, logger } = deps
  let sandbox: Sandbox | null = null
  let gateway: Gateway | null = null
  let socket: GatewaySocket | null = null
  let app: App | null = null
  let docker: Promise<Sandbox> | null = null

  /** Containers beside the usual sandbox: opened when they are first asked for, and again after that failed. */
  function containers(): Promise<Sandbox> {
    docker ??= deps.openDocker(owner).then(
      async (opened) => {
        await clean(opened)
        return opened
      },
      (error) => {
        docker = null
        throw error
      },
    )
    return docker
  }

  async function clean(opened: Sandbox): Promise<void> {
    const left = await opened.reap()
    if (left > 0) logger.warn({ left, sandbox: opened.name }, 'ended what an earlier process left running')
  }

  return {
    async sandboxFor(isolation) {
      const usual = present(sandbox)
      if (isolation === 'docker') return usual.name === 'docker' ? usual : containers()
      if (isolation === 'process' && usual.name === 'docker')
        throw new SandboxError(
          "spec.runtime.isolation is 'process', and this server runs agents in containers alone. Leave it out, or write docker.",
        )
      return usual
    },
    async requireContainers() {
      if (present(sandbox).name === 'docker') return
      await containers().catch((error: unknown) => {
        if (!(error instanceof SandboxError)) throw error
        throw new Unavailable(error.message, { code: 'no_containers' })
      })
    },
    sandboxName: () => present(sandbox).name,
    isolatesNetwork: () => sandbox?.isolation.network ?? null,
    gateway: () => present(gateway),
    routes(http) {
      app = http
    },
    async start(address) {
      sandbox = await openSandbox(owner)
      await clean(sandbox)
      // What a killed process left in containers goes at once, not when the first agent asks for one.
      if (sandbox.name !== 'docker') containers().catch(() => {})
      const http = present(app)
      socket = await openGatewaySocket(dataDir, (request, response) => http.routing(request, response))
      gateway = { address: loopback(address), socket: socket?.path ?? null }
      logger.info({ sandbox: sandbox.name }, 'sandbox ready')
    },
    async drain() {
      await socket?.close()
    },
  }
}

function present<T>(value: T | null): T {
  if (value === null)
    throw new Unavailable('This server is not listening yet; executions start once it does.', { code: 'starting' })
  return value
}

/** Instances on this machine reach a server that listens on every address by the loopback one. */
function loopback(address: string): string {
  return address.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:')
}
