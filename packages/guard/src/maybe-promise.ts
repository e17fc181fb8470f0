/**
 * A value now or later. Backends and sinks in memory answer at once, and the guard then never leaves the running task:
 * a microtask hop costs more than the whole decision.
 */
export type MaybePromise<T> = T | Promise<T>

export function isPromise<T>(value: T | Promise<T> | PromiseLike<T>): value is Promise<T> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}

/**
 * Starts `next` while `started` is on its way. When `next` fails at once, nobody will wait for `started` any more, and its
 * own failure must not become an unhandled one.
 */
export function alongside<T>(started: unknown, next: () => T): T {
  try {
    return next()
  } catch (error) {
    if (isPromise(started)) started.catch(() => {})
    throw error
  }
}
