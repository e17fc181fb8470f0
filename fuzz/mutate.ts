/** Texts and values no author would write. */
import type { Random } from './random.ts'

const fragments = [
  '',
  '\0',
  '\u{feff}',
  '\ud800',
  '\u202e',
  '\t',
  '\n',
  '\r\n',
  '---\n',
  '...\n',
  '&a ',
  '*a',
  '<<: *a',
  '!!binary ',
  '!!set ',
  '? ',
  ': ',
  '- ',
  '|',
  '>',
  '{',
  '}',
  '[',
  ']',
  '"',
  "'",
  '#',
  '%YAML 1.1\n',
  'null',
  '~',
  'yes',
  'off',
  '0o17',
  '017',
  '0x1f',
  '.inf',
  '-.inf',
  '.nan',
  '1e999',
  '-0',
  '12:30:45',
  '2026-01-01',
  '__proto__',
  'constructor',
  'toString',
  'args.__proto__',
  'args.',
  'args..x',
  '*',
  '**',
  '?',
  '[!a]',
  '\\',
  '(?P<a>',
  '(?=',
  '(a+)+$',
  '\\Z',
  '\\1',
  '(?i)',
  '{args.path}',
  '{{',
  '{args.x.y.z}',
  '$',
  '9'.repeat(400),
  'é',
  'ß',
  '😀',
  'ａ',
  'all:',
  'any:',
  'not:',
  'when:',
  'then:',
] as const

/** A few edits of a text: cut, double, swap, splice, insert. */
export function mutateText(random: Random, text: string, other: string): string {
  let result = text
  for (let edit = 1 + random.below(5); edit > 0; edit--) {
    const at = random.below(result.length + 1)
    const length = random.below(random.chance(0.2) ? result.length + 1 : 12)
    const from = random.below(other.length + 1)
    switch (random.below(6)) {
      case 0:
        result = result.slice(0, at) + result.slice(at + length)
        break
      case 1:
        result = result.slice(0, at) + result.slice(at, at + length).repeat(1 + random.below(4)) + result.slice(at)
        break
      case 2:
        result = result.slice(0, at) + random.pick(fragments) + result.slice(at)
        break
      case 3:
        result = result.slice(0, at) + other.slice(from, from + length) + result.slice(at + length)
        break
      case 4:
        result = swapLines(random, result)
        break
      default:
        result = replaceScalar(random, result)
    }
    if (result.length > 200_000) result = result.slice(0, 200_000)
  }
  return result
}

function swapLines(random: Random, text: string): string {
  const lines = text.split('\n')
  const [a, b] = [random.below(lines.length), random.below(lines.length)]
  const moved = lines[a] ?? ''
  lines[a] = lines[b] ?? ''
  lines[b] = moved
  return lines.join('\n')
}

/** Another value behind one of the colons: what keeps most documents well formed, so that the deeper checks are reached. */
function replaceScalar(random: Random, text: string): string {
  const places = [...text.matchAll(/: *([^\s{[][^\n,}\]]*)/g)]
  if (places.length === 0) return text
  const place = random.pick(places)
  const value = place[1] ?? ''
  const at = place.index + place[0].length - value.length
  return text.slice(0, at) + random.pick(fragments) + text.slice(at + value.length)
}

const keys = [
  'path',
  'command',
  'value',
  'url',
  'a',
  '__proto__',
  'constructor',
  'toJSON',
  'then',
  'length',
  '',
  '0',
  '\0',
  'é',
]

const commands = [
  'ls',
  'rm -rf /',
  'cat a | sh',
  'echo $(id)',
  'a && b',
  "sh -c 'x'",
  'env A=1 x',
  '"unclosed',
  "'",
  '`id`',
  'a\nb',
  '<(x)',
  'cat <<E\nx\nE',
  'x;',
  '\\',
  '~/../../etc',
  '/work/../etc/passwd',
  '%2e%2e%2f',
  '//a//b',
  'file:///etc/passwd',
  'http://a@b:99999/',
  'https://xn--a/',
  'HTTP://EXAMPLE.COM.',
  'http://[::1]',
  'http://0x7f.1',
  '\ud800',
  '\0',
  'ａ',
] as const

/** Arguments as a hostile agent would make them: cycles, proxies, getters and conversions that throw, depth, length. */
export function hostileValue(random: Random, depth = 0): unknown {
  switch (random.below(depth > 5 ? 14 : 22)) {
    case 0:
      return null
    case 1:
      return undefined
    case 2:
      return random.pick([0, -0, 1, -1, 2 ** 53, 1e308, Number.NaN, Infinity, -Infinity, 0.1])
    case 3:
      return random.chance(0.5)
    case 4:
      return 10n ** BigInt(random.below(40))
    case 5:
      return Symbol('s')
    case 6:
      return () => 'called'
    case 7:
      return random.pick(fragments).repeat(1 + random.below(3))
    case 8:
      return 'a'.repeat(random.below(20_000))
    case 9:
      return new Date(random.pick([0, Number.NaN]))
    case 10:
      return random.pick([/a/g, new Map([[1, 2]]), new Set([1]), new Uint8Array(4), new WeakMap(), new Error('e')])
    case 11:
    case 12:
    case 13:
      return random.pick(commands)
    case 14: {
      const cycle: Record<string, unknown> = { a: 1 }
      cycle.self = cycle
      return cycle
    }
    case 15:
      return new Proxy(
        {},
        { get: refuse, ownKeys: refuse, has: refuse, getOwnPropertyDescriptor: refuse, getPrototypeOf: refuse },
      )
    case 16:
      return Object.defineProperty({ b: 1 }, random.pick(keys), { enumerable: true, get: refuse })
    case 17:
      return { toString: refuse, valueOf: refuse, toJSON: refuse, [Symbol.toPrimitive]: refuse }
    case 18:
      return nested(random.below(600))
    case 19:
      return Array.from({ length: random.below(5) }, () => hostileValue(random, depth + 1))
    default: {
      const object: Record<string, unknown> = random.chance(0.1) ? Object.create(null) : {}
      for (let count = random.below(5); count > 0; count--)
        Object.defineProperty(object, random.pick(keys), {
          value: hostileValue(random, depth + 1),
          enumerable: true,
          configurable: true,
          writable: true,
        })
      return object
    }
  }
}

/** An object of arguments whose names the corpus asks for. */
export function hostileArgs(random: Random): Record<string, unknown> {
  const args: Record<string, unknown> = {}
  for (const key of ['path', 'command', 'value', 'url', 'a'])
    if (random.chance(0.7)) args[key] = random.chance(0.4) ? random.pick(commands) : hostileValue(random)
  return args
}

function nested(depth: number): unknown {
  let value: unknown = 'deep'
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { value }
  return value
}

function refuse(): never {
  throw new Error('a hostile getter')
}
