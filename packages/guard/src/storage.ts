import type { MaybePromise } from './maybe-promise.ts'
import type { SessionReservations } from './reservations.ts'

/**
 * Where session values live. `increment` must be atomic. An error of any method refuses the call
 * that needed it: nothing ever stands in for a value that could not be read.
 */
export interface StorageBackend {
  get(key: string): MaybePromise<string | null>
  set(key: string, value: string): MaybePromise<void>
  /**
   * Sets a value only while it is still the one expected, null for none; false when it is not. Without it, what two processes
   * change at once, the later one wins.
   */
  replace?(key: string, value: string, expected: string | null): MaybePromise<boolean>
  /** Deleting what is not there is no error. */
  delete(key: string): MaybePromise<void>
  /** Adds `amount` (default 1) and returns the new value; a missing key starts at 0. */
  increment(key: string, amount?: number): MaybePromise<number>
  /** Every key asked for is answered; null where nothing is stored. */
  batchGet?(keys: readonly string[]): MaybePromise<Readonly<Record<string, string | null>>>
  /** A backend in memory may offer its counters without text and without a promise. */
  readonly readNow?: (key: string) => number
  /**
   * Reservations that hold for everybody who shares this backend. Without them the guard reserves among the calls of its
   * own process, and counts an execution when it is over.
   */
  readonly reservations?: SessionReservations
}

/** Session values in this process. Share one instance between guards to share their limits. */
export class MemoryBackend implements StorageBackend {
  readonly #values = new Map<string, string>()
  readonly #counters = new Map<string, { value: number }>()

  readonly readNow = (key: string): number => {
    if (this.#values.size > 0) {
      const value = this.#values.get(key)
      if (value !== undefined) {
        const count = Number(value)
        if (value.trim() === '' || !Number.isFinite(count)) {
          throw new Error(`The counter ${key} holds ${JSON.stringify(value)}, which is not a number.`)
        }
        return count
      }
    }
    return this.#counters.get(key)?.value ?? 0
  }

  get(key: string): string | null {
    const value = this.#values.get(key)
    if (value !== undefined) return value
    const counter = this.#counters.get(key)
    return counter === undefined ? null : String(counter.value)
  }

  set(key: string, value: string): void {
    this.#values.set(key, value)
  }

  delete(key: string): void {
    if (this.#values.size > 0) this.#values.delete(key)
    this.#counters.delete(key)
  }

  increment(key: string, amount = 1): number {
    const counter = this.#counters.get(key)
    if (counter !== undefined) {
      counter.value += amount
      return counter.value
    }
    this.#counters.set(key, { value: amount })
    return amount
  }

  batchGet(keys: readonly string[]): Record<string, string | null> {
    const found: Record<string, string | null> = {}
    for (const key of keys) found[key] = this.get(key)
    return found
  }
}
