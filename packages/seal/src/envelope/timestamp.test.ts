import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { unixSecondsOf } from './timestamp.ts'

it.each<[string, number | null]>([
  ['1970-01-01T00:00:00Z', 0],
  ['1969-12-31T23:59:59.999999999Z', -1],
  ['1970-01-01T00:59:59+01:00', -1],
  ['0000-01-01T00:00:00Z', -62_167_219_200],
  ['0000-02-29T00:00:00Z', -62_162_121_600],
  ['9999-12-31T23:59:59.999Z', 253_402_300_799],
  ['2000-02-29T12:00:00Z', 951_825_600],
  ['2024-02-29T23:59:59-23:59', 1_709_337_539],
  ['2026-05-01T12:00:00+23:59', 1_777_550_460],
  ['2026-05-01T12:00:00-00:00', 1_777_636_800],
  ['2026-05-01T12:00:00.000000001Z', 1_777_636_800],
  ['1900-02-29T00:00:00Z', null],
  ['2023-02-29T00:00:00Z', null],
  ['2026-04-31T00:00:00Z', null],
  ['2026-00-01T00:00:00Z', null],
  ['2026-13-01T00:00:00Z', null],
  ['2026-01-00T00:00:00Z', null],
  ['2026-05-01T24:00:00Z', null],
  ['2026-05-01T23:60:00Z', null],
  ['2016-12-31T23:59:60Z', null],
  ['2026-05-01T12:00:00+24:00', null],
  ['2026-05-01T12:00:00+00:60', null],
  ['2026-05-01T12:00:00+0000', null],
  ['2026-05-01T12:00:00+00', null],
  ['2026-05-01T12:00:00', null],
  ['2026-05-01t12:00:00Z', null],
  ['2026-05-01T12:00:00z', null],
  ['2026-05-01 12:00:00Z', null],
  ['2026-05-01T12:00Z', null],
  ['2026-05-01T12:00:00.Z', null],
  ['2026-05-01T12:00:00.0123456789Z', null],
  ['2026-05-01T12:00:00,5Z', null],
  ['2026-5-1T12:00:00Z', null],
  ['+002026-05-01T12:00:00Z', null],
  ['-0001-05-01T12:00:00Z', null],
  ['2026-05-01T12:00:00Z ', null],
  ['2026-05-01T12:00:00Z\n', null],
  ['\ufeff2026-05-01T12:00:00Z', null],
  ['２０２６-05-01T12:00:00Z', null],
  ['2026-05-01T12:00:00\u221201:00', null],
  ['1777636800', null],
  ['Fri, 01 May 2026 12:00:00 GMT', null],
  ['', null],
])('%s', (text, seconds) => expect(unixSecondsOf(text)).toBe(seconds))

it('an instant with a zone is the second that it lies in', () => {
  const instant = fc.date({
    min: new Date('0000-01-01T00:00:00Z'),
    max: new Date('9999-12-31T23:59:59.999Z'),
    noInvalidDate: true,
  })
  fc.assert(
    fc.property(instant, fc.integer({ min: -1439, max: 1439 }), (date, minutes) => {
      const local = new Date(date.getTime() + minutes * 60_000)
      const year = local.getUTCFullYear()
      fc.pre(year >= 0 && year <= 9999)
      const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60]
      const zone = `${minutes < 0 ? '-' : '+'}${String(hours).padStart(2, '0')}:${String(rest).padStart(2, '0')}`
      expect(unixSecondsOf(local.toISOString().replace('Z', zone))).toBe(Math.floor(date.getTime() / 1000))
    }),
  )
})
