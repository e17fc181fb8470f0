import { sleep, systemClock } from '@lictor/wire'

/** Time and chance, so that a test can decide both. */
export interface Environment {
  /** Milliseconds since the epoch. */
  now(): number
  /** A number from 0 up to 1. */
  random(): number
  /** Resolves after `ms`; rejects with the signal's reason when it is aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export interface AegisClientOptions {
  /** Address of the server, e.g. `http://localhost:8000`. */
  readonly baseUrl: string
  /** A token to send as it is: an access token of a user, or an API key. */
  readonly bearerToken?: string | undefined
  /** Where tokens come from; default `baseUrl`, which serves the same path. */
  readonly keycloakUrl?: string
  /** Default `aegis-system`. */
  readonly realm?: string
  readonly clientId?: string | undefined
  readonly clientSecret?: string | undefined
  /** A token this close to its end, in seconds, is replaced before it is used. Default 30. */
  readonly tokenRefreshBufferSecs?: number
  /** Milliseconds one attempt may take, and a stream may be silent. Default 60,000. */
  readonly timeoutMs?: number
  /** Further attempts after one that failed and may be repeated. Default 2. */
  readonly maxRetries?: number
  /** Sent with every call, e.g. `X-Tenant-Id`. */
  readonly headers?: Readonly<Record<string, string>>
  /** Instead of the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch
  /** Instead of the system's clock and chance. */
  readonly environment?: Partial<Environment>
}

/** What a single call may decide for itself. */
export interface RequestOptions {
  /** Ends the call; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal
  readonly timeoutMs?: number
  readonly maxRetries?: number
  readonly headers?: Readonly<Record<string, string>>
}

export const systemEnvironment: Environment = {
  now: () => Date.now(),
  random: () => Math.random(),
  sleep: (ms, signal) => sleep(systemClock, ms, { signal }),
}
