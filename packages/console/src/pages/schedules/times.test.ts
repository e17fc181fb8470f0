import { expect, test } from 'vitest'
import { inZone, zonesOf } from './times.ts'

test('an instant is told as each zone has it, over a change of clocks too', () => {
  const summer = Date.parse('2026-07-01T22:30:00Z')
  expect(inZone(summer, 'UTC')).toBe('Wed 1 Jul 2026, 22:30')
  expect(inZone(summer, 'Europe/Berlin')).toBe('Thu 2 Jul 2026, 00:30')
  expect(inZone(Date.parse('2026-12-01T22:30:00Z'), 'Europe/Berlin')).toBe('Tue 1 Dec 2026, 23:30')
})

test('zones are told once each, the own one first', () => {
  expect(zonesOf('Europe/Berlin', 'Asia/Tokyo')).toEqual(['Europe/Berlin', 'UTC', 'Asia/Tokyo'])
  expect(zonesOf('UTC', 'UTC')).toEqual(['UTC'])
  expect(zonesOf(null, 'Asia/Tokyo')).toEqual(['UTC', 'Asia/Tokyo'])
})
