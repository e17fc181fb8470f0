import { configError } from './errors.ts'

/**
 * Refuses what cannot be waited for: anything but a number of at least `least` milliseconds. `Infinity` is no limit.
 * @throws EdictumConfigError naming the option
 */
export function checkDuration(name: string, ms: unknown, least = 0): void {
  if (typeof ms === 'number' && ms >= least) return
  throw configError(
    `${name} is ${String(ms)}; it must be a number of milliseconds, at least ${least}, or Infinity for no limit.`,
  )
}
