import type { RequestOptions } from '../http/options.ts'
import type { Transport } from '../http/transport.ts'

export interface Health {
  readonly status: string
  readonly [key: string]: string
}

/** Probes. They are answered at once or not at all: no retries unless asked for. */
export const healthMethods = (transport: Transport) => ({
  async healthLive(options?: RequestOptions): Promise<Health> {
    return transport.json({ method: 'GET', path: '/health/live' }, { maxRetries: 0, ...options })
  },

  /** Rejects with a `ServerError` of status 503 while something the server needs is away. */
  async healthReady(options?: RequestOptions): Promise<Health> {
    return transport.json({ method: 'GET', path: '/health/ready' }, { maxRetries: 0, ...options })
  },
})

export type HealthMethods = ReturnType<typeof healthMethods>
