import { afterEach, describe, expect, it } from 'vitest'
import { bundleYaml } from '../../../test/documents.ts'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { libraryOf } from '../../../test/library.ts'
import { openSse, type SseClient } from '../../../test/sse-client.ts'
import type { Registration } from '../fleet/store.ts'
import { rolloutOf } from './rollout.ts'

describe('who acknowledged a version', () => {
  const agent = (agentId: string, more: Partial<Registration> = {}): Registration => ({
    id: agentId,
    tenantId: 't',
    agentId,
    displayName: null,
    tags: {},
    bundleName: null,
    manifest: null,
    env: 'production',
    runningBundle: 'devops',
    policyVersion: 'new',
    lastSeenAt: 100,
    createdAt: 0,
    updatedAt: 0,
    assignedBundle: null,
    reads: null,
    ...more,
  })
  const deployment = { env: 'production', bundleName: 'devops' }

  it('is told of the agents of the environment that run the bundle, by id', () => {
    const rollout = rolloutOf(
      deployment,
      'new',
      [
        agent('c'),
        agent('a', { policyVersion: 'old' }),
        agent('b', { policyVersion: null }),
        agent('staging', { env: 'staging' }),
        agent('other', { runningBundle: 'billing' }),
        agent('free', { runningBundle: null }),
      ],
      100,
    )
    expect(rollout).toEqual({
      total: 3,
      current: 1,
      agents: [
        { agentId: 'a', status: 'drift', policyVersion: 'old', lastSeenAt: 100 },
        { agentId: 'b', status: 'unknown', policyVersion: null, lastSeenAt: 100 },
        { agentId: 'c', status: 'current', policyVersion: 'new', lastSeenAt: 100 },
      ],
    })
  })

  it('leaves out agents that were not seen since', () => {
    const agents = [agent('gone', { lastSeenAt: 99 }), agent('never', { lastSeenAt: null }), agent('here')]
    expect(rolloutOf(deployment, 'new', agents, 100).agents.map((one) => one.agentId)).toEqual(['here'])
  })
})

onEachDatabase('the rollout of a deployment', (start) => {
  let t: TestServer
  const open: SseClient[] = []
  afterEach(async () => {
    for (const client of open.splice(0)) client.close()
    await t.close()
  })

  const upload = async (contracts: number) =>
    (await libraryOf(t).call('POST', '/bundles', { yaml_content: bundleYaml('devops', { contracts }) })).json()
  const deploy = async (version: number) =>
    (await libraryOf(t).call('POST', `/bundles/devops/${version}/deploy`, { env: 'production' })).json().id
  const rollout = async (id: string) => (await libraryOf(t).get(`/deployments/${id}/rollout`)).json()

  it('without agents is of none', async () => {
    t = await start()
    const { revision_hash } = await upload(1)
    const id = await deploy(1)
    expect(await rollout(id)).toEqual({
      deployment_id: id,
      env: 'production',
      bundle_name: 'devops',
      bundle_version: 1,
      revision_hash,
      is_current: true,
      agents: 0,
      current: 0,
      summary: '0 of 0 agents run version 1',
      by_agent: [],
    })
  })

  it('reaches every agent that comes back with the version, and is over once another takes its place', async () => {
    t = await start()
    const key = await t.agent()
    const address = await t.listen()
    const first = await upload(1)
    const second = await upload(2)
    const ids = [await deploy(1)]
    const connect = async (policyVersion: string) => {
      const query = `env=production&bundle_name=devops&policy_version=${policyVersion}`
      open.push(await openSse(`${address}/api/v1/stream?${query}`, key))
    }
    await connect(first.revision_hash)
    await expect.poll(async () => (await rollout(ids[0] ?? '')).summary).toBe('1 of 1 agent runs version 1')
    ids.push(await deploy(2))
    expect(await rollout(ids[0] ?? '')).toMatchObject({ is_current: false, bundle_version: 1, current: 1 })
    expect(await rollout(ids[1] ?? '')).toMatchObject({ is_current: true, agents: 1, current: 0 })
    await connect(second.revision_hash)
    await expect
      .poll(async () => await rollout(ids[1] ?? ''))
      .toMatchObject({
        agents: 1,
        current: 1,
        by_agent: [{ agent_id: 'agent-1', status: 'current', last_seen_at: '2026-03-01T12:00:00Z' }],
      })
    expect(await rollout(ids[0] ?? '')).toMatchObject({ is_current: false, agents: 1, current: 0 })
    const listed = (await libraryOf(t).get('/deployments')).json()
    expect(listed.map((row: { rollout: unknown }) => row.rollout)).toEqual([{ agents: 1, current: 1 }, null])
  })

  it('of a version whose document is gone says what it still knows', async () => {
    t = await start()
    await upload(1)
    const id = await deploy(1)
    await t.server.database.db.deleteFrom('bundles').execute()
    expect(await rollout(id)).toMatchObject({ revision_hash: null, is_current: true, agents: 0 })
  })

  it('of what is not there is not found', async () => {
    t = await start()
    const missing = await libraryOf(t).get('/deployments/00000000-0000-4000-8000-000000000000/rollout')
    expect([missing.statusCode, missing.json()]).toEqual([404, { detail: 'Deployment not found' }])
    expect((await libraryOf(t).get('/deployments/1/rollout')).statusCode).toBe(422)
  })
})
