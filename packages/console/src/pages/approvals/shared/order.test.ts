import { expect, test } from 'vitest'
import type { Approval } from '../../../api/types.ts'
import { byUrgency, countOpen, followSelection } from './order.ts'

const NOW = Date.parse('2026-03-01T12:00:00Z')
const approval = (id: string, secondsLeft: number, status: Approval['status'] = 'pending'): Approval => ({
  id,
  status,
  agent_id: 'a',
  tool_name: 't',
  tool_args: null,
  message: 'm',
  env: 'production',
  timeout_seconds: 300,
  timeout_effect: 'deny',
  decision_source: null,
  contract_name: null,
  decided_by: null,
  decided_at: null,
  decision_reason: null,
  decided_via: null,
  action_digest: null,
  receipt: null,
  consumed_at: null,
  asker: 'attached',
  asker_seen_at: null,
  tool_args_shortened: false,
  created_at: new Date(NOW + (secondsLeft - 300) * 1_000).toISOString(),
})

test('the call that runs out first is on top; decided and expired ones are not there', () => {
  const all = [approval('slow', 200), approval('over', 0), approval('done', 90, 'approved'), approval('soon', 20)]
  expect(byUrgency(all, NOW).map(({ id }) => id)).toEqual(['soon', 'slow'])
  expect(countOpen(all, NOW)).toBe(2)
})

test('the selection follows its item wherever it moves', () => {
  expect(followSelection(['a', 'b', 'c'], ['x', 'c', 'b'], 'b')).toBe('b')
})

test('when the selected item goes, the next one takes its place, else the one before', () => {
  expect(followSelection(['a', 'b', 'c'], ['a', 'c'], 'b')).toBe('c')
  expect(followSelection(['a', 'b', 'c'], ['x', 'a'], 'b')).toBe('a')
  expect(followSelection(['a'], [], 'a')).toBeNull()
})

test('without a selection the first is taken', () => {
  expect(followSelection([], ['a', 'b'], null)).toBe('a')
})
