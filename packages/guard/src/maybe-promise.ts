/**
 * A value now or later. Backends and sinks in memory answer at once, and the guard then never leaves the running task:
 * a microtask hop costs more than the whole decision.
 */
export type MaybePromise<T> = T | Promise<T>

export function isPromise<T>(value: T | Promise<T> | PromiseLike<T>): value is Promise<T> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}
