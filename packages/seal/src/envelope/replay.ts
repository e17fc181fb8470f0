/**
 * Remembers the envelopes that were accepted. A server with several processes needs one that they share.
 */
export interface ReplayStore<Answer extends boolean | Promise<boolean> = boolean | Promise<boolean>> {
  /**
   * Whether this signature was seen before; remembers it if not, in one step that no other caller comes between.
   * @param signature of the envelope, in the one base64 spelling its bytes have
   * @param untilMs milliseconds since 1970 up to which it must be remembered: as long as its envelope could pass as fresh
   * @param nowMs the verifier's clock
   */
  seen(signature: string, untilMs: number, nowMs: number): Answer
}

/** A replay store for one process. What can no longer pass as fresh is forgotten. */
export class MemoryReplayStore implements ReplayStore<boolean> {
  readonly #until = new Map<string, number>()
  readonly #now: (() => number) | undefined
  #latest = Number.NEGATIVE_INFINITY
  #sweepAt = 1024

  /** @param options `now`: milliseconds since 1970, for callers that pass none to `seen`; without either nothing is forgotten */
  constructor(options: { now?: () => number } = {}) {
    this.#now = options.now
  }

  /** Signatures that are remembered. */
  get size(): number {
    return this.#until.size
  }

  seen(signature: string, untilMs: number, nowMs: number | undefined = this.#now?.()): boolean {
    const until = this.#until.get(signature)
    if (until !== undefined && (nowMs === undefined || until >= nowMs)) return true
    if (nowMs !== undefined) {
      this.#latest = Math.max(this.#latest, nowMs)
      // A clock that steps back makes nothing fresh that may have been forgotten.
      if (untilMs < this.#latest) return true
      if (this.#until.size >= this.#sweepAt) this.#sweep()
    }
    this.#until.set(signature, untilMs)
    return false
  }

  #sweep(): void {
    for (const [signature, until] of this.#until) if (until < this.#latest) this.#until.delete(signature)
    this.#sweepAt = Math.max(1024, this.#until.size * 2)
  }
}
