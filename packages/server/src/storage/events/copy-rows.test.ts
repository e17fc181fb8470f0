import { expect, it } from 'vitest'
import { copyOf, release, uuidArray } from './copy-rows.ts'
import type { EventValues } from './event-table.ts'

const ID = '00112233-4455-8677-8899-aAbBcCdDeEfF'
const row = (payload: string | null): EventValues => [ID, 't', 'c', 'a', 'x', 'v', 'm', 'e', -1, '', payload, null]

it('a row is its columns in order, each with its length', () => {
  const bytes = copyOf([row(null)], 7, 2 ** 40)
  expect(bytes.subarray(0, 11).toString('latin1')).toBe('PGCOPY\n\xff\r\n\0')
  expect(bytes.subarray(19).toString('hex')).toBe(
    [
      '000e',
      '00000008' + '0000000000000007',
      '00000010' + '00112233445586778899aabbccddeeff',
      ...['74', '63', '61', '78', '76', '6d', '65'].map((text) => `00000001${text}`),
      '00000008' + 'ffffffffffffffff',
      '00000000',
      'ffffffff',
      'ffffffff',
      '00000008' + '0000010000000000',
      'ffff',
    ].join(''),
  )
})

it('what was written into a buffer used before is what is written into a new one', () => {
  const fresh = Buffer.from(copyOf([row('first'), row('ä'.repeat(3_000_000))], 7, 2 ** 40))
  const used = copyOf([row('x'.repeat(5_000_000))], 7, 2 ** 40)
  release(used)
  const again = copyOf([row('first'), row('ä'.repeat(3_000_000))], 7, 2 ** 40)
  expect(again.buffer).toBe(used.buffer)
  expect(again.equals(fresh)).toBe(true)
})

it.each(['', '00112233', `${ID}0`, 'zz112233-4455-8677-8899-aabbccddeeff'])('%j is refused as an id', (id) => {
  expect(() => uuidArray([id])).toThrow('is no UUID')
})
