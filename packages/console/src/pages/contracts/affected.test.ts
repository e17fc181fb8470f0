import { expect, test } from 'vitest'
import type { AgentConnection, Registration } from '../../api/types.ts'
import { affectedAgents } from './affected.ts'

const NOW = Date.parse('2026-03-01T12:00:00Z')
const registration = (agent_id: string, over: Partial<Registration> = {}): Registration => ({
  id: agent_id,
  agent_id,
  display_name: null,
  tags: {},
  bundle_name: null,
  resolved_bundle: null,
  last_seen_at: '2026-03-01T11:00:00Z',
  reads: 'contracts',
  env: 'production',
  running_bundle: 'b',
  policy_version: 'one',
  created_at: '2026-01-01T00:00:00Z',
  ...over,
})
const connection = (agent_id: string, over: Partial<AgentConnection> = {}): AgentConnection => ({
  agent_id,
  env: 'production',
  bundle_name: 'b',
  policy_version: 'two',
  status: 'current',
  connected_at: '2026-03-01T11:00:00Z',
  ...over,
})
const ALL = { contracts: true, rulesets: true, refusals: [] }
const TARGET = { env: 'production', bundle: 'b' }

test('a deployment concerns who runs the bundle there, connected or not, and nobody else', () => {
  const agents = affectedAgents(
    TARGET,
    [
      registration('away'),
      registration('assigned', { running_bundle: null, resolved_bundle: 'b' }),
      registration('elsewhere', { env: 'staging' }),
      registration('another', { running_bundle: 'c', resolved_bundle: 'b' }),
      registration('gone', { last_seen_at: '2026-02-27T11:00:00Z' }),
      registration('never', { last_seen_at: null }),
    ],
    [connection('here'), connection('stage', { env: 'staging' }), connection('other', { bundle_name: 'c' })],
    ALL,
    NOW,
  )
  expect(agents.map(({ id, isConnected, runs }) => [id, isConnected, runs])).toEqual([
    ['assigned', false, 'one'],
    ['away', false, 'one'],
    ['here', true, 'two'],
  ])
})

test('who cannot load the version is named with the reason, first', () => {
  const of = (reads: Registration['reads'], readable: Parameters<typeof affectedAgents>[3]) =>
    affectedAgents(TARGET, [registration('a', { reads }), registration('b')], [], readable, NOW)
  const ruleset = { contracts: false, rulesets: true, refusals: [] }
  expect(of('contracts', ruleset)[0]?.obstacle).toMatchObject({ certain: true })
  expect(of('rulesets', { contracts: true, rulesets: false, refusals: [] })[0]).toMatchObject({
    id: 'a',
    obstacle: { certain: true },
  })
  const go = { contracts: true, rulesets: true, refusals: [{ reader: 'go', message: 'RE2' }] as const }
  expect(of('rulesets', go)[0]?.obstacle).toMatchObject({ certain: false, reason: expect.stringContaining('Go SDK') })
  expect(of('contracts', go)[0]?.obstacle).toBeNull()
  expect(of('rulesets', ALL)[0]?.obstacle).toBeNull()
})
