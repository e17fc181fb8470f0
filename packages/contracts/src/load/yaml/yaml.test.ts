import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { MAX_ALIASES } from '../../bounds.ts'
import { checkPrintable, decodeYaml } from './decode.ts'
import type { YamlNode } from './nodes.ts'
import { parseYaml } from './parse.ts'
import { scalarValue } from './resolve.ts'
import { YamlError } from './tokens.ts'
import { plainValue } from './value.ts'

/** Recorded from PyYAML 6.0 `safe_load`: a text with its value, or with none where it is an error. */
type Recorded =
  | { n: 1 }
  | { b: boolean }
  | { s: string }
  | { i: string }
  | { f: string }
  | { d: string }
  | { l: Recorded[] }
  | { m: [string | null, Recorded][] }
const vectors: { t: string; v?: Recorded }[] = JSON.parse(
  readFileSync(new URL('pyyaml.vectors.json', import.meta.url), 'utf8'),
)

/** The value in the notation of the recording. */
function record(node: YamlNode): Recorded {
  if (node.kind === 'sequence') return { l: node.items.map(record) }
  if (node.kind === 'mapping') {
    const entries = new Map<string, [string | null, Recorded]>()
    for (const { key, value } of node.entries) {
      const name = key.kind === 'scalar' && key.tag === 'str' ? key.text : null
      entries.set(name ?? `\0${JSON.stringify(record(key))}`, [name, record(value)])
    }
    return { m: [...entries.values()] }
  }
  const value = scalarValue(node.tag, node.text, node.start)
  if (value === null) return { n: 1 }
  if (typeof value === 'boolean') return { b: value }
  if (typeof value === 'string') return { s: value }
  if (value instanceof Date) return { d: value.toISOString() }
  return node.tag === 'int' ? { i: String(value) } : { f: String(value) }
}

function readable(recorded: Recorded): unknown {
  if ('f' in recorded) return { f: Number(recorded.f.replace('inf', 'Infinity')) }
  if ('l' in recorded) return { l: recorded.l.map(readable) }
  if ('m' in recorded) return { m: recorded.m.map(([key, value]) => [key, readable(value)]) }
  return recorded
}

describe('a text means what it means to agents in the field', () => {
  test.each(vectors)('$t', ({ t, v }) => {
    const read = () => {
      checkPrintable(t)
      return readable(record(parseYaml(t)))
    }
    if (v === undefined) expect(read).toThrow(YamlError)
    else expect(read()).toEqual(readable(v))
  })
})

test('more than 100 aliases are refused, those within aliases counted', () => {
  const flat = (count: number) => `a: &a 1\nb: [${'*a, '.repeat(count)}]`
  expect(() => parseYaml(flat(MAX_ALIASES))).not.toThrow()
  expect(() => parseYaml(flat(MAX_ALIASES + 1))).toThrow('more than 100 aliases')
  const laughs = ['a: &a [x, x, x, x, x, x, x, x, x]']
  for (const [name, of] of ['ba', 'cb', 'dc', 'ed']) laughs.push(`${name}: &${name} [${`*${of}, `.repeat(9)}]`)
  expect(() => parseYaml(laughs.join('\n'))).toThrow('more than 100 aliases')
})

test('an alias to what surrounds it is refused', () => {
  expect(() => parseYaml('a: &a [*a]')).toThrow('inside of its own anchor')
})

test('a number of endless parts, or digits, is refused', () => {
  expect(plainValue(parseYaml(`1${':59'.repeat(9)}`))).toBe(20155391999999999n)
  expect(() => parseYaml(`1${':59'.repeat(100_000)}`)).toThrow('is not an integer')
  expect(() => parseYaml('9'.repeat(5_000))).toThrow('is not an integer')
})

test('deep nesting is refused, not overflowed', () => {
  expect(() => parseYaml('['.repeat(100_000))).toThrow(YamlError)
  expect(() => parseYaml(`${'- '.repeat(50_000)}a`)).toThrow(YamlError)
})

test('prototype names are ordinary keys', () => {
  const value = plainValue(parseYaml('{__proto__: {polluted: 1}, constructor: 2}')) as Record<string, unknown>
  expect(Object.keys(value)).toEqual(['__proto__', 'constructor'])
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
  expect(({} as Record<string, unknown>).polluted).toBeUndefined()
})

test('bytes: UTF-8 with and without a mark, UTF-16 with one; nothing else', () => {
  const utf16 = (big: boolean) => {
    const bytes = new Uint8Array(8)
    const view = new DataView(bytes.buffer)
    ;[0xfeff, 0x61, 0x3a, 0x20].forEach((unit, i) => {
      view.setUint16(i * 2, unit, !big)
    })
    return bytes
  }
  for (const bytes of [
    new TextEncoder().encode('a: '),
    new TextEncoder().encode('\ufeffa: '),
    utf16(true),
    utf16(false),
  ]) {
    expect(plainValue(parseYaml(decodeYaml(bytes)))).toEqual({ a: null })
  }
  expect(() => decodeYaml(new Uint8Array([0x61, 0xff]))).toThrow('not valid UTF-8')
  expect(() => decodeYaml(new Uint8Array([0x61, 1]))).toThrow('U+0001')
})

test('integers beyond 2^53 keep every digit', () => {
  expect(plainValue(parseYaml('9007199254740993'))).toBe(9007199254740993n)
  expect(plainValue(parseYaml('9007199254740991'))).toBe(9007199254740991)
})
