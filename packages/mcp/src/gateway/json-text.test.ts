import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createSkippingReader, type DroppedLine } from '../lines.ts'
import { AmbiguousText, checkUnambiguous, itemsOf, mapStrings, membersOf, parseExact, respelled } from './json-text.ts'

const spaced = (value: unknown, indent: number) => JSON.stringify(value, null, indent)

it('a text is spelled as it was where nothing changed, whatever it says', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.integer({ min: 0, max: 3 }), (value, indent) => {
      const text = spaced(value, indent)
      expect(respelled(text, 0, JSON.parse(text))).toBe(text)
    }),
  )
})

it('a text whose strings changed says the changed value, and is spelled alike in the rest', () => {
  const hide = (text: string) => text.replaceAll('a', '"\\')
  fc.assert(
    fc.property(fc.jsonValue(), fc.integer({ min: 0, max: 3 }), (value, indent) => {
      const text = spaced(value, indent)
      const changed = mapStrings(JSON.parse(text), hide)
      expect(JSON.parse(respelled(text, 0, changed))).toEqual(changed)
    }),
  )
})

it('members and items are found where they are', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.array(fc.jsonValue()), (object, list) => {
      const text = spaced(object, 2)
      const members = [...membersOf(text)].map(([name, { start, end }]) => [name, JSON.parse(text.slice(start, end))])
      expect(Object.fromEntries(members)).toEqual(JSON.parse(text))
      const listed = spaced(list, 1)
      expect(itemsOf(listed, 0).map(({ start, end }) => JSON.parse(listed.slice(start, end)))).toEqual(
        JSON.parse(listed),
      )
    }),
  )
})

it('a name twice is found however it is spelled and however deep; nesting has a limit', () => {
  expect(() => checkUnambiguous('{"a":[{"b":1,"\\u0062":2}]}')).toThrow(AmbiguousText)
  expect(() => checkUnambiguous('{"a":{"b":1},"c":{"b":2}}')).not.toThrow()
  expect(() => checkUnambiguous(`${'['.repeat(2000)}${']'.repeat(2000)}`)).toThrow(AmbiguousText)
})

it('integers beyond 2^53 are judged in all their digits', () => {
  expect(parseExact('{"a":9007199254740993,"b":1.5,"c":[12345678901234567890]}')).toEqual({
    a: 9_007_199_254_740_993n,
    b: 1.5,
    c: [12_345_678_901_234_567_890n],
  })
})

it('a line that is too long is dropped alone, however it is cut into pieces', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 700 }), (size) => {
      const dropped: DroppedLine[] = []
      const reader = createSkippingReader(1000, (line) => dropped.push(line))
      const bytes = Buffer.from(`one\r\n{"id":7,"x":"${'y'.repeat(5000)}","end":1}\ntwo é\n\nthree\n`)
      const lines: string[] = []
      for (let at = 0; at < bytes.length; at += size) lines.push(...reader.push(bytes.subarray(at, at + size)))
      expect(lines).toEqual(['one', 'two é', 'three'])
      expect(dropped).toHaveLength(1)
      expect(dropped[0]?.bytes).toBe(5023)
      expect(dropped[0]?.head).toMatch(/^\{"id":7,"x":"yy/)
      expect(dropped[0]?.tail).toMatch(/yy","end":1\}$/)
    }),
  )
})
