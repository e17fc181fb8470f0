import { afterEach, expect, it } from 'vitest'
import { bundleYaml } from '../../../test/documents.ts'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { denying, libraryOf } from '../../../test/library.ts'

onEachDatabase('the contract library', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  async function begin() {
    t = await start()
    return libraryOf(t)
  }
  const events = async () => {
    const rows = await t.server.database.db.selectFrom('stream_log').selectAll().orderBy('id').execute()
    return rows.map((row) => JSON.parse(row.data)).filter((data) => /^contract_|^composition_/.test(data.type))
  }
  const ids = (answer: { json(): { contract_id: string }[] }) => answer.json().map((row) => row.contract_id)

  it('a contract is kept as it was given and answered whole', async () => {
    const api = await begin()
    const answer = await api.contract('block-dotenv', denying('.env'), {
      name: 'Block .env reads',
      description: 'Späte Anmerkung',
      tags: ['security', 'files'],
    })
    expect(answer.statusCode).toBe(201)
    expect(answer.json()).toEqual({
      contract_id: 'block-dotenv',
      name: 'Block .env reads',
      type: 'pre',
      tags: ['security', 'files'],
      version: 1,
      description: 'Späte Anmerkung',
      created_at: '2026-03-01T12:00:00Z',
      usage_count: 0,
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      tenant_id: expect.any(String),
      definition: denying('.env'),
      is_latest: true,
      created_by: expect.stringMatching(/^[0-9a-f-]{36}$/),
      versions: [],
      warnings: [],
    })
    const again = await api.contract('block-dotenv')
    expect([again.statusCode, again.json()]).toEqual([
      409,
      { detail: "Contract 'block-dotenv' already exists. Use PUT to create a new version." },
    ])
    expect(await events()).toEqual([{ type: 'contract_created', contract_id: 'block-dotenv', version: 1 }])
  })

  it('ids, types and lengths outside the rules are refused', async () => {
    const api = await begin()
    const bad = ['../etc/passwd', "x'; drop table contracts;--", 'a\u0000b', 'UPPER-CASE', ' a', 'a b', 'a\n', '', '-a']
    for (const id of [...bad, 'a'.repeat(129)]) expect((await api.contract(id)).statusCode).toBe(422)
    expect((await api.contract('a', denying('x'), { type: 'other' })).statusCode).toBe(422)
    expect((await api.contract('a', denying('x'), { name: 'n'.repeat(256) })).statusCode).toBe(422)
    expect((await api.contract('a', denying('x'), { description: 'n'.repeat(2001) })).statusCode).toBe(422)
    expect((await api.call('POST', '/contracts', { contract_id: 'a', name: 'a', type: 'pre' })).statusCode).toBe(422)
    expect((await api.get('/contracts')).json()).toEqual([])
    expect((await api.contract('a'.repeat(128), denying('x'), { name: '𝄞'.repeat(255) })).statusCode).toBe(201)
  })

  it('a definition that no bundle could hold is kept, and what is wrong with it is told', async () => {
    const api = await begin()
    const answer = await api.contract('odd', { when: { 'args.path': { contians: 'x' } } })
    expect(answer.statusCode).toBe(201)
    const { warnings, definition } = answer.json()
    expect(definition).toEqual({ when: { 'args.path': { contians: 'x' } } })
    expect(warnings.length).toBeGreaterThan(0)
    expect(warnings[0]).toMatchObject({
      code: expect.any(String),
      path: expect.any(String),
      message: expect.any(String),
    })
    expect((await api.get('/contracts/odd')).json().warnings).toEqual(warnings)
  })

  it('every change makes a version, and all versions stay', async () => {
    const api = await begin()
    await api.contract('c', denying('.env'), { name: 'one', tags: ['a'] })
    await t.clock.advance(1_000)
    const second = await api.call('PUT', '/contracts/c', { name: 'two', definition: denying('.pem') })
    expect(second.json()).toMatchObject({
      version: 2,
      name: 'two',
      tags: ['a'],
      definition: denying('.pem'),
      is_latest: true,
      redeployed: [],
    })
    await t.clock.advance(1_000)
    await api.call('PUT', '/contracts/c', { description: 'd', tags: [] })
    const latest = (await api.get('/contracts/c')).json()
    expect(latest).toMatchObject({ version: 3, name: 'two', description: 'd', tags: [] })
    expect(latest.versions.map((each: { version: number }) => each.version)).toEqual([3, 2, 1])
    expect(latest.versions[2]).toEqual({
      version: 1,
      created_at: '2026-03-01T12:00:00Z',
      created_by: latest.created_by,
    })
    const first = (await api.get('/contracts/c/versions/1')).json()
    expect(first).toMatchObject({ name: 'one', definition: denying('.env'), is_latest: false, versions: [] })
    expect((await api.get('/contracts/c/versions/2')).json().name).toBe('two')
    for (const version of ['999', '0', '-1', '99999999999'])
      expect((await api.get(`/contracts/c/versions/${version}`)).json()).toEqual({
        detail: `Contract 'c' v${version} not found`,
      })
    expect((await api.get('/contracts/c/versions/latest')).statusCode).toBe(422)
    expect((await events()).slice(1)).toEqual([
      { type: 'contract_updated', contract_id: 'c', version: 2 },
      { type: 'contract_updated', contract_id: 'c', version: 3 },
    ])
  })

  it('a change of nothing is refused', async () => {
    const api = await begin()
    await api.contract('c')
    for (const body of [{}, { name: null, tags: null, definition: null, description: null }, { type: 'post' }])
      expect((await api.call('PUT', '/contracts/c', body)).json()).toEqual({
        detail: 'At least one field must be provided for update',
      })
    const missing = await api.call('PUT', '/contracts/none', { name: 'x' })
    expect([missing.statusCode, missing.json()]).toEqual([404, { detail: "Contract 'none' not found" }])
  })

  it('ten changes at once make ten versions, one of them the latest', async () => {
    const api = await begin()
    await api.contract('c')
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) => api.call('PUT', '/contracts/c', { name: `n${index}` })),
    )
    expect(answers.map((answer) => answer.json().version).sort((a, b) => a - b)).toEqual([
      2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
    ])
    const rows = await t.server.database.db.selectFrom('contracts').select(['version', 'is_latest']).execute()
    expect(rows.filter((row) => row.is_latest === 1).map((row) => row.version)).toEqual([11])
  })

  it('ten creations at once make one contract', async () => {
    const api = await begin()
    await t.admin()
    const answers = await Promise.all(Array.from({ length: 10 }, () => api.contract('c')))
    expect(answers.map((answer) => answer.statusCode).sort()).toEqual([201, ...Array(9).fill(409)])
  })

  it('the list is filtered by type, tag and text, and the newest stands first', async () => {
    const api = await begin()
    await api.contract('block-dotenv', denying('.env'), { tags: ['security'], description: 'Guards SECRETS' })
    await api.contract('limit_calls', { limits: { max_tool_calls: 5 } }, { type: 'session', tags: ['cost', 'sec'] })
    await api.contract('c100', denying('x'), { name: '100% _sure_', tags: [] })
    expect(ids(await api.get('/contracts'))).toEqual(['c100', 'limit_calls', 'block-dotenv'])
    expect(Object.keys((await api.get('/contracts')).json()[0])).toEqual([
      'contract_id',
      'name',
      'type',
      'tags',
      'version',
      'description',
      'created_at',
      'usage_count',
    ])
    const found = async (query: string) => ids(await api.get(`/contracts?${query}`))
    expect(await found('type=session')).toEqual(['limit_calls'])
    expect(await found('type=weird')).toEqual([])
    expect(await found('type=&tag=&search=')).toHaveLength(3)
    expect(await found('tag=sec')).toEqual(['limit_calls'])
    expect(await found('tag=security')).toEqual(['block-dotenv'])
    expect(await found('search=secrets')).toEqual(['block-dotenv'])
    expect(await found('search=LIMIT_')).toEqual(['limit_calls'])
    for (const literal of ['100%25', '%25', '_sure']) expect(await found(`search=${literal}`)).toEqual(['c100'])
    expect(await found(`search=${encodeURIComponent("' or 1=1 --")}`)).toEqual([])
    expect(await found('search=%5C')).toEqual([])
    expect(await found('type=pre&tag=security&search=env')).toEqual(['block-dotenv'])
  })

  it('a contract goes with all versions, unless a composition uses any of them', async () => {
    const api = await begin()
    await api.contract('a')
    await api.contract('b')
    await api.call('PUT', '/contracts/a', { name: 'newer' })
    await api.compose('zeta', ['a'])
    await api.compose('alpha', [{ contract_id: 'a', position: 1, enabled: false }, 'b'])
    await api.call('PUT', '/contracts/a', { name: 'newest' })
    expect(
      (await api.get('/contracts/a/usage')).json().map((use: { composition_name: string }) => use.composition_name),
    ).toEqual(['alpha', 'zeta'])
    expect((await api.get('/contracts/a')).json().usage_count).toBe(2)
    expect((await api.get('/contracts/none/usage')).json()).toEqual([])
    const refused = await api.call('DELETE', '/contracts/a')
    expect([refused.statusCode, refused.json()]).toEqual([
      409,
      { detail: "Contract 'a' is referenced by compositions: alpha, zeta. Remove it from those first." },
    ])
    await api.call('DELETE', '/compositions/alpha')
    await api.call('DELETE', '/compositions/zeta')
    expect((await api.call('DELETE', '/contracts/a')).statusCode).toBe(204)
    expect((await api.call('DELETE', '/contracts/a')).statusCode).toBe(404)
    expect((await api.get('/contracts/a/versions/1')).statusCode).toBe(404)
    expect((await api.contract('a')).json().version).toBe(1)
  })

  it("another tenant's library does not exist", async () => {
    const api = await begin()
    await api.contract('c')
    await api.compose('mine', ['c'])
    const other = libraryOf(t, await t.otherTenant())
    expect((await other.get('/contracts')).json()).toEqual([])
    expect((await other.get('/contracts/c/usage')).json()).toEqual([])
    for (const answer of [
      await other.get('/contracts/c'),
      await other.get('/contracts/c/versions/1'),
      await other.call('PUT', '/contracts/c', { name: 'x' }),
      await other.call('DELETE', '/contracts/c'),
    ])
      expect(answer.statusCode).toBe(404)
    expect((await other.contract('c')).statusCode).toBe(201)
    expect(ids(await other.get('/contracts'))).toEqual(['c'])
    expect((await api.get('/contracts/c')).json().name).toBe('c')
    await other.call('POST', '/contracts/import', { yaml_content: bundleYaml('theirs') })
    expect(ids(await api.get('/contracts'))).toEqual(['c'])
  })

  const importing = (api: ReturnType<typeof libraryOf>, yaml_content: string) =>
    api.call('POST', '/contracts/import', { yaml_content })

  it('a bundle is taken apart into contracts and a composition that makes it again', async () => {
    const api = await begin()
    const yaml = bundleYaml('devops', { contracts: 2 }).replace('mode: enforce', 'mode: observe')
    const answer = await importing(api, `${yaml}tools:\n  read_file: {side_effect: read}\n`)
    expect(answer.statusCode).toBe(201)
    expect(answer.json()).toEqual({
      contracts_created: ['block-0', 'block-1'],
      contracts_updated: [],
      bundle_composition_created: 'devops',
      redeployed: [],
    })
    expect((await api.get('/contracts/block-0')).json()).toMatchObject({
      name: 'Block 0',
      type: 'pre',
      tags: [],
      description: null,
      definition: { type: 'pre', tool: 'read_file', when: { 'args.path': { contains: '.env0' } } },
    })
    expect((await api.get('/compositions/devops')).json()).toMatchObject({
      description: 'Auto-created from YAML import',
      defaults_mode: 'observe',
      update_strategy: 'manual',
      tools_config: { read_file: { side_effect: 'read' } },
      contracts: [
        { contract_id: 'block-0', position: 10, contract_version: 1 },
        { contract_id: 'block-1', position: 20, contract_version: 1 },
      ],
    })
    expect((await api.call('POST', '/compositions/devops/preview')).json().validation_errors).toEqual([])
    expect(await events()).toEqual([
      { type: 'contract_created', contract_id: 'block-0' },
      { type: 'contract_created', contract_id: 'block-1' },
      { type: 'composition_changed', composition_name: 'devops' },
    ])
  })

  it('importing again makes further versions and no second composition', async () => {
    const api = await begin()
    await api.contract('block-0', denying('old'), { name: 'Mine', description: 'kept', tags: ['kept'], type: 'post' })
    expect((await importing(api, bundleYaml('devops'))).json()).toMatchObject({
      contracts_created: [],
      contracts_updated: ['block-0'],
      bundle_composition_created: 'devops',
    })
    expect((await importing(api, bundleYaml('devops'))).json()).toMatchObject({
      contracts_updated: ['block-0'],
      bundle_composition_created: null,
    })
    expect((await api.get('/contracts/block-0')).json()).toMatchObject({
      version: 3,
      name: 'Mine',
      description: 'kept',
      tags: ['kept'],
      type: 'post',
    })
  })

  it('an id that occurs twice in a bundle is created, then updated', async () => {
    const api = await begin()
    const yaml = bundleYaml('devops', { contracts: 2 }).replace('block-1', 'block-0')
    expect((await importing(api, yaml)).json()).toMatchObject({
      contracts_created: ['block-0'],
      contracts_updated: ['block-0'],
    })
    expect((await api.get('/compositions/devops')).json().contracts).toMatchObject([
      { contract_id: 'block-0', contract_version: 2 },
    ])
  })

  it('what is no bundle is refused in words, and nothing of it is kept', async () => {
    const api = await begin()
    const good = bundleYaml('devops', { contracts: 2 })
    const cases: [yaml: string, detail: RegExp | string][] = [
      ['a: [1', /^Invalid YAML: /],
      ['a: &a [*a]', /^Invalid YAML: /],
      ['!!python/object/apply:os.system ["id"]', /^Invalid YAML: /],
      ['- a', 'Invalid YAML: expected a mapping at the top level'],
      ['', 'Invalid YAML: expected a mapping at the top level'],
      [good.replace('apiVersion: edictum/v1\n', ''), "Unsupported apiVersion: None (expected 'edictum/v1')"],
      [good.replace('edictum/v1', 'apps/v1'), "Unsupported apiVersion: 'apps/v1' (expected 'edictum/v1')"],
      [good.replace('ContractBundle', 'Deployment'), "Unsupported kind: 'Deployment' (expected 'ContractBundle')"],
      [good.replace('name: devops', 'title: devops'), 'Missing required field: metadata.name'],
      [good.replace('name: devops', 'name: ""'), 'Missing required field: metadata.name'],
      [good.replace(/contracts:[\s\S]*/, 'contracts: []'), 'No contracts found in YAML'],
      [good.replace(/contracts:[\s\S]*/, 'contracts: [text]'), 'Each contract must be a mapping'],
      [good.replace('id: block-1', 'identity: block-1'), "Each contract must have an 'id' field"],
      [good.replace('block-1', '../etc/passwd'), /^contract_id must match \[a-z0-9\]\[a-z0-9_-\]\*/],
      [good.replace('type: pre', 'type: during'), "type must be one of ['post', 'pre', 'sandbox', 'session']"],
    ]
    for (const [yaml, detail] of cases) {
      const answer = await importing(api, yaml)
      expect(answer.statusCode).toBe(422)
      expect(answer.json().detail).toEqual(typeof detail === 'string' ? detail : expect.stringMatching(detail))
    }
    expect((await api.get('/contracts')).json()).toEqual([])
    expect((await api.get('/compositions')).json()).toEqual([])
    expect((await importing(api, 'x'.repeat(1_048_577))).statusCode).toBe(422)
  })

  it('a bundle whose name no composition may have gets one it may', async () => {
    const api = await begin()
    const yaml = bundleYaml('devops').replace('name: devops', 'name: "My Bundle/2"')
    expect((await importing(api, yaml)).json().bundle_composition_created).toBe('my-bundle-2')
    const nameless = await importing(api, bundleYaml('devops').replace('name: devops', 'name: "***"'))
    expect(nameless.statusCode).toBe(422)
  })

  it('a document between one and five megabytes is taken, a larger one is not', async () => {
    const api = await begin()
    const large = await api.contract('large', { ...denying('x'), note: 'x'.repeat(3_000_000) })
    expect(large.statusCode).toBe(201)
    expect((await api.contract('larger', { note: 'x'.repeat(5_300_000) })).statusCode).toBe(413)
  })
})
