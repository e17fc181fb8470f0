/**
 * Where to go after signing in. Only a path inside the console is followed: anything that could leave it (`//host`,
 * `/\host`, a scheme) leads to the overview instead.
 */
export function safeReturnPath(next: unknown): string {
  if (typeof next !== 'string' || !/^\/(?![/\\])/.test(next) || hasControlCharacter(next)) return '/'
  return /^\/(login|setup)(\/|\?|#|$)/.test(next) ? '/' : next
}

const hasControlCharacter = (text: string) => [...text].some((character) => character < ' ')
