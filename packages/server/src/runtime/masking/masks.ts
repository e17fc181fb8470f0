import type { Logger } from 'pino'
import { createMask, type Mask, nothing } from './mask.ts'

/** What each execution was handed in secret, and its mask. Kept by the process that runs it, until it has ended for good. */
export interface Masks {
  /** From now on these values are masked in whatever is written about the execution; the earlier ones stay so. */
  add(executionId: string, values: readonly string[]): void
  of(executionId: string): Mask
  /** Nothing more is written about it. */
  forget(executionId: string): void
  /** A logger whose lines hold no value of any execution of this process. */
  logger(logger: Logger): Logger
}

/** Executions whose values are remembered after their end, for what is written late. */
const REMEMBERED = 1_000

export function createMasks(): Masks {
  const known = new Map<string, { readonly values: Set<string>; mask: Mask }>()
  const ended = new Set<string>()
  let all: Mask | null = null

  function everything(): Mask {
    all ??= createMask(new Set([...known.values()].flatMap(({ values }) => [...values])))
    return all
  }

  return {
    add(executionId, values) {
      const entry = known.get(executionId) ?? { values: new Set<string>(), mask: nothing }
      const before = entry.values.size
      for (const value of values) entry.values.add(value)
      known.set(executionId, entry)
      ended.delete(executionId)
      if (entry.values.size === before) return
      entry.mask = createMask(entry.values)
      all = null
    },
    of: (executionId) => known.get(executionId)?.mask ?? nothing,
    forget(executionId) {
      if (!known.has(executionId)) return
      ended.add(executionId)
      for (const oldest of ended) {
        if (ended.size <= REMEMBERED) break
        ended.delete(oldest)
        known.delete(oldest)
        all = null
      }
    },
    logger(logger) {
      const masking = Object.create(logger) as Logger
      for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const)
        Object.defineProperty(masking, level, {
          value: (...line: unknown[]) => {
            const mask = everything()
            const said = mask.isEmpty ? line : line.map((part) => mask.value(part))
            ;(logger[level] as (...line: unknown[]) => void)(...said)
          },
        })
      return masking
    },
  }
}
