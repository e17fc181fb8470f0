import { expect, it } from 'vitest'
import { emitYaml } from '../compose/emit.ts'
import { readYaml } from '../load/yaml/read.ts'
import { dateText, withDatesAsText } from './dates.ts'

it.each([
  ['2024-01-01', '2024-01-01'],
  ['0099-01-01', '0099-01-01'],
  ['2024-01-01T10:00:00Z', '2024-01-01 10:00:00+00:00'],
  ['2024-01-01 10:00:00', '2024-01-01 10:00:00'],
  ['2024-01-01 10:00:00.5 +2', '2024-01-01 10:00:00.500000+02:00'],
  ['2024-1-1 1:02:03.1234567 -05:30', '2024-01-01 01:02:03.123456-05:30'],
  ['2024-01-01 10:00:00.000', '2024-01-01 10:00:00'],
])('the date %s of a bundle is told as Python tells it', (written, text) => {
  const date = readYaml(written)
  expect(withDatesAsText({ since: date, list: [date, 1], other: 'x' })).toEqual({
    since: text,
    list: [text, 1],
    other: 'x',
  })
  // Composing a bundle anew leaves the date what it was.
  const again = readYaml(emitYaml({ since: date })) as { since: Date }
  expect(dateText(again.since)).toBe(text)
  expect(again.since.getTime()).toBe((date as Date).getTime())
})

it('a date that no bundle wrote is told in UTC', () => {
  expect(dateText(new Date('2024-01-01T10:00:00Z'))).toBe('2024-01-01 10:00:00+00:00')
  expect(dateText(new Date('2024-01-01T10:00:00.250Z'))).toBe('2024-01-01 10:00:00.250000+00:00')
  expect(dateText(new Date(Number.NaN))).toBe('Invalid Date')
})

it('plain data without dates stays the same object', () => {
  const value = { a: [1, { b: null }] }
  expect(withDatesAsText(value)).toBe(value)
})

it('keys that are no text are told as Python tells them', () => {
  expect(readYaml('{2024-01-01: a, 2024-01-01T10:00:00Z: b, ~: c, yes: d, 1.50: e, 0x10: f}')).toEqual({
    '2024-01-01': 'a',
    '2024-01-01 10:00:00+00:00': 'b',
    null: 'c',
    true: 'd',
    1.5: 'e',
    16: 'f',
  })
})
