import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { AuditEvent } from '../../api/types.ts'
import {
  arrived,
  asked,
  extended,
  FOLLOWED,
  failed,
  LARGEST,
  mergeEvents,
  PAGE_SIZE,
  released,
  sinceOf,
  started,
} from './feed.ts'

const T0 = Date.parse('2026-03-01T12:00:00Z')
const event = (id: string, second: number, seq = second): AuditEvent => ({
  id,
  seq,
  call_id: id,
  agent_id: 'a',
  tool_name: 't',
  verdict: 'call_allowed',
  mode: 'enforce',
  timestamp: new Date(T0 + second * 1_000).toISOString(),
  payload: null,
  payload_bytes: 4,
  payload_shortened: false,
  created_at: new Date(T0).toISOString(),
})
const ids = (events: readonly AuditEvent[]) => events.map(({ id }) => id).join(' ')
const page = (count: number, newest: number) =>
  Array.from({ length: count }, (_, i) => event(`p${newest - i}`, newest - i))
const whole = (events: readonly AuditEvent[]) => started({ events, next: null })
const came = (...events: AuditEvent[]) => ({ events, next: Math.max(...events.map(({ seq }) => seq)) })

test('merging keeps each event once, newest first, whatever the order it came in', () => {
  const batch = fc.array(
    fc
      .tuple(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 9 }))
      .map(([n, s]) => event(`e${n}`, s + n * 10)),
  )
  fc.assert(
    fc.property(batch, batch, (a, b) => {
      const merged = mergeEvents(mergeEvents([], a), b)
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

test('a page is the last only when the server says so, however short it is', () => {
  const feed = started({ events: page(3, 1_000), next: 'c1' })
  expect(feed.older).toEqual({ kind: 'page', cursor: 'c1' })
  const next = extended(feed, { events: [event('p998', 998), event('x', 900)], next: 'c2' })
  expect(ids(next.rows)).toBe('p1000 p999 p998 x')
  expect(next.older).toEqual({ kind: 'page', cursor: 'c2' })
  expect(extended(next, { events: [], next: null }).older).toEqual({ kind: 'end' })
})

test('new events are shown to a reader at the top and held for one who reads on', () => {
  const feed = whole([event('a', 1)])
  expect(ids(arrived(feed, came(event('b', 2), event('a', 1)), true).rows)).toBe('b a')
  const held = arrived(feed, came(event('b', 2), event('a', 1)), false)
  expect(ids(held.rows)).toBe('a')
  expect(ids(held.held)).toBe('b')
  expect(ids(released(held)?.rows ?? [])).toBe('b a')
  expect(held.seq).toBe(2)
})

test('a late event of another agent still finds its place', () => {
  const feed = whole([event('a', 10), event('c', 2)])
  expect(ids(arrived(feed, came(event('b', 5, 11)), true).rows)).toBe('a b c')
})

test('a late event that belongs below what is loaded waits for its page, so that no gap is hidden', () => {
  const feed = started({ events: page(3, 1_000), next: 'c1' })
  const next = arrived(feed, came(event('late', 10, 2_000)), true)
  expect(ids(next.rows)).toBe('p1000 p999 p998')
  expect(next.seq).toBe(2_000)
})

test('what arrives while a page is on its way joins the page, when it belongs to its stretch: the page may be older', () => {
  const waiting = asked(started({ events: page(3, 1_000), next: 'c1' }))
  const late = arrived(waiting, came(event('in', 996, 2_000), event('below', 10, 2_001)), true)
  expect(ids(late.rows)).toBe('p1000 p999 p998')
  const joined = extended(late, { events: [event('p997', 997), event('p995', 995)], next: 'c2' })
  expect(ids(joined.rows)).toBe('p1000 p999 p998 p997 in p995')
  expect(joined.late).toBeNull()
})

test('a page that did not come leaves nothing to join, and much that arrives meanwhile has the page asked for anew', () => {
  const waiting = asked(started({ events: page(3, 1_000), next: 'c1' }))
  expect(failed(arrived(waiting, came(event('in', 996, 2_000)), true)).late).toBeNull()
  const many = Array.from({ length: FOLLOWED + 1 }, (_, i) => event(`m${i}`, 900, 2_000 + i))
  const flooded = arrived(waiting, came(...many), true)
  expect([flooded.late, flooded.older]).toEqual([null, waiting.older])
  expect(flooded.older).not.toBe(waiting.older)
})

test('more arrivals than are held are counted, and read anew when they are wanted', () => {
  const feed = whole([event('a', 1)])
  const held = arrived(feed, { events: page(FOLLOWED + 6, 9_000), next: 9_000 }, false)
  expect(held.held.length + held.heldBeyond).toBe(FOLLOWED + 6)
  expect(released(held)).toBeNull()
})

test('a reader who reaches the limit is told that there is more', () => {
  const feed = { ...whole(page(LARGEST - 1, 90_000)), older: { kind: 'page' as const, cursor: 'c' } }
  expect(extended(feed, { events: [event('x', 1), event('y', 0)], next: 'c2' }).older).toEqual({ kind: 'full' })
})

test('whatever arrives in whatever order, following and then paging down shows every event once', () => {
  const stored = fc.uniqueArray(
    fc.record({ id: fc.integer({ min: 0, max: 99_999 }), second: fc.integer({ min: 0, max: 500 }) }),
    { selector: ({ id }) => id, maxLength: 120 },
  )
  fc.assert(
    fc.property(stored, fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 9 }), (all, known, size) => {
      const log = all.map(({ id, second }, index) => event(`e${id}`, second, index + 1))
      /** The server's page from a place in the newest-first order. */
      const ask = (upTo: number, cursor: string | undefined) => {
        const sorted = mergeEvents([], log.slice(0, upTo))
        const from = cursor === undefined ? 0 : sorted.findIndex(({ id }) => id === cursor) + 1
        const events = sorted.slice(from, from + size)
        return { events, next: from + size < sorted.length ? (events.at(-1)?.id ?? null) : null }
      }
      let feed = started(ask(known, undefined))
      feed = { ...feed, seq: Math.min(known, log.length) }
      for (let seq = feed.seq; seq < log.length; seq += size)
        feed = arrived(feed, { events: log.slice(seq, seq + size), next: Math.min(seq + size, log.length) }, true)
      for (let guard = 0; feed.older.kind === 'page' && guard < 500; guard++)
        feed = extended(feed, ask(log.length, feed.older.cursor))
      expect(ids(feed.rows)).toBe(ids(mergeEvents([], log)))
    }),
  )
})

test('rows that are cut off below a reader at the top are read again from where they were cut', () => {
  const feed = arrived(whole(page(FOLLOWED, 5_000)), came(event('new', 6_000)), true)
  expect(feed.rows).toHaveLength(FOLLOWED - PAGE_SIZE)
  const last = feed.rows.at(-1)!
  expect(feed.older).toEqual({ kind: 'page', until: last.timestamp })
  const more = extended(feed, { events: [last, event('below', 100)], next: 'c' })
  expect(more.older).toEqual({ kind: 'page', cursor: 'c', until: last.timestamp })
  expect(more.rows).toHaveLength(FOLLOWED - PAGE_SIZE + 1)
})

test('lengths of time count back from now; anything else is none', () => {
  expect(sinceOf('15m', T0)).toBe('2026-03-01T11:45:00.000Z')
  expect(sinceOf('24h', T0)).toBe('2026-02-28T12:00:00.000Z')
  expect(sinceOf('7d', T0)).toBe('2026-02-22T12:00:00.000Z')
  for (const bad of [undefined, '', '1w', '-1h', '1h ', '99999d']) expect(sinceOf(bad, T0)).toBeUndefined()
})
