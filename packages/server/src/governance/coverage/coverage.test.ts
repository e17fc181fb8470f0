import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'

type Headers = Record<string, string>

onEachDatabase('coverage', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  const yaml = (name: string, contracts: [id: string, tool: string, mode: string][]) =>
    `apiVersion: edictum/v1
kind: ContractBundle
metadata: {name: ${name}}
defaults: {mode: enforce}
contracts:
${contracts.map(([id, tool, mode]) => `  - {id: ${id}, type: pre, tool: "${tool}", mode: ${mode}, when: {args.x: {exists: true}}, then: {effect: deny, message: stop}}`).join('\n')}
`
  async function deploy(name: string, env: string, contracts: [string, string, string][], headers?: Headers) {
    const who = headers ?? (await t.admin())
    const uploaded = await t.request({
      method: 'POST',
      url: '/api/v1/bundles',
      headers: who,
      payload: { yaml_content: yaml(name, contracts) },
    })
    const { version, revision_hash } = uploaded.json()
    await t.request({
      method: 'POST',
      url: `/api/v1/bundles/${name}/${version}/deploy`,
      headers: who,
      payload: { env },
    })
    return { version, revision_hash }
  }
  let calls = 0
  const event = (tool_name: string, over: object = {}) => ({
    call_id: `call-${calls++}`,
    agent_id: 'agent-1',
    tool_name,
    verdict: 'call_allowed',
    mode: 'enforce',
    timestamp: '2026-03-01T11:59:00Z',
    ...over,
  })
  const send = (headers: Headers, events: object[], more: object = {}) =>
    t.request({ method: 'POST', url: '/api/v1/events', headers, payload: { events, ...more } })
  const get = async (path: string, headers?: Headers) =>
    t.request({ method: 'GET', url: `/api/v1/agents/${path}`, headers: headers ?? (await t.admin()) })

  it('tells which of the tools an agent used its contracts enforce, observe or leave alone', async () => {
    t = await start()
    const production = await t.agent()
    const bundle = await deploy('devops', 'production', [
      ['block-exec', 'exec', 'enforce'],
      ['watch-files', 'file_*', 'observe'],
    ])
    await send(production, [
      event('web_scrape'),
      event('file_read'),
      ...Array.from({ length: 5 }, () => event('exec', { verdict: 'call_denied' })),
      event('exec', { timestamp: '2026-03-01T11:59:30.5Z', verdict: 'call_executed' }),
    ])
    const answer = await get('agent-1/coverage')
    expect(answer.statusCode).toBe(200)
    const nothing = { deny_count: null, allow_count: null, observe_count: null }
    expect(answer.json()).toEqual({
      agent_id: 'agent-1',
      environment: 'production',
      time_window: { since: '2026-02-28T12:00:00Z', until: '2026-03-01T12:00:00Z' },
      deployed_bundle: { name: 'devops', ...bundle },
      tools: [
        {
          tool_name: 'exec',
          status: 'enforced',
          contract_name: 'block-exec',
          contract_type: 'pre',
          mode: 'enforce',
          bundle_name: 'devops',
          source: 'console',
          event_count: 6,
          last_used: '2026-03-01T11:59:30.500000Z',
          ...nothing,
        },
        {
          tool_name: 'file_read',
          status: 'observed',
          contract_name: 'watch-files',
          contract_type: 'pre',
          mode: 'observe',
          bundle_name: 'devops',
          source: 'console',
          event_count: 1,
          last_used: '2026-03-01T11:59:00Z',
          ...nothing,
        },
        {
          tool_name: 'web_scrape',
          status: 'ungoverned',
          contract_name: null,
          contract_type: null,
          mode: null,
          bundle_name: null,
          source: null,
          event_count: 1,
          last_used: '2026-03-01T11:59:00Z',
          ...nothing,
        },
      ],
      summary: { total_tools: 3, enforced: 1, observed: 1, ungoverned: 1, coverage_pct: 33 },
    })
    const [exec] = (await get('agent-1/coverage?include_verdicts=true')).json().tools
    expect(exec).toMatchObject({ deny_count: 5, allow_count: 1, observe_count: 0 })
  })

  it('without contracts leaves every tool alone, and with a star governs all', async () => {
    t = await start()
    await send(await t.agent(), [event('a'), event('b'), event('c')])
    expect((await get('agent-1/coverage')).json().summary).toMatchObject({ ungoverned: 3, coverage_pct: 0 })
    await deploy('all', 'production', [['everything', '*', 'enforce']])
    expect((await get('agent-1/coverage')).json().summary).toMatchObject({ ungoverned: 3 })
    await t.clock.advance(60_000)
    expect((await get('agent-1/coverage')).json().summary).toMatchObject({ enforced: 3, coverage_pct: 100 })
  })

  it('looks only at the window', async () => {
    t = await start()
    await send(await t.agent(), [event('new'), event('old', { timestamp: '2026-03-01T02:00:00Z' })])
    const tools = async (since: string) => (await get(`agent-1/coverage?since=${since}`)).json().summary.total_tools
    expect(await tools('1h')).toBe(1)
    expect(await tools('24h')).toBe(2)
    expect((await get('agent-1/coverage?since=0h')).json()).toEqual({ detail: "No events found for agent 'agent-1'" })
  })

  it('takes the contracts of all bundles of the environment, the newest deployment first', async () => {
    t = await start()
    await send(await t.agent(), [event('exec')])
    await deploy('older', 'production', [['from-older', 'exec', 'enforce']])
    await deploy('newer', 'production', [['from-newer', 'exec', 'enforce']])
    await deploy('elsewhere', 'staging', [['from-staging', 'exec', 'enforce']])
    const { tools, deployed_bundle } = (await get('agent-1/coverage')).json()
    expect([deployed_bundle.name, tools[0].contract_name]).toEqual(['newer', 'from-newer'])
  })

  it('falls back to the contracts the agent reported where nothing is deployed', async () => {
    t = await start()
    await send(await t.agent(), [event('exec')], {
      agent_manifest: {
        agent_id: 'agent-1',
        policy_version: 'x',
        contracts: [{ id: 'mine', type: 'pre', tool: 'exec', mode: 'enforce' }],
      },
    })
    expect((await get('agent-1/coverage')).json().tools[0]).toMatchObject({
      status: 'enforced',
      contract_name: 'mine',
      bundle_name: 'local',
      source: 'local',
    })
    expect((await get('fleet-coverage')).json().agents[0]).toMatchObject({ enforced: 1 })
    await deploy('other', 'production', [['unrelated', 'nothing', 'enforce']])
    expect((await get('fleet-coverage')).json().agents[0]).toMatchObject({ ungoverned: 1 })
  })

  it('of the fleet counts agents and the tools nothing governs', async () => {
    t = await start()
    await deploy('devops', 'production', [
      ['block-exec', 'exec', 'enforce'],
      ['watch', 'file_*', 'observe'],
    ])
    const [production, staging] = [await t.agent('production'), await t.agent('staging')]
    await send(production, [event('exec'), event('file_read'), event('web_scrape')])
    await send(production, [event('exec', { agent_id: 'agent-2' })])
    await send(staging, [event('web_scrape', { agent_id: 'agent-3', timestamp: '2026-03-01T10:00:00Z' })])
    expect((await get('fleet-coverage')).json()).toEqual({
      time_window: { since: '2026-02-28T12:00:00Z', until: '2026-03-01T12:00:00Z' },
      agents: [
        {
          agent_id: 'agent-1',
          environment: 'production',
          total_tools: 3,
          enforced: 1,
          observed: 1,
          ungoverned: 1,
          coverage_pct: 33,
          drift_status: 'unknown',
          last_seen: '2026-03-01T11:59:00Z',
          event_count_24h: 3,
        },
        expect.objectContaining({ agent_id: 'agent-2', coverage_pct: 100 }),
        expect.objectContaining({ agent_id: 'agent-3', environment: 'staging', last_seen: '2026-03-01T10:00:00Z' }),
      ],
      fleet_summary: {
        total_agents: 3,
        fully_enforced: 1,
        with_ungoverned: 2,
        with_drift: 0,
        total_ungoverned_tools: 1,
        ungoverned_tools: [{ tool_name: 'web_scrape', agent_count: 2, agent_ids: ['agent-1', 'agent-3'] }],
      },
    })
    expect((await get('fleet-coverage?env=staging')).json().fleet_summary.total_agents).toBe(1)
    expect((await get('fleet-coverage?since=1h')).json().fleet_summary.total_agents).toBe(2)
  })

  it('of one environment goes by its contracts, wherever the agent was last', async () => {
    t = await start()
    await deploy('devops', 'production', [['block-exec', 'exec', 'enforce']])
    await send(await t.agent('production'), [event('exec', { timestamp: '2026-03-01T11:00:00Z' })])
    await send(await t.agent('staging'), [event('exec')])
    const [agent] = (await get('fleet-coverage?env=production')).json().agents
    expect(agent).toMatchObject({ environment: 'production', enforced: 1, event_count_24h: 1 })
    expect((await get('fleet-coverage')).json().agents[0]).toMatchObject({ environment: 'staging', ungoverned: 1 })
  })

  it('tells which agents run something else than what is deployed', async () => {
    t = await start()
    const bundle = await deploy('devops', 'production', [['block-exec', 'exec', 'enforce']])
    const row = {
      tags: '{}',
      display_name: null,
      bundle_name: null,
      manifest: null,
      env: 'production',
      running_bundle: 'devops',
      last_seen_at: 0,
      created_at: 0,
      updated_at: 0,
    }
    const { db } = t.server.database
    const { id: tenant_id } = await db.selectFrom('tenants').select('id').executeTakeFirstOrThrow()
    for (const [agent_id, policy_version] of [
      ['agent-1', bundle.revision_hash],
      ['agent-2', 'something else'],
    ])
      await db
        .insertInto('agent_registrations')
        .values({ ...row, tenant_id, id: agent_id, agent_id, policy_version })
        .execute()
    const production = await t.agent()
    for (const agent_id of ['agent-1', 'agent-2', 'agent-3']) await send(production, [event('exec', { agent_id })])
    const { agents, fleet_summary } = (await get('fleet-coverage')).json()
    expect(agents.map((agent: { drift_status: string }) => agent.drift_status)).toEqual(['current', 'drift', 'unknown'])
    expect(fleet_summary.with_drift).toBe(1)
  })

  it('of an empty fleet is empty, and hostile texts find nothing', async () => {
    t = await start()
    expect((await get('fleet-coverage')).json()).toMatchObject({ agents: [], fleet_summary: { total_agents: 0 } })
    await send(await t.agent(), [event('exec')])
    for (const env of ["production' or '1'='1", 'prod*', 'production\u0000', '%'])
      expect((await get(`fleet-coverage?env=${encodeURIComponent(env)}`)).json().fleet_summary.total_agents).toBe(0)
    expect((await get('fleet-coverage?env=')).json().fleet_summary.total_agents).toBe(1)
    for (const path of ['fleet-coverage', 'agent-1/coverage']) {
      const refused = async (since: string) => {
        const answer = await get(`${path}?since=${encodeURIComponent(since)}`)
        return [answer.statusCode, answer.json().detail]
      }
      expect(await refused('yesterday')).toEqual([400, 'Invalid since value: yesterday'])
      expect(await refused("1h'; drop table events;--")).toEqual([400, expect.stringContaining('Invalid since value')])
      expect(await refused('9'.repeat(20).concat('d'))).toEqual([400, expect.stringContaining('Duration too large')])
      expect(await refused('1h\u0000')).toEqual([400, expect.stringContaining('Invalid since value')])
      expect((await get(`${path}?since=1h&since=2h`)).statusCode).toBe(400)
    }
    for (const id of ['..%2f..%2fetc', "x'%20or%201=1--", 'a'.repeat(10_000), '', '%00'])
      expect([400, 404, 422]).toContain((await get(`${id}/coverage`)).statusCode)
    expect((await get('agent-1/coverage?include_verdicts=maybe')).statusCode).toBe(422)
  })

  it("knows nothing of another tenant's agents", async () => {
    t = await start()
    await send(await t.agent(), [event('a'), event('b'), event('only-a', { agent_id: 'agent-2' })])
    const other = await t.otherTenant()
    const key = await t.request({ method: 'POST', url: '/api/v1/keys', headers: other, payload: { env: 'production' } })
    const theirs = { authorization: `Bearer ${key.json().key}` }
    await send(theirs, [event('theirs')])
    const total = async (headers?: Headers) => (await get('agent-1/coverage', headers)).json().summary.total_tools
    expect([await total(), await total(other), await total(), await total(other)]).toEqual([2, 1, 2, 1])
    expect((await get('agent-2/coverage', other)).statusCode).toBe(404)
    const fleet = (await get('fleet-coverage', other)).json()
    expect(fleet.agents.map((agent: { agent_id: string }) => agent.agent_id)).toEqual(['agent-1'])
    expect(fleet.fleet_summary.ungoverned_tools).toEqual([
      { tool_name: 'theirs', agent_count: 1, agent_ids: ['agent-1'] },
    ])
  })
})
