/** Time of this machine. What only waits for its time keeps no process alive. */
export const processClock = {
  now: () => Date.now(),
  after(milliseconds: number, task: () => void): () => void {
    const timer = setTimeout(task, milliseconds).unref()
    return () => clearTimeout(timer)
  },
}
