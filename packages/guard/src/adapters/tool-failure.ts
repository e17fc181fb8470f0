import type { EdictumToolError } from '../errors.ts'

/**
 * The error of a failing tool as its framework expects it: of the class and name that the tool threw, with the message that
 * the contracts let through, and the guard's own error as `cause`. Where a contract changed the text, nothing else of the
 * original comes along: its fields and its stack would carry what was taken out.
 */
export function asThrown(failure: EdictumToolError, thrown: unknown): Error {
  const error = new Error(failure.message, { cause: failure })
  if (!(thrown instanceof Error)) return error
  const isUnchanged = failure.cause === thrown
  Object.setPrototypeOf(error, Object.getPrototypeOf(thrown))
  if (Object.hasOwn(thrown, 'name') || error.name !== thrown.name) hide(error, 'name', thrown.name)
  hide(error, 'stack', isUnchanged ? thrown.stack : `${error.name}: ${error.message}`)
  if (isUnchanged) {
    for (const key of Object.keys(thrown)) {
      if (!Object.hasOwn(error, key)) hide(error, key, (thrown as unknown as Record<string, unknown>)[key], true)
    }
  }
  return error
}

function hide(error: Error, key: string, value: unknown, enumerable = false): void {
  Object.defineProperty(error, key, { value, enumerable, configurable: true, writable: true })
}
