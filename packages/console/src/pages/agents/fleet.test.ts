import { expect, test } from 'vitest'
import type { AgentConnection, FleetCoverage, Registration } from '../../api/types.ts'
import { filterFleet, fleetOf } from './fleet.ts'

const registration = (agent_id: string, over: Partial<Registration> = {}): Registration => ({
  id: agent_id,
  agent_id,
  display_name: null,
  tags: {},
  bundle_name: null,
  resolved_bundle: 'resolved',
  last_seen_at: '2026-03-01T10:00:00Z',
  reads: null,
  env: 'staging',
  running_bundle: null,
  policy_version: 'old',
  created_at: '2026-01-01T00:00:00Z',
  ...over,
})
const connection = (agent_id: string, status: AgentConnection['status']): AgentConnection => ({
  agent_id,
  env: 'production',
  bundle_name: 'b',
  policy_version: 'new',
  status,
  connected_at: '2026-03-01T11:00:00Z',
})
const covered = (agent_id: string, enforced: number, observed: number, ungoverned: number) => ({
  agent_id,
  environment: 'development',
  total_tools: enforced + observed + ungoverned,
  enforced,
  observed,
  ungoverned,
  coverage_pct: 0,
  drift_status: 'unknown' as const,
  last_seen: '2026-03-01T12:00:00Z',
  event_count_24h: 3,
})
const coverage = {
  agents: [covered('calls', 1, 0, 1), covered('here', 2, 0, 0), covered('watched', 0, 1, 0)],
} as unknown as FleetCoverage

const fleet = fleetOf(
  [registration('away'), registration('here')],
  [connection('here', 'current'), connection('here', 'drift'), connection('new', 'current')],
  coverage,
  new Set(['away']),
)

test('who is connected, registered or only known by its calls is one row each, the worst first', () => {
  expect(fleet.map(({ id, health, connections, env, bundle }) => [id, health, connections, env, bundle])).toEqual([
    ['here', 'drift', 2, 'production', 'b'],
    ['new', 'current', 1, 'production', 'b'],
    ['away', 'offline', 0, 'staging', 'resolved'],
    ['calls', 'offline', 0, 'development', null],
    ['watched', 'offline', 0, 'development', null],
  ])
  expect(fleet.find(({ id }) => id === 'here')?.lastSeen).toBe('2026-03-01T12:00:00Z')
})

test('each filter leaves what it says', () => {
  const ids = (filter: Parameters<typeof filterFleet>[1]) => filterFleet(fleet, filter).map(({ id }) => id)
  expect(ids({ status: 'connected' })).toEqual(['here', 'new'])
  expect(ids({ status: 'offline', kind: 'managed' })).toEqual(['away'])
  expect(ids({ coverage: 'ungoverned' })).toEqual(['calls'])
  expect(ids({ coverage: 'enforced' })).toEqual(['here'])
  expect(ids({ coverage: 'observed' })).toEqual(['watched'])
  expect(ids({ env: 'development', q: 'CALL' })).toEqual(['calls'])
})
