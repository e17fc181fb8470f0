import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { deployAgent, serviceHeaders } from '../../../test/runtime.ts'
import { prefersText } from './prefers-text.ts'

const manifest = (version: string, states = 'A: { kind: System, command: ls, transitions: [] }', name = 'gate') =>
  `# As it was sent.\napiVersion: 100monkeys.ai/v1\nkind: Workflow\nmetadata: { name: ${name}, version: "${version}" }\nspec:\n  initial_state: A\n  states:\n    ${states}\n`

onEachDatabase('workflows', (start) => {
  let t: TestServer
  let headers: Record<string, string>
  afterEach(() => t.close())

  async function open() {
    t = await start()
    headers = await serviceHeaders(t)
  }
  const register = (payload: string | object, query = '', as = headers, url = '/v1/workflows') =>
    t.request({
      method: 'POST',
      url: `${url}${query}`,
      headers: { ...as, 'content-type': typeof payload === 'string' ? 'text/yaml' : 'application/json' },
      payload,
    })
  const get = (url: string, more: Record<string, string> = {}) =>
    t.request({ method: 'GET', url, headers: { ...headers, ...more } })
  const versions = async (name = 'gate') =>
    (await get(`/v1/workflows/${name}/versions`)).json<{ items: { id: string; version: string }[] }>().items

  it('the same version is refused without force, whichever is the newest, and nothing changes', async () => {
    await open()
    const { id } = (await register(manifest('1.0.0'))).json()
    await register(manifest('2.0.0'))
    const before = await versions()
    const again = await register(manifest('1.0.0', 'A: { kind: Human, prompt: x, transitions: [] }'))
    expect([again.statusCode, again.json().error]).toEqual([
      409,
      "Failed to register workflow: Workflow 'gate' with version '1.0.0' already exists. Create a new version or use 'force' to overwrite.",
    ])
    expect(again.json().existing_id).toBe(id)
    expect(await versions()).toEqual(before)
    expect((await get('/v1/workflows/gate')).json().version).toBe('2.0.0')
    expect((await register(manifest('1.0.0'), '?force=true')).json()).toMatchObject({ id, version: '1.0.0' })
    expect((await versions()).map(({ version }) => version)).toEqual(['1.0.0', '2.0.0'])
  })

  it('many register one version at once: one does', async () => {
    await open()
    const answers = await Promise.all(Array.from({ length: 8 }, () => register(manifest('1.0.0'))))
    expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([200, ...Array(7).fill(409)])
    expect(await versions()).toHaveLength(1)
  })

  it('YAML comes back as it was sent, and what was sent as JSON as block YAML', async () => {
    await open()
    await register(manifest('1.0.0'))
    const yaml = await get('/v1/workflows/gate/yaml')
    expect([yaml.body, yaml.headers['content-type']]).toEqual([manifest('1.0.0'), 'text/plain; charset=utf-8'])
    const text = await get('/v1/workflows/gate', { accept: 'text/plain' })
    expect([text.body, text.headers['content-type']]).toEqual([manifest('1.0.0'), 'text/plain; charset=utf-8'])
    expect((await get('/v1/workflows/gate', { accept: 'application/json, text/plain, */*' })).json().name).toBe('gate')
    const spec = { initial_state: 'A', states: { A: { kind: 'System', command: 'ls', transitions: [] } } }
    await register({ apiVersion: '100monkeys.ai/v1', kind: 'Workflow', metadata: { name: 'json' }, spec })
    expect((await get('/v1/workflows/json/yaml')).body).toMatch(/^apiVersion: 100monkeys\.ai\/v1\nkind: Workflow\n/)
  })

  it('a dict has a name and a definition, in any of its forms, at either address', async () => {
    await open()
    const spec = { initial_state: 'A', states: { A: { kind: 'System', command: 'ls', transitions: [] } } }
    const bodies = [
      { name: 'one', definition: spec },
      { name: 'two', definition: { apiVersion: '100monkeys.ai/v1', kind: 'Workflow', metadata: { name: 'x' }, spec } },
      { name: 'three', definition: manifest('9') },
      {
        name: 'four',
        definition: 'initial_state: A\nstates: {A: {kind: System, command: ls, transitions: []}}',
        labels: { a: 'b' },
      },
    ]
    for (const body of bodies) {
      const answer = await register({ ...body, description: 'Lists.' }, '', headers, '/v1/workflows/temporal/register')
      expect([answer.statusCode, answer.json().name]).toEqual([200, body.name])
      const { definition, description } = (await get(`/v1/workflows/${body.name}`)).json()
      expect([definition, description]).toEqual([spec, 'Lists.'])
    }
    expect((await get('/v1/workflows/three')).json().version).toBe('9')
    const forced = await register({ name: 'one', definition: spec, version: '1.0.0', force: true, scope: 'global' })
    expect(forced.json()).toMatchObject({ name: 'one', scope: 'global' })
    for (const definition of [7, null, [], 'a: [', {}])
      expect((await register({ name: 'five', definition })).statusCode).toBe(400)
    expect((await get('/v1/workflows/five')).statusCode).toBe(404)
  })

  it('judges and agents must be there for who will use the workflow; templates are left alone', async () => {
    await open()
    const agents = `A: { kind: Agent, agent: worker, judges: [{ agent_id: one }, { agent_id: two }, { agent_id: '{{x}}' }], transitions: [{target: B}] }
    B: { kind: Agent, agent: 'worker-{{input.n}}', transitions: [] }`
    const error = async (query = '') => (await register(manifest('1', agents), query)).json().error
    expect(await error()).toBe("Failed to register workflow: Workflow 'gate' references missing judge agents: one, two")
    await deployAgent(t, headers, {}, { name: 'one' })
    await deployAgent(t, headers, {}, { name: 'two' })
    expect(await error()).toBe(
      "Failed to register workflow: Agent 'worker' referenced in state 'A' not found; deploy the agent before registering this workflow",
    )
    const id = await deployAgent(t, headers, {}, { name: 'worker' })
    expect((await register(manifest('1', agents))).statusCode).toBe(200)
    const { definition } = (await get('/v1/workflows/gate')).json()
    expect([definition.states.A.agent, definition.states.B.agent]).toEqual([id, 'worker-{{input.n}}'])
    // What every tenant shall see cannot use what one tenant has.
    expect(await error('?scope=global')).toContain('missing judge agents: one, two')
  })

  it('only operators make a workflow global, or change one; to others a global one answers as if it were not there', async () => {
    await open()
    const user = await serviceHeaders(t, {
      role: 'aegis:readonly',
      scopes: ['workflow:deploy', 'workflow:delete', 'workflow:read'],
    })
    expect((await register(manifest('1'), '?scope=global', user)).statusCode).toBe(403)
    expect((await register(manifest('1'), '?scope=world')).statusCode).toBe(400)
    await register(manifest('1'), '', user)
    const move = (scope: unknown, as = headers, method: 'PATCH' | 'POST' = 'PATCH') =>
      t.request({ method, url: '/v1/workflows/gate/scope', headers: as, payload: { scope } as object })
    expect((await move('global', user)).statusCode).toBe(403)
    expect((await move('world')).statusCode).toBe(400)
    expect((await move('tenant')).json().error).toContain("invalid transition from 'tenant' to 'tenant'")
    expect((await t.request({ method: 'POST', url: '/v1/workflows/gate/scope', headers })).statusCode).toBe(400)
    expect((await move('global', headers, 'POST')).statusCode).toBe(200)
    const remove = (as: Record<string, string>) =>
      t.request({ method: 'DELETE', url: '/v1/workflows/gate', headers: as })
    expect((await remove(user)).statusCode).toBe(404)
    // The tenant's own comes first, and does not come in the way of the other.
    const { id } = (await register(manifest('3'), '', user)).json()
    expect((await get('/v1/workflows/gate')).json()).toMatchObject({ id, scope: 'tenant' })
    const taken = await move('global')
    expect([taken.statusCode, taken.json().error]).toEqual([
      409,
      "Name collision: workflow 'gate' v3 already exists at target scope",
    ])
    expect((await remove(user)).statusCode).toBe(200)
    expect((await get('/v1/workflows/gate')).json()).toMatchObject({ scope: 'global' })
    expect((await remove(headers)).statusCode).toBe(200)
    expect((await remove(headers)).statusCode).toBe(404)
  })

  it('moving and registering at once lose nothing', async () => {
    await open()
    await register(manifest('1'))
    await Promise.all([
      register(manifest('2')),
      t.request({ method: 'PATCH', url: '/v1/workflows/gate/scope', headers, payload: { scope: 'global' } }),
    ])
    const rows = await t.server.database.db.selectFrom('workflows').selectAll().execute()
    for (const row of rows) {
      const newest = await t.server.database.db
        .selectFrom('workflow_versions')
        .selectAll()
        .where('workflow_id', '=', row.id)
        .orderBy('seq', 'desc')
        .executeTakeFirstOrThrow()
      expect([row.version, row.manifest]).toEqual([newest.version, newest.manifest])
    }
    expect(new Set(rows.map(({ version }) => version)).has('2')).toBe(true)
  })

  it('what happens to workflows is told in the events of the tenant', async () => {
    await open()
    await register(manifest('1'))
    await t.request({ method: 'PATCH', url: '/v1/workflows/gate/scope', headers, payload: { scope: 'global' } })
    await t.request({ method: 'DELETE', url: '/v1/workflows/gate', headers })
    const told = (await t.server.database.db.selectFrom('journal_entries').selectAll().orderBy('id').execute())
      .filter(({ type }) => type.startsWith('workflow_'))
      .map(({ type, data }) => [type, JSON.parse(data) as Record<string, unknown>] as const)
    expect(told.map(([type]) => type)).toEqual(['workflow_registered', 'workflow_scope_changed', 'workflow_removed'])
    expect(told[0]?.[1]).toMatchObject({
      name: 'gate',
      version: '1',
      category: 'workflow',
      registered_at: expect.any(String),
    })
    expect(told[1]?.[1]).toMatchObject({ previous_scope: 'Tenant', new_scope: 'Global', workflow_name: 'gate' })
  })

  it.each([
    ['', 400],
    ['x'.repeat(300_000), 400],
    [`{"name":"x","definition":{"states":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`, 400],
    [
      `{"name":"x","definition":{"initial_state":"A","context":${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)},"states":{}}}`,
      400,
    ],
    [`{"name":"x","definition":"${' '.repeat(300_000)}"}`, 400],
    ['a: [', 400],
    ['{"name": "x"', 400],
    ['{"name": "x"}', 400],
    [manifest('1', '"": { kind: System, command: ls, transitions: [] }'), 400],
    [manifest('1', undefined, 'executions'), 400],
  ])('a body that is none is refused (%#)', async (body, status) => {
    await open()
    const answer = await register(body)
    expect(answer.statusCode).toBe(status)
    expect(answer.json().error.length).toBeGreaterThan(0)
  })
})

it.each([
  [undefined, false],
  ['*/*', false],
  ['application/json, text/plain, */*', false],
  ['application/json', false],
  ['text/html', false],
  ['text/plain', true],
  ['text/yaml;q=0.9, text/html', true],
  ['application/yaml', true],
  ['text/plain, application/json;q=0', true],
  ['text/plain;q=0, application/yaml;q=0', false],
  ['', false],
])('who accepts %s gets text: %s', (accept, isText) => {
  expect(prefersText(accept)).toBe(isText)
})
