import { userInfo } from 'node:os'

/** An account without a name has a number all the same. */
export function userName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid-${process.getuid?.() ?? 0}`
  }
}
