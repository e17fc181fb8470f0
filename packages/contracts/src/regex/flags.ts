import type { PatternReader } from './reader.ts'

/** What inline flags switch, outside and inside of groups. */
export interface Flags {
  readonly ignoreCase: boolean
  readonly multiline: boolean
  readonly dotAll: boolean
  readonly verbose: boolean
  readonly ascii: boolean
}

export const NO_FLAGS: Flags = { ignoreCase: false, multiline: false, dotAll: false, verbose: false, ascii: false }

const FLAG_NAMES: Readonly<Record<string, keyof Flags | 'unicode' | 'locale'>> = {
  i: 'ignoreCase',
  m: 'multiline',
  s: 'dotAll',
  x: 'verbose',
  a: 'ascii',
  u: 'unicode',
  L: 'locale',
}

export function isFlag(char: string): boolean {
  return Object.hasOwn(FLAG_NAMES, char)
}

/** Flags as written: for the rest of the pattern when `scoped` is null, else what holds inside of the group. */
export interface InlineFlags {
  readonly on: Readonly<Record<string, boolean>>
  readonly scoped: Flags | null
}

/** Read `i)`, `im-s:` and the like, after `(?`; `firstFlag` is already taken. */
export function inlineFlags(reader: PatternReader, firstFlag: string, outer: Flags): InlineFlags {
  const on: Record<string, boolean> = {}
  const off: Record<string, boolean> = {}
  let type = ''
  let char = firstFlag
  if (char !== '-') {
    for (;;) {
      const flag: string = FLAG_NAMES[char] as string
      if (flag === 'locale') throw reader.error("bad inline flags: cannot use 'L' flag with a str pattern")
      if (flag === 'ascii' || flag === 'unicode') {
        if (type !== '' && type !== flag) {
          throw reader.error("bad inline flags: flags 'a', 'u' and 'L' are incompatible")
        }
        type = flag
      }
      on[flag] = true
      char = reader.take('missing -, : or )')
      if (char === ')' || char === '-' || char === ':') break
      checkFlag(reader, char, 'missing -, : or )')
    }
  }
  if (char === ')') return { on, scoped: null }
  if (char === '-') {
    char = reader.take('missing flag')
    checkFlag(reader, char, 'missing flag')
    for (;;) {
      const flag: string = FLAG_NAMES[char] as string
      if (flag === 'ascii' || flag === 'unicode' || flag === 'locale') {
        throw reader.error("bad inline flags: cannot turn off flags 'a', 'u' and 'L'")
      }
      off[flag] = true
      char = reader.take('missing :')
      if (char === ':') break
      checkFlag(reader, char, 'missing :')
    }
  }
  if (Object.keys(on).some((flag) => off[flag])) throw reader.error('bad inline flags: flag turned on and off')
  const pick = (flag: keyof Flags) => (outer[flag] || on[flag] === true) && off[flag] !== true
  const scoped = {
    ignoreCase: pick('ignoreCase'),
    multiline: pick('multiline'),
    dotAll: pick('dotAll'),
    verbose: pick('verbose'),
    ascii: type === 'ascii' || (outer.ascii && type !== 'unicode'),
  }
  return { on, scoped }
}

function checkFlag(reader: PatternReader, char: string, otherwise: string): void {
  if (isFlag(char)) return
  throw reader.error(/^\p{L}$/u.test(char) ? 'unknown flag' : otherwise, reader.at - 1)
}
