import type { FastifyRequest } from 'fastify'
import { Unauthenticated } from '../errors.ts'
import type { Governance } from '../governance/governance.ts'
import type { Caller, TokenCaller } from '../http/caller.ts'
import type { App } from '../http/server.ts'
import type { Identity } from '../identity/identity.ts'
import type { Shared } from '../shared.ts'

/** The runtime room, put together. */
export interface Runtime {
  authenticateToken(request: FastifyRequest): Promise<TokenCaller>
  authenticateDispatch(request: FastifyRequest): Promise<Caller>
  routes(app: App): void
  /** Take up what a previous process left running. `address` is where this server listens. */
  start(address: string): Promise<void>
  /** Finish or hand back what is in flight. */
  stop(): Promise<void>
}

export function runtime(_shared: Shared, _people: Identity, _governing: Governance): Runtime {
  const refuse = async (): Promise<never> => {
    throw new Unauthenticated('Unauthorized')
  }
  return { authenticateToken: refuse, authenticateDispatch: refuse, routes() {}, async start() {}, async stop() {} }
}
