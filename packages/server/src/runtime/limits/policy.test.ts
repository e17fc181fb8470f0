import { expect, it } from 'vitest'
import { type Override, policiesOf, toolPolicyOf } from './policy.ts'

const override = (more: Partial<Override>): Override => ({
  id: 'o',
  tenantId: 't',
  userId: null,
  resourceType: 'agent_execution',
  bucket: 'per_minute',
  limit: 10,
  burst: null,
  createdAt: 0,
  updatedAt: 0,
  ...more,
})
const limitsOf = (policy: { limits: readonly { limit: number }[] } | null) =>
  policy?.limits.map(({ limit }) => limit) ?? null

it('a limit of the user wins over one of the tenant, which wins over the tier', () => {
  const tenant = override({ limit: 10 })
  const user = override({ userId: 'u', limit: 1000 })
  const of = (...overrides: Override[]) => {
    const { user: own, tenant: all } = policiesOf('agent_execution', overrides, 'free')
    return [limitsOf(own), limitsOf(all)]
  }
  const enterprise = [100, 1_000, 10_000, 50_000, 200_000]
  expect(of()).toEqual([[3, 5, 20, 80, 100], enterprise])
  expect(of(tenant)).toEqual([[10], [10]])
  expect(of(tenant, user)).toEqual([[1000], enterprise])
  expect(of(override({ resourceType: 'llm_call' }))).toEqual([[3, 5, 20, 80, 100], enterprise])
})

it('where tiers set no limits, those that were set hold all the same', () => {
  expect(policiesOf('llm_call', [], null)).toEqual({ user: null, tenant: null })
  expect(policiesOf('llm_call', [], 'system')).toEqual({ user: null, tenant: null })
  const set = policiesOf('agent_execution', [override({})], null)
  expect([limitsOf(set.user), limitsOf(set.tenant)]).toEqual([[10], [10]])
})

it('tools are counted by pattern, dots and underscores alike, the nearest name first', () => {
  const of = (tool: string, ...overrides: Override[]) => {
    const policy = toolPolicyOf(tool, overrides, 'free')
    return [policy?.resourceType, limitsOf(policy), policy?.limits[0]?.bucket]
  }
  for (const tool of ['fs.read', 'fs_read']) expect(of(tool)).toEqual(['seal_tool:fs_*', [60], 'per_minute'])
  for (const tool of ['web.search', 'web_search'])
    expect(of(tool)).toEqual(['seal_tool:web_search', [20], 'per_minute'])
  expect(of('aegis.agent.search')).toEqual(['seal_tool:aegis.agent.search', [30], 'hourly'])
  for (const tool of ['cmd.run', 'fsx', 'web.searcher']) expect(of(tool)).toEqual(['seal_tool:*', [30], 'per_minute'])
  const set = (resourceType: string, limit: number, userId: string | null = null) =>
    override({ resourceType, limit, userId })
  expect(of('fs.read', set('seal_tool:fs_*', 7), set('seal_tool:fs_read', 8), set('seal_tool:*', 9))[1]).toEqual([8])
  expect(of('fs.list', set('seal_tool:fs.*', 7), set('seal_tool:fs_read', 8), set('seal_tool:*', 9))[1]).toEqual([7])
  expect(of('fs.list', set('seal_tool:fs.*', 7), set('seal_tool:*', 1, 'u'))[1]).toEqual([1])
})
