import { expect, test } from 'vitest'
import { LARGEST_IMAGE, previewOf } from './preview.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const PNG = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0])

test('markup is text, drawings of vectors among it: nothing of a file is run', () => {
  for (const text of ['<!doctype html><script>alert(1)</script>', '<svg xmlns="http://www.w3.org/2000/svg"/>'])
    expect(previewOf(bytes(text), text.length)).toEqual({ kind: 'text', text, isCut: false })
})

test('JSON is JSON only where all of it is there', () => {
  expect(previewOf(bytes('{"a":[1]}'), 9)).toEqual({ kind: 'json', value: { a: [1] } })
  expect(previewOf(bytes('{"a":[1]}'), 10)).toMatchObject({ kind: 'text', isCut: true })
  expect(previewOf(bytes('{"a":'), 5)).toEqual({ kind: 'text', text: '{"a":', isCut: false })
  expect(previewOf(bytes('12'), 2)).toEqual({ kind: 'text', text: '12', isCut: false })
})

test('an image is known by its bytes, and shown up to a size', () => {
  expect(previewOf(PNG, PNG.length)).toEqual({ kind: 'image', type: 'image/png', isTooLarge: false })
  expect(previewOf(PNG, LARGEST_IMAGE + 1)).toEqual({ kind: 'image', type: 'image/png', isTooLarge: true })
})

test('a character that the end of what was read cuts in two makes no text binary', () => {
  const whole = bytes('aé')
  expect(previewOf(whole.subarray(0, 2), 3)).toEqual({ kind: 'text', text: 'a', isCut: true })
  expect(previewOf(whole.subarray(0, 2), 2)).toEqual({ kind: 'binary' })
})

test('what has a zero byte is no text, and an empty file is empty', () => {
  expect(previewOf(bytes('a\0b'), 3)).toEqual({ kind: 'binary' })
  expect(previewOf(new Uint8Array(), 0)).toEqual({ kind: 'empty' })
})
