import { DEEPEST, type Json, JsonNumber } from './value.ts'

/** A text is no JSON, or one that two readers could read differently. */
export class JsonFault extends Error {
  override readonly name = 'JsonFault'
}

const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
/** Characters of a string up to its end, an escape, or what may not stand in it. */
const plain = /[^"\\\u0000-\u001f]*/y
const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
}

/**
 * Parse JSON and keep the spelling of its numbers. An object that has a name twice is refused, because what is verified must be
 * what is executed; so is what is nested deeper than 128 levels.
 * @throws JsonFault
 */
export function parseJson(text: string): Json {
  let at = 0

  const fault = (what: string): never => {
    throw new JsonFault(`${what} at character ${at + 1}`)
  }

  function skip(): void {
    for (;;) {
      const code = text.charCodeAt(at)
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return
      at++
    }
  }

  function word<T>(spelled: string, value: T): T {
    if (!text.startsWith(spelled, at)) fault('Something that is no JSON')
    at += spelled.length
    return value
  }

  function readString(): string {
    at++
    let value = ''
    for (;;) {
      plain.lastIndex = at
      plain.test(text)
      const run = text.slice(at, plain.lastIndex)
      at = plain.lastIndex
      const next = text[at]
      if (next === '"') {
        at++
        return value === '' ? run : value + run
      }
      value += run
      if (next === undefined) fault('A string without an end')
      if (next !== '\\') fault('A control character in a string')
      const kind = text[at + 1] ?? ''
      if (kind === 'u') {
        const digits = text.slice(at + 2, at + 6)
        if (!/^[0-9a-fA-F]{4}$/.test(digits)) fault('A bad escape')
        value += String.fromCharCode(Number.parseInt(digits, 16))
        at += 6
      } else {
        value += escapes[kind] ?? fault('A bad escape')
        at += 2
      }
    }
  }

  function readNumber(): JsonNumber {
    number.lastIndex = at
    if (!number.test(text)) return fault('Something that is no JSON')
    const start = at
    at = number.lastIndex
    return new JsonNumber(text.slice(start, at))
  }

  function readArray(depth: number): Json[] {
    at++
    const items: Json[] = []
    skip()
    if (text[at] === ']') {
      at++
      return items
    }
    for (;;) {
      items.push(readValue(depth))
      skip()
      const next = text[at]
      if (next !== ',' && next !== ']') fault("Something else than ',' or ']'")
      at++
      if (next === ']') return items
    }
  }

  function readObject(depth: number): Map<string, Json> {
    at++
    const members = new Map<string, Json>()
    skip()
    if (text[at] === '}') {
      at++
      return members
    }
    for (;;) {
      skip()
      if (text[at] !== '"') fault('No name of a member')
      const start = at
      const name = readString()
      if (members.has(name)) {
        at = start
        fault(`The name ${JSON.stringify(name.slice(0, 40))} a second time`)
      }
      skip()
      if (text[at] !== ':') fault("Something else than ':'")
      at++
      members.set(name, readValue(depth))
      skip()
      const next = text[at]
      if (next !== ',' && next !== '}') fault("Something else than ',' or '}'")
      at++
      if (next === '}') return members
    }
  }

  function readValue(depth: number): Json {
    skip()
    if (depth >= DEEPEST) fault(`More than ${DEEPEST} levels`)
    switch (text[at]) {
      case '{':
        return readObject(depth + 1)
      case '[':
        return readArray(depth + 1)
      case '"':
        return readString()
      case 't':
        return word('true', true)
      case 'f':
        return word('false', false)
      case 'n':
        return word('null', null)
      default:
        return readNumber()
    }
  }

  const value = readValue(0)
  skip()
  if (at < text.length) fault('Something after the value')
  return value
}
