import { CliError } from '../../errors.ts'

/**
 * The value of a JSON text that people or programs hand in for a decision. An object that gives a key twice is refused, because
 * readers differ in which one counts; an integer that a double cannot carry is read exactly, as a big integer.
 *
 * @throws {SyntaxError}
 */
export function readJson(text: string): unknown {
  const value: unknown = JSON.parse(text, exactInteger as (key: string, value: unknown) => unknown)
  const repeated = repeatedKey(text)
  if (repeated !== null) throw new SyntaxError(`the key ${repeated} is given twice in one object`)
  return value
}

/** @throws CliError (used wrongly) naming what holds the text */
export function parseJson(what: string, text: string): unknown {
  try {
    return readJson(text)
  } catch (cause) {
    throw new CliError('usage', `${what}: not valid JSON: ${(cause as Error).message}`, { exitCode: 2, cause })
  }
}

function exactInteger(_: string, value: unknown, { source }: { source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value) || source === undefined) return value
  return /^-?\d+$/.test(source) ? BigInt(source) : value
}

/** The first key, as it is written, that an object of a valid JSON text has already; null when there is none. */
function repeatedKey(text: string): string | null {
  const open: (Set<string> | null)[] = []
  const tokens = /"(?:[^"\\]|\\.)*"|[{}[\]:]/g
  let string: string | null = null
  for (const [token] of text.matchAll(tokens)) {
    if (token === '{') open.push(new Set())
    else if (token === '[') open.push(null)
    else if (token === '}' || token === ']') open.pop()
    else if (token !== ':') string = token
    else if (string !== null) {
      const keys = open.at(-1)
      const key: string = JSON.parse(string)
      if (keys?.has(key)) return string
      keys?.add(key)
    }
  }
  return null
}
