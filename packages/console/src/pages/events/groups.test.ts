import { expect, test } from 'vitest'
import type { AuditEvent } from '../../api/types.ts'
import { contentsOf, eventOf, type Group, grouped, honesty, isGroup, linesOf, orderOf } from './groups.ts'

let seq = 0
const event = (id: string, change: Partial<AuditEvent> = {}): AuditEvent =>
  ({
    id,
    seq: seq++,
    call_id: '',
    agent_id: 'reporter',
    tool_name: 'read_file',
    verdict: 'call_allowed',
    mode: 'enforce',
    timestamp: '2026-01-01T00:00:00Z',
    payload: null,
    ...change,
  }) as AuditEvent

const shape = (rows: readonly (AuditEvent | Group)[]) =>
  rows.map((one) => (isGroup(one) ? one.events.map(({ id }) => id).join('+') : one.id))

test('events of one call are one row, where its newest stands; what is alone or names no call stays an event', () => {
  const rows = [
    event('a', { call_id: '1' }),
    event('b'),
    event('c', { call_id: '2' }),
    event('d', { call_id: '1' }),
    event('e'),
  ]
  expect(shape(grouped(rows, 'call'))).toEqual(['a+d', 'b', 'c', 'e'])
})

test('two agents that name their calls alike have two calls', () => {
  const rows = [event('a', { call_id: '1' }), event('b', { call_id: '1', agent_id: 'other' })]
  expect(shape(grouped(rows, 'call'))).toEqual(['a', 'b'])
})

test('a session is the one that an event names, else its execution, else the run of the guard', () => {
  const of = (id: string, payload: Record<string, unknown>) => event(id, { payload })
  const rows = [
    of('a', { session_id: 's', run_id: 'r' }),
    of('b', { run_id: 'r' }),
    of('c', { execution_id: 'x', run_id: 's' }),
    of('d', { session_id: 's' }),
    of('e', { execution_id: 'x' }),
    of('f', { run_id: 'r' }),
    of('g', { session_id: 7, run_id: '' }),
  ]
  expect(shape(grouped(rows, 'session'))).toEqual(['a+d', 'b+f', 'c+e', 'g'])
})

test('no event is lost or twice, whatever is open; what is looked at opens its group', () => {
  const rows = [
    event('a', { call_id: '1' }),
    event('b'),
    event('c', { call_id: '1' }),
    event('d', { call_id: '2' }),
    event('e', { call_id: '2' }),
  ]
  const groups = grouped(rows, 'call')
  expect(orderOf(groups).map(({ id }) => id)).toEqual(['a', 'c', 'b', 'd', 'e'])
  expect(linesOf(groups, undefined, undefined).map((line) => eventOf(line)?.id ?? 'group')).toEqual([
    'group',
    'b',
    'group',
  ])
  const byHand = linesOf(groups, JSON.stringify(['reporter', '1']), undefined)
  expect(byHand.map((line) => eventOf(line)?.id ?? 'group')).toEqual(['group', 'a', 'c', 'b', 'group'])
  const bySelection = linesOf(groups, undefined, 'e')
  expect(bySelection.map((line) => eventOf(line)?.id ?? 'group')).toEqual(['group', 'b', 'group', 'd', 'e'])
})

test('a group says what is in it, and of what it was made', () => {
  const session = { payload: { session_id: 's' } }
  const rows = [
    event('a', { call_id: '1', ...session, verdict: 'call_denied' }),
    event('b', { call_id: '1', ...session }),
    event('c', { call_id: '2', ...session }),
  ]
  const [group] = grouped(rows, 'session')
  expect(group && isGroup(group) && contentsOf(group, 'session')).toBe('3 events of 2 calls, 1 denied')
  expect(group && isGroup(group) && contentsOf(group, 'call')).toBe('3 events, 1 denied')
  expect(honesty({ loaded: 1, rows: 1, by: 'call', isAll: true, isFiltered: false })).toBe(
    '1 row by call from 1 loaded event.',
  )
  expect(honesty({ loaded: 200, rows: 9, by: 'session', isAll: false, isFiltered: true })).toBe(
    '9 rows by session from 200 loaded events; older events are not loaded, so a session may have more than is counted here; only events that match are in a session.',
  )
})
