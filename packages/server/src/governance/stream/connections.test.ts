import { describe, expect, it } from 'vitest'
import type { EventStream } from '../../http/event-stream.ts'
import { type AgentConnection, type DashboardConnection, receives, TenantConnections } from './connections.ts'

const stream: EventStream = {
  write: () => true,
  drained: async () => {},
  end() {},
  cut() {},
  onEnd() {},
  isEnded: false,
}
const agent = (more: Partial<AgentConnection> = {}): AgentConnection => ({
  kind: 'agent',
  stream,
  tenantId: 't',
  keyId: 'k',
  agentId: 'a',
  env: 'production',
  reads: 'contracts',
  signature: 'hex',
  namedBundle: false,
  tags: {},
  connectedAt: 0,
  head: 0,
  waiting: null,
  waitingCharacters: 0,
  bundleName: 'devops',
  followsAll: false,
  policyVersion: null,
  isOwedDocument: false,
  ...more,
})
const dashboard: DashboardConnection = {
  kind: 'dashboard',
  stream,
  tenantId: 't',
  connectedAt: 0,
  head: 0,
  waiting: null,
  waitingCharacters: 0,
}
const record = {
  id: 1,
  tenantId: 't',
  type: 'contract_update',
  json: '{}',
  env: 'production' as string | null,
  bundleName: 'devops' as string | null,
  agentId: null as string | null,
  dashboard: true,
}

describe('who receives a record', () => {
  it('agents of the environment that run the bundle', () => {
    expect(receives(agent(), record)).toBe(true)
    expect(receives(agent({ env: 'staging' }), record)).toBe(false)
    expect(receives(agent({ bundleName: 'billing' }), record)).toBe(false)
    expect(receives(agent({ bundleName: null }), record)).toBe(false)
    expect(receives(agent({ bundleName: null, followsAll: true }), record)).toBe(true)
    expect(receives(agent({ tenantId: 'other' }), record)).toBe(false)
  })

  it('what is of no bundle goes to the whole environment', () => {
    const decided = { ...record, type: 'approval_decided', bundleName: null }
    expect(receives(agent({ bundleName: null }), decided)).toBe(true)
    expect(receives(agent({ env: 'staging' }), decided)).toBe(false)
  })

  it('what is for one agent reaches it everywhere, or in one environment', () => {
    const everywhere = { ...record, env: null, bundleName: null, agentId: 'a' }
    expect(receives(agent({ env: 'staging' }), everywhere)).toBe(true)
    expect(receives(agent({ agentId: 'b' }), everywhere)).toBe(false)
    expect(receives(agent({ env: 'staging' }), { ...everywhere, env: 'production' })).toBe(false)
    expect(receives(agent(), { ...everywhere, env: 'production' })).toBe(true)
  })

  it('dashboards receive what is for dashboards, in their tenant', () => {
    expect(receives(dashboard, record)).toBe(true)
    expect(receives(dashboard, { ...record, dashboard: false })).toBe(false)
    expect(receives({ ...dashboard, tenantId: 'other' }, record)).toBe(false)
    expect(receives(agent(), { ...record, env: null, bundleName: null })).toBe(false)
  })
})

describe('the connections of a tenant', () => {
  it('are found by agent, and forgotten at once', () => {
    const connections = new TenantConnections()
    const [first, second, other] = [agent(), agent(), agent({ agentId: 'b' })]
    for (const connection of [first, second, other, dashboard]) connections.add(connection)
    expect([...connections.agents('a')]).toEqual([first, second])
    expect([...connections.all()]).toHaveLength(4)
    expect(connections.remove(first)).toBe(true)
    expect(connections.remove(first)).toBe(false)
    expect([...connections.agents('a')]).toEqual([second])
    for (const connection of [second, other, dashboard]) connections.remove(connection)
    expect(connections.isEmpty).toBe(true)
  })
})
