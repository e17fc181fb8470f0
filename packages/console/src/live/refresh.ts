/**
 * Collects names and hands them on at once, then at most every `interval` milliseconds: a busy fleet sends many batches a
 * second, and nobody reads faster than this.
 */
export function throttleByName(
  run: (names: ReadonlySet<string>) => void,
  interval: number,
  later: (run: () => void, milliseconds: number) => void,
): (names: readonly string[]) => void {
  let waiting = new Set<string>()
  let resting = false
  const flush = () => {
    if (waiting.size === 0) {
      resting = false
      return
    }
    const names = waiting
    waiting = new Set()
    resting = true
    run(names)
    later(flush, interval)
  }
  return (names) => {
    for (const name of names) waiting.add(name)
    if (!resting) flush()
  }
}
