import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { AuditEvent } from '../../api/types.ts'
import {
  arrived,
  countBy,
  EMPTY_FEED,
  extended,
  mergeEvents,
  newerThan,
  PAGE_SIZE,
  released,
  sinceOf,
  started,
} from './feed.ts'

const T0 = Date.parse('2026-03-01T12:00:00Z')
const event = (id: string, second: number): AuditEvent => ({
  id,
  call_id: id,
  agent_id: 'a',
  tool_name: 't',
  verdict: 'call_allowed',
  mode: 'enforce',
  timestamp: new Date(T0 + second * 1_000).toISOString(),
  payload: null,
  created_at: new Date(T0).toISOString(),
})
const ids = (events: readonly AuditEvent[]) => events.map(({ id }) => id).join(' ')
const page = (count: number, newest: number) =>
  Array.from({ length: count }, (_, i) => event(`p${newest - i}`, newest - i))

test('merging keeps each event once, newest first, whatever the order it came in', () => {
  const batch = fc.array(
    fc
      .tuple(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 9 }))
      .map(([n, s]) => event(`e${n}`, s + n * 10)),
  )
  fc.assert(
    fc.property(batch, batch, (a, b) => {
      const merged = mergeEvents(a, b)
      expect(new Set(merged.map(({ id }) => id)).size).toBe(merged.length)
      expect(merged.map(({ timestamp }) => timestamp)).toEqual(
        merged
          .map(({ timestamp }) => timestamp)
          .sort()
          .reverse(),
      )
    }),
  )
})

test('an older page overlaps at its boundary and adds no event twice', () => {
  const feed = started(page(PAGE_SIZE, 1_000))
  const next = extended(feed, [event('p801', 801), event('p800', 800)])
  expect(next.rows).toHaveLength(PAGE_SIZE + 1)
  expect(next.reachedEnd).toBe(true)
})

test('a full page that brings nothing new is the end, not a loop', () => {
  const feed = started(page(PAGE_SIZE, 1_000))
  expect(extended(feed, page(PAGE_SIZE, 1_000)).reachedEnd).toBe(true)
})

test('new events are shown to a reader at the top and held for one who reads on', () => {
  const feed = started([event('a', 1)])
  expect(ids(arrived(feed, [event('b', 2), event('a', 1)], true).rows)).toBe('b a')
  const held = arrived(feed, [event('b', 2), event('a', 1)], false)
  expect(ids(held.rows)).toBe('a')
  expect(ids(held.held)).toBe('b')
  expect(ids(released(held).rows)).toBe('b a')
  expect(arrived(held, [event('b', 2)], false)).toBe(held)
})

test('looking for newer events reaches back, because agents report late', () => {
  expect(newerThan(started([event('a', 600)]))).toBe(new Date(T0 + 480_000).toISOString())
  expect(newerThan(EMPTY_FEED)).toBeUndefined()
})

test('a late event of another agent still finds its place', () => {
  const feed = started([event('a', 10), event('c', 2)])
  expect(ids(arrived(feed, [event('b', 5)], true).rows)).toBe('a b c')
})

test('lengths of time count back from now; anything else is none', () => {
  expect(sinceOf('15m', T0)).toBe('2026-03-01T11:45:00.000Z')
  expect(sinceOf('24h', T0)).toBe('2026-02-28T12:00:00.000Z')
  expect(sinceOf('7d', T0)).toBe('2026-02-22T12:00:00.000Z')
  for (const bad of [undefined, '', '1w', '-1h', '1h ', '99999d']) expect(sinceOf(bad, T0)).toBeUndefined()
})

test('values are counted, the frequent first', () => {
  expect(
    countBy([event('a', 1), { ...event('b', 1), agent_id: 'z' }, { ...event('c', 1), agent_id: 'z' }], 'agent_id'),
  ).toEqual([
    { value: 'z', count: 2 },
    { value: 'a', count: 1 },
  ])
})
