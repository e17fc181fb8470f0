import Value from 'typebox/value'
import { afterEach, expect, it } from 'vitest'
import { bundleYaml } from '../../../test/documents.ts'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { denying, libraryOf } from '../../../test/library.ts'
import { createInProcessBus } from '../../adapters/bus/in-process.ts'
import { type StreamEventType, streamEvents } from '../../changes/stream-events.ts'
import { createStreamLog, dashboardTypes } from '../../changes/stream-log.ts'
import { scopeOfRecord } from '../../identity/scope.ts'

/** Of a payload, without what the wire adds to it. */
const fieldsOf = (json: string) => Object.keys(JSON.parse(json)).filter((name) => name !== 'type')

onEachDatabase('what is told', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  /** Everything told since the last call: payload, environment, bundle, agent, and whether dashboards hear of it. */
  let seen = 0
  async function told() {
    const rows = await t.server.database.db
      .selectFrom('stream_log')
      .selectAll()
      .where('id', '>', seen)
      .orderBy('id')
      .execute()
    seen = rows.at(-1)?.id ?? seen
    for (const { type, data } of rows) {
      const { data: schema } = streamEvents[type as StreamEventType]
      expect([...Value.Errors(schema, JSON.parse(data))]).toEqual([])
      expect(Object.keys(schema.properties)).toEqual(expect.arrayContaining(fieldsOf(data)))
    }
    return rows.map(({ data, env, bundle_name, agent_id, dashboard }) => [
      JSON.parse(data),
      { env, bundle: bundle_name, agent: agent_id, dashboard: dashboard === 1 },
    ])
  }
  const toDashboards = { env: null, bundle: null, agent: null, dashboard: true }
  async function begin() {
    t = await start()
    seen = 0
    const api = libraryOf(t)
    await t.admin()
    await told()
    return api
  }

  it('an upload is told to dashboards alone: name, version, hash and who uploaded', async () => {
    const api = await begin()
    const { revision_hash } = (await api.call('POST', '/bundles', { yaml_content: bundleYaml('devops') })).json()
    const payload = { bundle_name: 'devops', revision_hash, uploaded_by: 'admin@example.com' }
    expect(await told()).toEqual([[{ type: 'bundle_uploaded', version: 1, ...payload }, toDashboards]])
  })

  it('a deployment is told to the agents of the environment that run the bundle, and to dashboards, with the same payload', async () => {
    const api = await begin()
    const yaml = bundleYaml('devops')
    await api.call('POST', '/bundles', { yaml_content: yaml })
    await told()
    await api.call('POST', '/bundles/devops/1/deploy', { env: 'staging' })
    const current = (await api.get('/bundles/devops/current?env=staging')).json()
    const key = await t.agent('staging')
    const asked = { method: 'GET', url: '/v1/rulesets/devops/current', headers: key } as const
    const offered = (await t.request(asked)).json()
    const events = (await told()).filter(([data]) => data.type !== 'api_key_created')
    expect(events).toEqual([
      [
        {
          type: 'contract_update',
          bundle_name: 'devops',
          version: 1,
          revision_hash: current.revision_hash,
          signature: current.signature_hex,
          public_key: current.public_key,
          yaml_bytes: Buffer.from(yaml).toString('base64'),
        },
        { env: 'staging', bundle: 'devops', agent: null, dashboard: true },
      ],
      [
        {
          type: 'ruleset_update',
          bundle_name: 'devops',
          version: 1,
          revision_hash: offered.revision_hash,
          signature: offered.signature,
          public_key: current.public_key,
          yaml_bytes: offered.yaml_bytes,
        },
        { env: 'staging', bundle: 'devops', agent: null, dashboard: false },
      ],
      [
        { type: 'ruleset_updated', name: 'devops', version: 1 },
        { env: 'staging', bundle: null, agent: null, dashboard: false },
      ],
      [
        {
          type: 'bundle_deployed',
          bundle_name: 'devops',
          version: 1,
          env: 'staging',
          deployed_by: 'admin@example.com',
        },
        toDashboards,
      ],
    ])
  })

  it('the library and its compositions are told to dashboards alone', async () => {
    const api = await begin()
    await api.contract('a')
    expect(await told()).toEqual([[{ type: 'contract_created', contract_id: 'a', version: 1 }, toDashboards]])
    await api.call('PUT', '/contracts/a', { name: 'A' })
    expect(await told()).toEqual([[{ type: 'contract_updated', contract_id: 'a', version: 2 }, toDashboards]])
    const changed = [{ type: 'composition_changed', composition_name: 'devops' }, toDashboards]
    await api.compose('devops', ['a'])
    expect(await told()).toEqual([changed])
    await api.call('PUT', '/compositions/devops', { description: 'd' })
    expect(await told()).toEqual([changed])
    await api.call('DELETE', '/compositions/devops')
    expect(await told()).toEqual([changed])
    await api.call('DELETE', '/contracts/a')
    expect(await told()).toEqual([])
    await api.contract('block-0')
    await told()
    const yaml_content = bundleYaml('imported', { contracts: 2 })
    await api.call('POST', '/contracts/import', { yaml_content })
    expect(await told()).toEqual([
      [{ type: 'contract_updated', contract_id: 'block-0' }, toDashboards],
      [{ type: 'contract_created', contract_id: 'block-1' }, toDashboards],
      [{ type: 'composition_changed', composition_name: 'imported' }, toDashboards],
    ])
  })

  it('a deployed composition is told like a bundle, and then as changed with its version', async () => {
    const api = await begin()
    await api.contract('a', denying('.env'))
    await api.compose('devops', ['a'])
    await told()
    await api.deploy('devops')
    const toAgents = { env: 'production', bundle: 'devops', agent: null, dashboard: true }
    expect((await told()).map(([data, to]) => [data.type, data.version ?? data.bundle_version, to])).toEqual([
      ['contract_update', 1, toAgents],
      ['ruleset_update', 1, { ...toAgents, dashboard: false }],
      ['ruleset_updated', 1, { ...toAgents, bundle: null, dashboard: false }],
      ['bundle_deployed', 1, toDashboards],
      ['composition_changed', 1, toDashboards],
    ])
  })

  it('a new signing key is told to dashboards alone', async () => {
    const api = await begin()
    const { public_key } = (await api.call('POST', '/settings/rotate-signing-key')).json()
    expect(await told()).toEqual([[{ type: 'signing_key_rotated', public_key }, toDashboards]])
  })

  it('what is refused, and what only reads, is told to nobody', async () => {
    const api = await begin()
    await api.contract('a')
    await api.compose('devops', ['a'])
    await told()
    for (const answer of [
      await api.contract('a'),
      await api.compose('devops', []),
      await api.call('PUT', '/contracts/a', {}),
      await api.call('PUT', '/compositions/none', {}),
      await api.call('POST', '/bundles', { yaml_content: '{' }),
      await api.call('POST', '/bundles/none/1/deploy', { env: 'production' }),
      await api.call('DELETE', '/contracts/a'),
      await api.call('POST', '/contracts/import', { yaml_content: '{' }),
    ])
      expect(answer.statusCode).toBeGreaterThanOrEqual(400)
    await api.call('POST', '/compositions/devops/preview')
    for (const url of ['/contracts', '/compositions', '/bundles', '/deployments', '/agents/status', '/stats/overview'])
      await api.get(url)
    expect(await told()).toEqual([])
  })

  it('dashboards hear of fifteen types, and a record of another type is not for them', async () => {
    await begin()
    expect([...dashboardTypes].sort()).toEqual([
      'api_key_created',
      'api_key_revoked',
      'approval_created',
      'approval_decided',
      'approval_timeout',
      'assignment_changed',
      'bundle_deployed',
      'bundle_uploaded',
      'composition_changed',
      'contract_created',
      'contract_update',
      'contract_updated',
      'event_created',
      'gates_update',
      'signing_key_rotated',
    ])
    const { database } = t.server
    const log = createStreamLog({ database, bus: createInProcessBus(), clock: t.clock, onPublishError: () => {} })
    await log.transact(async (_within, emit) => {
      for (const type of ['event_created', 'something_else'] as 'event_created'[])
        emit({ tenantId: 'x', type, data: {}, env: 'production', dashboard: true })
    })
    expect(
      (await log.since(scopeOfRecord({ tenantId: 'x' }), 0, 10)).rows.map((record) => [record.type, record.dashboard]),
    ).toEqual([
      ['event_created', true],
      ['something_else', false],
    ])
    expect(
      (await log.since(scopeOfRecord({ tenantId: 'x' }), 0, 10, { dashboard: true })).rows.map((record) => record.type),
    ).toEqual(['event_created'])
  })
})
