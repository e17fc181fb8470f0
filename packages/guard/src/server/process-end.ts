const acts = new Set<() => void>()
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

/**
 * Runs `act`, which must be synchronous, whenever this process ends: by itself, by `process.exit`, by an uncaught error, by
 * SIGTERM, SIGINT or SIGHUP. Returns a function that takes it back. Only SIGKILL and a crash of Node itself leave no time.
 */
export function atProcessEnd(act: () => void): () => void {
  if (acts.size === 0) listen()
  acts.add(act)
  return () => {
    if (acts.delete(act) && acts.size === 0) unlisten()
  }
}

function runAll(): void {
  for (const act of acts) {
    try {
      act()
    } catch {
      // The process ends: whoever fails must not keep the others from their turn.
    }
  }
}

/**
 * A listener for a signal keeps Node from dying of it, so this one steps aside before it is done and raises the signal
 * again. Where others listen too, the process is theirs to end; they find the list of listeners as if this one had never
 * been there, which some of them count.
 */
function onSignal(signal: NodeJS.Signals): void {
  runAll()
  process.off(signal, onSignal)
  if (process.listenerCount(signal) === 0) {
    process.kill(process.pid, signal)
    return
  }
  // Whoever listens too may decide to go on.
  setImmediate(() => {
    if (acts.size > 0 && !process.listeners(signal).includes(onSignal)) process.prependListener(signal, onSignal)
  }).unref()
}

function listen(): void {
  process.on('exit', runAll)
  for (const signal of SIGNALS) process.prependListener(signal, onSignal)
}

function unlisten(): void {
  process.off('exit', runAll)
  for (const signal of SIGNALS) process.off(signal, onSignal)
}
