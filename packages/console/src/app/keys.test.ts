import { expect, test } from 'vitest'
import { type KeyPress, keyReader, type Shortcut } from './keys.ts'

const shortcut = (keys: string, repeats = false): Shortcut => ({ keys, label: keys, group: '', run: () => {}, repeats })
const ALL = [shortcut('a'), shortcut('j', true), shortcut('g a'), shortcut('g o'), shortcut('?')]
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
  expect(read(press('a'), ALL, 900)?.keys).toBe('g a')
  expect(read(press('g'), ALL, 2_000)).toBeNull()
  expect(read(press('a'), ALL, 3_500)?.keys).toBe('a')
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
