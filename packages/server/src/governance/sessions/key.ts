import { InvalidInput } from '../../errors.ts'

const LONGEST_KEY = 256
const allowed = /^[a-zA-Z0-9_\-.:/]+$/

/** What is wrong with a session key, or null. A key never reads as a way up a path. */
export function sessionKeyProblem(key: string): string | null {
  if (key.length > LONGEST_KEY) return `String should have at most ${LONGEST_KEY} characters`
  if (!allowed.test(key)) return 'Value error, Session keys hold letters, digits and _ - . : / only'
  if (key.split('/').some((segment) => segment === '..' || segment === '.'))
    return "Value error, Session keys hold no '.' or '..' between slashes"
  return null
}

/** The key as it came, when it may be one. @throws InvalidInput that says where the key stood. */
export function requireSessionKey(key: string, loc: readonly (string | number)[]): string {
  const msg = sessionKeyProblem(key)
  if (msg !== null) throw new InvalidInput([{ loc, msg }])
  return key
}
