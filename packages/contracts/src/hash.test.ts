import { createHash, randomBytes } from 'node:crypto'
import { expect, test, vi } from 'vitest'
import { sha256Hex } from './hash.ts'

test('SHA-256 of the published vectors (FIPS 180-4)', () => {
  expect(sha256Hex('a: 1\n')).toBe('37b128c59f1f5097f73f82691cb519f1f568667faab5ced1b4ab979d36837eae')
  expect(sha256Hex('b: 2\n')).toBe('d4eed209fa44e2eb45f5dbe26726d1985cef0bc7b9a2c923a8d7e8003662234e')
  expect(sha256Hex('')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
  expect(sha256Hex('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
})

test('SHA-256 agrees with the platform at every length around the block borders', () => {
  for (let length = 0; length < 300; length++) {
    const bytes = new Uint8Array(randomBytes(length))
    expect(sha256Hex(bytes)).toBe(createHash('sha256').update(bytes).digest('hex'))
  }
})

test('text is hashed as UTF-8, and a view into a larger buffer only as far as it reaches', () => {
  expect(sha256Hex('é😀')).toBe(createHash('sha256').update('é😀').digest('hex'))
  const large = new Uint8Array(randomBytes(200))
  expect(sha256Hex(large.subarray(7, 100))).toBe(createHash('sha256').update(large.subarray(7, 100)).digest('hex'))
})

test('what is large is hashed alike with Node and without', () => {
  const bytes = new Uint8Array(randomBytes(100_000)).subarray(3)
  const expected = createHash('sha256').update(bytes).digest('hex')
  expect(sha256Hex(bytes)).toBe(expected)
  vi.stubGlobal('process', undefined)
  try {
    expect(sha256Hex(bytes)).toBe(expected)
  } finally {
    vi.unstubAllGlobals()
  }
})
