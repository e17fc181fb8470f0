import type { App } from './http/server.ts'

/** A piece of a room. What it leaves out, it does not need. */
export interface Part {
  routes?(app: App): void
  /** Begin what runs by itself. `address`: where this server listens. */
  start?(address: string): void | Promise<void>
  /** Let go of whoever waits: end streams and long polls, take nothing new. */
  drain?(): void | Promise<void>
  /** Finish what is in flight and give back what was taken. */
  stop?(): void | Promise<void>
}

/**
 * Several parts as one: routes and starts in their order, stops in the reverse. Drains go forward: a part further down may be
 * waiting at one before it, and can only end once that one has let go.
 */
export function createRoom(parts: readonly Part[]): Required<Part> {
  return {
    routes(app) {
      for (const part of parts) part.routes?.(app)
    },
    async start(address) {
      for (const part of parts) await part.start?.(address)
    },
    async drain() {
      for (const part of parts) await part.drain?.()
    },
    async stop() {
      for (const part of parts.toReversed()) await part.stop?.()
    },
  }
}
