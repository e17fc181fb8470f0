import { InvalidInput } from '../../errors.ts'

const LONGEST_KEY = 256
const allowed = /^[a-zA-Z0-9_\-.:/]+$/

/** UTF-8 bytes, of a key that the later SDKs make of the names that applications give. */
const LONGEST_WIDE_KEY = 1024

/** What is wrong with a session key of the later SDKs (rulesets), or null: anything that is text and reads as no way up a path. */
export function wideSessionKeyProblem(key: string): string | null {
  if (key === '') return 'String should have at least 1 character'
  if (Buffer.byteLength(key) > LONGEST_WIDE_KEY)
    return `Value error, A session key has at most ${LONGEST_WIDE_KEY} bytes`
  if (/[\p{Cc}\p{Cs}]/u.test(key)) return 'Value error, Session keys hold no control characters'
  if (key.split('/').some((segment) => segment === '..' || segment === '.'))
    return "Value error, Session keys hold no '.' or '..' between slashes"
  return null
}

/** Judges a key: what is wrong with it, or null. */
export type KeyRule = (key: string) => string | null

/** What is wrong with a session key, or null. A key never reads as a way up a path. */
export function sessionKeyProblem(key: string): string | null {
  if (key.length > LONGEST_KEY) return `String should have at most ${LONGEST_KEY} characters`
  if (!allowed.test(key)) return 'Value error, Session keys hold letters, digits and _ - . : / only'
  if (key.split('/').some((segment) => segment === '..' || segment === '.'))
    return "Value error, Session keys hold no '.' or '..' between slashes"
  return null
}

/** The key as it came, when it may be one. @throws InvalidInput that says where the key stood. */
export function requireSessionKey(
  key: string,
  loc: readonly (string | number)[],
  rule: KeyRule = sessionKeyProblem,
): string {
  const msg = rule(key)
  if (msg !== null) throw new InvalidInput([{ loc, msg }])
  return key
}
