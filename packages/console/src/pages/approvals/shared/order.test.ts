import { expect, test } from 'vitest'
import type { Approval } from '../../../api/types.ts'
import { byUrgency, countOpen } from './order.ts'

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
  session_id: null,
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
