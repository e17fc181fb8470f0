import { createHash } from 'node:crypto'
import { loadBundle } from '@lictor/contracts'
import { afterEach, expect, it } from 'vitest'
import { bundleYaml } from '../../../test/documents.ts'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { denying, libraryOf } from '../../../test/library.ts'
import { verifyBytes } from '../signing/ed25519.ts'

onEachDatabase('compositions', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  async function begin(...contracts: string[]) {
    t = await start()
    const api = libraryOf(t)
    for (const id of contracts) await api.contract(id, denying(`.${id}`))
    return api
  }
  type Api = Awaited<ReturnType<typeof begin>>
  const preview = (api: Api, name: string) => api.call('POST', `/compositions/${name}/preview`)
  const events = async () => {
    const rows = await t.server.database.db.selectFrom('stream_log').selectAll().orderBy('id').execute()
    return rows.map((row) => ({ ...JSON.parse(row.data), to: row.env }))
  }
  const yamlOf = async (api: Api, name: string, version: number) =>
    (await api.get(`/bundles/${name}/${version}/yaml`)).body
  const contractsIn = (yaml: string) =>
    loadBundle(yaml).document.contracts.map((contract) => [contract.id, contract.mode])

  it('a composition pins the latest versions of this moment and is answered whole', async () => {
    const api = await begin('a', 'b')
    await api.call('PUT', '/contracts/b', { name: 'B two' })
    const answer = await api.compose(
      'devops',
      [
        { contract_id: 'b', position: 20, mode_override: 'observe' },
        { contract_id: 'a', position: 10, enabled: false },
      ],
      { description: 'd', tools_config: { read_file: { side_effect: 'read' } } },
    )
    expect(answer.statusCode).toBe(201)
    expect(answer.json()).toEqual({
      name: 'devops',
      description: 'd',
      defaults_mode: 'enforce',
      update_strategy: 'manual',
      contract_count: 2,
      updated_at: '2026-03-01T12:00:00Z',
      created_by: 'admin@example.com',
      id: expect.any(String),
      tenant_id: expect.any(String),
      contracts: [
        {
          contract_id: 'a',
          contract_name: 'a',
          contract_type: 'pre',
          contract_version: 1,
          position: 10,
          mode_override: null,
          enabled: false,
          has_newer_version: false,
          observed_version: null,
        },
        {
          contract_id: 'b',
          contract_name: 'B two',
          contract_type: 'pre',
          contract_version: 2,
          position: 20,
          mode_override: 'observe',
          enabled: true,
          has_newer_version: false,
          observed_version: null,
        },
      ],
      tools_config: { read_file: { side_effect: 'read' } },
      observability: null,
    })
    expect((await events()).at(-1)).toEqual({ type: 'composition_changed', composition_name: 'devops', to: null })
    await api.call('PUT', '/contracts/a', { name: 'A two' })
    const [first] = (await api.get('/compositions/devops')).json().contracts
    expect(first).toMatchObject({ contract_version: 1, has_newer_version: true })
  })

  it('names, contracts and numbers outside the rules are refused', async () => {
    const api = await begin('a')
    expect((await api.compose('ok.name_1-2', [])).statusCode).toBe(201)
    expect((await api.compose('ok.name_1-2', [])).json()).toEqual({
      detail: "Composition 'ok.name_1-2' already exists.",
    })
    for (const name of ['UPPER', '', 'a b', '../x', '.a', 'a\n', 'a'.repeat(129)])
      expect((await api.compose(name, [])).statusCode).toBe(422)
    expect((await api.compose('x', ['none'])).json()).toEqual({ detail: "Contract 'none' not found" })
    expect((await api.compose('x', ['a', 'a'])).json()).toEqual({
      detail: "Contract 'a' stands in the composition twice",
    })
    expect((await api.compose('x', Array(101).fill('a'))).statusCode).toBe(422)
    expect((await api.compose('x', [{ contract_id: 'a' }])).statusCode).toBe(422)
    expect((await api.compose('x', [{ contract_id: 'a', position: 2 ** 40 }])).statusCode).toBe(422)
    for (const more of [{ defaults_mode: 'maybe' }, { update_strategy: 'daily' }])
      expect((await api.compose('x', [], more)).statusCode).toBe(422)
    expect((await api.get('/compositions')).json()).toHaveLength(1)
  })

  it('the list stands by last change, and a change replaces only what it names', async () => {
    const api = await begin('a', 'b')
    await api.compose('first', ['a'], { description: 'kept' })
    await t.clock.advance(1_000)
    await api.compose('second', [])
    await t.clock.advance(1_000)
    await api.call('PUT', '/contracts/a', { name: 'A two' })
    const changed = await api.call('PUT', '/compositions/first', { defaults_mode: 'observe', description: null })
    expect(changed.json()).toMatchObject({ defaults_mode: 'observe', description: 'kept', contract_count: 1 })
    expect(changed.json().contracts[0]).toMatchObject({ contract_version: 1 })
    expect((await api.get('/compositions')).json()).toEqual([
      {
        name: 'first',
        description: 'kept',
        defaults_mode: 'observe',
        update_strategy: 'manual',
        contract_count: 1,
        updated_at: '2026-03-01T12:00:02Z',
        created_by: 'admin@example.com',
      },
      expect.objectContaining({ name: 'second', contract_count: 0, updated_at: '2026-03-01T12:00:01Z' }),
    ])
    const replaced = await api.call('PUT', '/compositions/first', {
      contracts: [
        { contract_id: 'b', position: 2 },
        { contract_id: 'a', position: 1 },
      ],
    })
    expect(
      replaced
        .json()
        .contracts.map((item: { contract_id: string; contract_version: number }) => [
          item.contract_id,
          item.contract_version,
        ]),
    ).toEqual([
      ['a', 2],
      ['b', 1],
    ])
    const unknown = await api.call('PUT', '/compositions/first', { contracts: [{ contract_id: 'x', position: 1 }] })
    expect([unknown.statusCode, unknown.json()]).toEqual([422, { detail: "Contract 'x' not found" }])
    expect((await api.get('/compositions/first')).json().contract_count).toBe(2)
    expect((await api.call('PUT', '/compositions/none', {})).json()).toEqual({ detail: "Composition 'none' not found" })
  })

  it('a preview shows the bundle, by position and with every mode said, and keeps nothing', async () => {
    const api = await begin('a', 'b', 'c')
    await api.contract('own', { ...denying('.own'), mode: 'observe' })
    await api.compose(
      'devops',
      [
        { contract_id: 'c', position: 40, mode_override: 'enforce' },
        { contract_id: 'own', position: 30 },
        { contract_id: 'a', position: 20 },
        { contract_id: 'b', position: 10, enabled: false },
      ],
      { defaults_mode: 'observe', description: 'Späte' },
    )
    const answer = (await preview(api, 'devops')).json()
    expect(answer).toMatchObject({ contracts_count: 3, validation_errors: [], issues: [] })
    expect(contractsIn(answer.yaml_content)).toEqual([
      ['a', 'observe'],
      ['own', 'observe'],
      ['c', 'enforce'],
    ])
    expect(answer.yaml_content).toContain('name: devops')
    expect((await preview(api, 'devops')).json()).toEqual(answer)
    expect((await api.get('/bundles')).json()).toEqual([])
    expect((await preview(api, 'none')).statusCode).toBe(404)
    await api.compose('empty', [{ contract_id: 'a', position: 1, enabled: false }])
    expect((await preview(api, 'empty')).json()).toEqual({
      yaml_content: '',
      contracts_count: 0,
      validation_errors: ['Composition has no enabled contracts'],
      issues: [],
      warnings: [],
    })
  })

  it('what agents would refuse is told in the preview and refused at deployment, every problem by contract', async () => {
    const api = await begin('good')
    await api.contract('odd', { tool: 'x' })
    await api.contract('worse', { ...denying('x'), when: { 'args.path': { matches: '(' } } })
    await api.compose('devops', ['good', 'odd', 'worse'])
    const { validation_errors, issues } = (await preview(api, 'devops')).json()
    expect(validation_errors.some((text: string) => text.startsWith("Contract 'odd': "))).toBe(true)
    expect(validation_errors.some((text: string) => text.startsWith("Contract 'worse': "))).toBe(true)
    expect(issues[0]).toMatchObject({ path: expect.stringContaining('contracts[1]'), line: expect.any(Number) })
    const refused = await api.deploy('devops')
    expect(refused.statusCode).toBe(422)
    expect(refused.json().detail.map((problem: { msg: string }) => problem.msg)).toEqual(validation_errors)
    expect((await api.get('/bundles')).json()).toEqual([])
    expect((await api.get('/deployments')).json()).toEqual([])
  })

  it('a deployment keeps, signs and announces the assembled bundle under the next version', async () => {
    const api = await begin('a', 'b')
    await api.call('POST', '/bundles', { yaml_content: bundleYaml('devops') })
    await api.compose('devops', ['a', { contract_id: 'b', position: 99, mode_override: 'observe' }])
    const before = (await events()).length
    const answer = await api.deploy('devops', 'staging')
    expect(answer.statusCode).toBe(201)
    expect(answer.json()).toEqual({
      bundle_name: 'devops',
      bundle_version: 2,
      contracts_assembled: [
        { contract_id: 'a', version: 1, mode: 'enforce', observe: false },
        { contract_id: 'b', version: 1, mode: 'observe', observe: false },
      ],
      deployment_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    })
    const yaml = await yamlOf(api, 'devops', 2)
    expect(yaml).toBe((await preview(api, 'devops')).json().yaml_content)
    const bundle = (await api.get('/bundles/devops/current?env=staging')).json()
    expect(bundle).toMatchObject({
      version: 2,
      revision_hash: createHash('sha256').update(yaml).digest('hex'),
      uploaded_by: 'admin@example.com',
    })
    const bytes = (hex: string) => Buffer.from(hex, 'hex')
    expect(verifyBytes(bytes(bundle.public_key), Buffer.from(yaml), bytes(bundle.signature_hex))).toBe(true)
    const [deployment] = (await api.get('/deployments')).json()
    expect(deployment).toMatchObject({ id: answer.json().deployment_id, env: 'staging', bundle_version: 2 })
    const ofRulesets = ({ type }: { type: string }) => type.startsWith('ruleset_')
    const told = (await events()).slice(before)
    expect(told.filter(ofRulesets).map(({ type, to }) => [type, to])).toEqual([
      ['ruleset_update', 'staging'],
      ['ruleset_updated', 'staging'],
    ])
    expect(told.filter((one) => !ofRulesets(one))).toEqual([
      {
        type: 'contract_update',
        bundle_name: 'devops',
        version: 2,
        revision_hash: bundle.revision_hash,
        signature: bundle.signature_hex,
        public_key: bundle.public_key,
        yaml_bytes: Buffer.from(yaml).toString('base64'),
        to: 'staging',
      },
      {
        type: 'bundle_deployed',
        bundle_name: 'devops',
        version: 2,
        env: 'staging',
        deployed_by: 'admin@example.com',
        to: null,
      },
      { type: 'composition_changed', composition_name: 'devops', bundle_version: 2, to: null },
    ])
  })

  it('nothing enabled, no composition, or an unknown environment deploys nothing', async () => {
    const api = await begin('a')
    await api.compose('empty', [])
    const empty = await api.deploy('empty')
    expect([empty.statusCode, empty.json()]).toEqual([422, { detail: 'Composition has no enabled contracts' }])
    expect((await api.deploy('none')).json()).toEqual({ detail: "Composition 'none' not found" })
    await api.compose('full', ['a'])
    expect((await api.deploy('full', 'moon')).statusCode).toBe(422)
    expect((await api.get('/deployments')).json()).toEqual([])
  })

  it('the snapshot of a deployed bundle does not change when the composition does', async () => {
    const api = await begin('a', 'b')
    await api.compose('devops', ['a'])
    const deployed = (await api.deploy('devops')).json().contracts_assembled
    await api.call('PUT', '/contracts/a', { definition: denying('other') })
    await api.call('PUT', '/compositions/devops', {
      contracts: [
        { contract_id: 'a', position: 1 },
        { contract_id: 'b', position: 2 },
      ],
    })
    const snapshot = async () => {
      const { db } = t.server.database
      const row = await db
        .selectFrom('bundles')
        .select(['composition_id', 'composition_snapshot'])
        .executeTakeFirstOrThrow()
      return [row.composition_id !== null, JSON.parse(row.composition_snapshot ?? 'null')]
    }
    expect(await snapshot()).toEqual([true, deployed])
    await api.call('DELETE', '/compositions/devops')
    expect(await snapshot()).toEqual([false, deployed])
  })

  it('a deleted composition is gone and its bundles stay deployed', async () => {
    const api = await begin('a')
    await api.compose('devops', ['a'])
    await api.deploy('devops')
    expect((await api.call('DELETE', '/compositions/devops')).statusCode).toBe(204)
    expect((await events()).at(-1)).toMatchObject({ type: 'composition_changed', composition_name: 'devops' })
    expect((await api.call('DELETE', '/compositions/devops')).statusCode).toBe(404)
    expect((await api.get('/bundles/devops/current?env=production')).statusCode).toBe(200)
    expect((await api.call('DELETE', '/contracts/a')).statusCode).toBe(204)
  })

  it('a contract of several tools becomes one per tool, and a definition needs no type', async () => {
    const api = await begin()
    const { tool, ...rest } = denying('.env')
    await api.contract('multi', { ...rest, tools: ['read_file', 'cat'] })
    await api.compose('devops', ['multi'])
    const { contracts_assembled } = (await api.deploy('devops')).json()
    expect(contracts_assembled).toHaveLength(1)
    expect(contractsIn(await yamlOf(api, 'devops', 1)).map(([id]) => id)).toEqual(['multi', 'multi-2'])
  })

  it("another tenant's compositions do not exist, and its contracts cannot be used", async () => {
    const api = await begin('a')
    await api.compose('devops', ['a'])
    const other = libraryOf(t, await t.otherTenant())
    expect((await other.get('/compositions')).json()).toEqual([])
    for (const answer of [
      await other.get('/compositions/devops'),
      await other.call('PUT', '/compositions/devops', { description: 'x' }),
      await other.call('DELETE', '/compositions/devops'),
      await preview(other, 'devops'),
      await other.deploy('devops'),
      await other.call('POST', '/compositions/devops/promote'),
    ])
      expect(answer.statusCode).toBe(404)
    expect((await other.compose('theirs', ['a'])).json()).toEqual({ detail: "Contract 'a' not found" })
    await other.compose('theirs', [])
    const stolen = await other.call('PUT', '/compositions/theirs', { contracts: [{ contract_id: 'a', position: 1 }] })
    expect([stolen.statusCode, stolen.json()]).toEqual([422, { detail: "Contract 'a' not found" }])
    expect((await api.get('/compositions/devops')).statusCode).toBe(200)
  })

  it('ten deployments at once make ten versions', async () => {
    const api = await begin('a')
    await api.compose('devops', ['a'])
    const answers = await Promise.all(Array.from({ length: 10 }, () => api.deploy('devops')))
    expect(answers.map((answer) => answer.json().bundle_version).sort((a, b) => a - b)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
    ])
  })
})
