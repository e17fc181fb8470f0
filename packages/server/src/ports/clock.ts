/** Time, as a dependency: rules never read the machine's clock, so tests decide what time it is. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number
  /**
   * Run `task` once after `milliseconds`, also when that is years; the returned function cancels it. Infinity waits for
   * ever. Never keeps the process alive. @throws RangeError for NaN.
   */
  after(milliseconds: number, task: () => void): () => void
}
