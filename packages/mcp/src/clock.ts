/** Time, as whoever uses this package gives it. */
export interface McpClock {
  /** Milliseconds since the Unix epoch. */
  now(): number
  /** Run `task` once after `milliseconds`; the returned function cancels it. */
  after(milliseconds: number, task: () => void): () => void
}
