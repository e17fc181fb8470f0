import { describe, expect, it } from 'vitest'
import { driftOf } from '../fleet/drift.ts'
import { timelineOf } from './timeline.ts'

const second = 1_000_000
const deployment = (version: number, at: number) => ({
  bundleName: 'devops',
  bundleVersion: version,
  deployedBy: 'ops',
  revisionHash: `hash-${version}`,
  createdAt: at * second,
})
const run = (version: number | string, at: number) => ({ policyVersion: `hash-${version}`, start: at * second })
const firstSeen = { at: 0, env: 'production' }
const shape = (entries: ReturnType<typeof timelineOf>) => entries.map((entry) => [entry.type, entry.at / second])

describe('the history of an agent', () => {
  it('each deployment drifts until the agent reports it', () => {
    const entries = timelineOf(firstSeen, [deployment(2, 100), deployment(1, 10)], [run(1, 15), run(2, 130)])
    expect(shape(entries)).toEqual([
      ['drift_resolved', 130],
      ['drift_detected', 100],
      ['deployment', 100],
      ['drift_resolved', 15],
      ['drift_detected', 10],
      ['deployment', 10],
      ['first_seen', 0],
    ])
    expect(entries[0]).toMatchObject({ policyVersion: 'hash-2', seconds: 30 })
    expect(entries[1]).toMatchObject({ expected: 'hash-2', actual: 'hash-1' })
    expect(entries[4]).toMatchObject({ expected: 'hash-1', actual: null })
  })

  it('drift that nobody ended goes on', () => {
    const entries = timelineOf(firstSeen, [deployment(2, 100), deployment(1, 10)], [run(1, 15)])
    expect(shape(entries)[0]).toEqual(['drift_detected', 100])
  })

  it('an agent on contracts of its own never drifts', () => {
    const own = [{ policyVersion: 'local', start: 5 * second }]
    for (const runs of [own, []])
      expect(shape(timelineOf(firstSeen, [deployment(1, 10)], runs))).toEqual([
        ['deployment', 10],
        ['first_seen', 0],
      ])
  })

  it('an agent that follows within the second, or ran it already, did not drift', () => {
    const within = [{ policyVersion: 'hash-1', start: 10 * second + 900_000 }]
    expect(timelineOf(firstSeen, [deployment(1, 10)], within)).toHaveLength(2)
    expect(timelineOf(firstSeen, [deployment(1, 50), deployment(1, 10)], [run(1, 10)])).toHaveLength(3)
  })
})

describe('drift', () => {
  const deployed = [
    { env: 'production', bundleName: 'billing', revisionHash: 'b' },
    { env: 'production', bundleName: 'devops', revisionHash: 'd' },
    { env: 'staging', bundleName: 'gone', revisionHash: null },
  ]
  const drift = (env: string, bundleName: string | null, policyVersion: string | null) =>
    driftOf({ env, bundleName, policyVersion }, deployed)

  it('compares with the agent’s own bundle, else with the newest of the environment', () => {
    expect(drift('production', 'devops', 'd')).toBe('current')
    expect(drift('production', 'devops', 'b')).toBe('drift')
    expect(drift('production', null, 'b')).toBe('current')
    expect(drift('production', null, 'd')).toBe('drift')
  })

  it('is unknown without a report, a deployment or the deployed version', () => {
    expect(drift('production', 'devops', null)).toBe('unknown')
    expect(drift('development', null, 'd')).toBe('unknown')
    expect(drift('production', 'other', 'd')).toBe('unknown')
    expect(drift('staging', 'gone', 'd')).toBe('unknown')
  })
})
