import { expect, test } from 'vitest'
import { type KeyPress, keyReader, type Shortcut } from './keys.ts'

const shortcut = (keys: string, repeats = false): Shortcut => ({ keys, label: keys, group: '', run: () => {}, repeats })
const decision: Shortcut = { ...shortcut('a'), decides: true }
const ALL = [decision, shortcut('e'), shortcut('j', true), shortcut('g e'), shortcut('g o'), shortcut('?')]
const press = (key: string, about: Partial<KeyPress> = {}): KeyPress => ({
  key,
  repeat: false,
  modified: false,
  elsewhere: false,
  ...about,
})

test('a single key finds its shortcut', () => {
  const read = keyReader()
  expect(read(press('a'), ALL, 0)?.keys).toBe('a')
  expect(read(press('?'), ALL, 1)?.keys).toBe('?')
  expect(read(press('x'), ALL, 2)).toBeNull()
})

test('two keys in a row win over the second alone, but only within a second', () => {
  const read = keyReader()
  expect(read(press('g'), ALL, 0)).toBeNull()
  expect(read(press('e'), ALL, 900)?.keys).toBe('g e')
  expect(read(press('g'), ALL, 2_000)).toBeNull()
  expect(read(press('e'), ALL, 3_500)?.keys).toBe('e')
})

test('a held key moves on but never decides', () => {
  const read = keyReader()
  expect(read(press('j', { repeat: true }), ALL, 0)?.keys).toBe('j')
  expect(read(press('a', { repeat: true }), ALL, 1)).toBeNull()
})

test('keys typed into a field, or with a modifier, are left alone', () => {
  const read = keyReader()
  expect(read(press('a', { elsewhere: true }), ALL, 0)).toBeNull()
  expect(read(press('a', { modified: true }), ALL, 0)).toBeNull()
})

test('Shift on its way to ? does not end a sequence', () => {
  const read = keyReader()
  read(press('g'), ALL, 0)
  expect(read(press('Shift'), ALL, 10)).toBeNull()
  expect(read(press('o'), ALL, 20)?.keys).toBe('g o')
})

test('a key that decides never acts as the second key of a sequence, however late it comes', () => {
  const read = keyReader()
  for (const wait of [60, 900, 1_500, 60_000]) {
    read(press('g'), ALL, 0)
    expect(read(press('a'), ALL, wait)).toBeNull()
  }
  expect(read(press('a'), ALL, 70_000)?.keys).toBe('a')
})
