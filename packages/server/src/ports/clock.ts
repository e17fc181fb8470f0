/** Time, as a dependency: rules never read the machine's clock, so tests decide what time it is. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number
  /** Run `task` once after `milliseconds`; the returned function cancels it. Never keeps the process alive. */
  after(milliseconds: number, task: () => void): () => void
}
