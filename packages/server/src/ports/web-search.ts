export interface SearchHit {
  readonly title: string
  readonly url: string
  /** A few sentences; empty where the service gives none. */
  readonly snippet: string
}

/** A search of the web, by a service that the operator chose. */
export interface WebSearch {
  readonly name: string
  /**
   * @param limit 1 to 20
   * @throws SearchFailed; the signal's reason when the caller gave up
   */
  search(query: string, limit: number, signal: AbortSignal): Promise<readonly SearchHit[]>
}

/** The service cannot be reached, refuses, or sends what cannot be understood. The message holds no key. */
export class SearchFailed extends Error {
  override readonly name = 'SearchFailed'
  /** Whether asking again may help. */
  readonly isRetryable: boolean
  /** How long the service asks to wait; null when it does not say. */
  readonly retryAfterMs: number | null
  constructor(message: string, options: { isRetryable: boolean; retryAfterMs?: number | null; cause?: unknown }) {
    super(message, { cause: options.cause })
    this.isRetryable = options.isRetryable
    this.retryAfterMs = options.retryAfterMs ?? null
  }
}
