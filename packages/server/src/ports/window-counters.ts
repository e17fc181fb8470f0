/** One counter: what is counted, for whom, in which window. */
export interface CounterName {
  readonly scopeType: 'tenant' | 'user'
  readonly scopeId: string
  readonly resourceType: string
  readonly bucket: string
  /** Windows are fixed: they begin at whole multiples of their length since 1970. */
  readonly windowSeconds: number
}

/** So much is to be counted, unless that would be more than `limit`; null counts without one. */
export interface Charge extends CounterName {
  readonly amount: number
  readonly limit: number | null
}

export interface Counter extends CounterName {
  /** Milliseconds since 1970. */
  readonly windowStart: number
  readonly count: number
}

export type Taken =
  | {
      readonly isTaken: true /** In the order of the charges, as they are now. */
      readonly counters: readonly Counter[]
    }
  | {
      readonly isTaken: false
      /** The first charge, in their order, that did not fit; its counter as it stays. */
      readonly refused: Charge
      readonly counter: Counter
    }

/**
 * Counters of fixed windows, exact under concurrency. Where they cannot be read or written, every method throws `Unavailable`:
 * nobody is let through uncounted.
 */
export interface WindowCounters {
  /** Count every charge, or none of them. */
  take(charges: readonly Charge[]): Promise<Taken>
  /** Count back what was taken for something that did not come about; of a window that is over, nothing. */
  giveBack(charges: readonly Charge[]): Promise<void>
  /** Counters of windows that are under way. */
  list(scope: Pick<CounterName, 'scopeType' | 'scopeId'>): Promise<Counter[]>
}

/** Where the window of an instant begins. */
export const windowStartOf = (nowMs: number, { windowSeconds }: Pick<CounterName, 'windowSeconds'>): number =>
  Math.floor(nowMs / (windowSeconds * 1000)) * windowSeconds * 1000
