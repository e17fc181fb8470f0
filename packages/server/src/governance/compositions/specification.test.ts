import { afterEach, expect, it } from 'vitest'
import { bundleYaml } from '../../../test/documents.ts'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { denying, libraryOf } from '../../../test/library.ts'

onEachDatabase('the rules of compositions', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  async function begin(...contracts: string[]) {
    t = await start()
    const api = libraryOf(t)
    for (const id of contracts) await api.contract(id, denying(`.${id}`))
    return api
  }
  type Api = Awaited<ReturnType<typeof begin>>
  const get = async (api: Api, name: string) => (await api.get(`/compositions/${name}`)).json()
  const preview = async (api: Api, name: string) => (await api.call('POST', `/compositions/${name}/preview`)).json()

  it('each field has its bounds, and is taken at them', async () => {
    const api = await begin('a')
    const many = Array.from({ length: 100 }, (_, index) => `c${index}`)
    for (const id of many) await api.contract(id)
    const name = `a${'.'.repeat(126)}_`
    const widest = { description: '𝄞'.repeat(2000), defaults_mode: 'observe', update_strategy: 'observe_first' }
    const made = await api.compose(name, many, widest)
    expect([made.statusCode, made.json()]).toEqual([
      201,
      expect.objectContaining({ name, ...widest, contract_count: 100, tools_config: null, observability: null }),
    ])
    const item = { contract_id: 'a', position: 1 }
    const bad: object[] = [
      { description: 'd'.repeat(2001) },
      { defaults_mode: null },
      { defaults_mode: 'ENFORCE' },
      { update_strategy: 'auto' },
      { tools_config: [] },
      { tools_config: 'x' },
      { observability: 7 },
      { contracts: [...many, 'a'].map((contract_id, position) => ({ contract_id, position })) },
      { contracts: [{ ...item, contract_id: 'a'.repeat(129) }] },
      { contracts: [{ contract_id: 'a' }] },
      { contracts: [{ ...item, position: 'first' }] },
      { contracts: [{ ...item, position: 1.5 }] },
      { contracts: [{ ...item, mode_override: 'audit' }] },
      { contracts: [{ ...item, enabled: 'maybe' }] },
      { contracts: 'a' },
    ]
    for (const more of bad) {
      const [field = ''] = Object.keys(more)
      for (const answer of [
        await api.call('POST', '/compositions', { name: 'next', ...more }),
        await api.call('PUT', `/compositions/${name}`, more),
      ]) {
        // Null is no mode of a new composition, and leaves a known one as it is.
        if (answer.statusCode === 200 && (more as { [name: string]: unknown })[field] === null) continue
        expect([answer.statusCode, answer.json().detail[0].loc.slice(0, 2)]).toEqual([422, ['body', field]])
      }
    }
    expect((await api.get('/compositions')).json()).toHaveLength(1)
  })

  it('a composition needs no contracts, and is enforced and manual unless it says otherwise', async () => {
    const api = await begin()
    const made = await api.call('POST', '/compositions', { name: 'empty' })
    expect([made.statusCode, made.json()]).toEqual([
      201,
      expect.objectContaining({
        description: null,
        defaults_mode: 'enforce',
        update_strategy: 'manual',
        contract_count: 0,
        contracts: [],
      }),
    ])
    const missing = await api.get('/compositions/none')
    expect([missing.statusCode, missing.json()]).toEqual([404, { detail: "Composition 'none' not found" }])
  })

  it('items of one position stay in the order in which they were given', async () => {
    const api = await begin('a', 'b', 'c', 'd')
    const at = (contract_id: string, position: number) => ({ contract_id, position })
    await api.compose('devops', [at('d', 5), at('b', 5), at('c', -3), at('a', 5)])
    const ids = async () =>
      (await get(api, 'devops')).contracts.map((item: { contract_id: string }) => item.contract_id)
    expect(await ids()).toEqual(['c', 'd', 'b', 'a'])
    await api.call('PUT', '/compositions/devops', { contracts: [at('a', 0), at('d', 0), at('b', 0)] })
    expect(await ids()).toEqual(['a', 'd', 'b'])
  })

  it('null leaves each field as it is, and the same change again changes nothing but its time', async () => {
    const api = await begin('a')
    const settings = {
      description: 'd',
      defaults_mode: 'observe',
      update_strategy: 'auto_deploy',
      tools_config: { read_file: { side_effect: 'read' } },
      observability: { stdout: true },
    }
    await api.compose('devops', ['a'], settings)
    const before = await get(api, 'devops')
    expect(before).toMatchObject(settings)
    const nothing = { ...Object.fromEntries(Object.keys(settings).map((field) => [field, null])), contracts: null }
    for (const change of [{}, nothing, settings]) {
      const answer = await api.call('PUT', '/compositions/devops', change)
      expect([answer.statusCode, answer.json()]).toEqual([200, before])
    }
    const other = { tools_config: { cat: {} }, observability: { file: 'x' }, update_strategy: 'manual' }
    expect((await api.call('PUT', '/compositions/devops', other)).json()).toMatchObject({ ...other, description: 'd' })
    expect((await api.call('PUT', '/compositions/devops', { contracts: [] })).json()).toMatchObject({
      contract_count: 0,
      contracts: [],
    })
  })

  it('a refused change changes nothing', async () => {
    const api = await begin('a', 'b')
    await api.compose('devops', ['a'])
    const before = await get(api, 'devops')
    for (const contracts of [
      [
        { contract_id: 'b', position: 1 },
        { contract_id: 'none', position: 2 },
      ],
      [
        { contract_id: 'b', position: 1 },
        { contract_id: 'b', position: 2 },
      ],
    ])
      expect((await api.call('PUT', '/compositions/devops', { description: 'new', contracts })).statusCode).toBe(422)
    expect(await get(api, 'devops')).toEqual(before)
  })

  it("the mode is the item's, else the contract's, else the composition's, and always said", async () => {
    const api = await begin()
    await api.contract('plain', denying('plain'))
    await api.contract('own', { ...denying('own'), mode: 'observe' })
    const modes = async (defaults_mode: string, mode_override: string | null) => {
      const name = `${defaults_mode}-${mode_override}`
      const items = ['plain', 'own'].map((contract_id, position) => ({ contract_id, position, mode_override }))
      await api.compose(name, items, { defaults_mode })
      const text: string = (await preview(api, name)).yaml_content
      return [...text.matchAll(/mode: (\w+)/g)].map((match) => match[1])
    }
    // First the bundle's default, then each contract's.
    expect(await modes('enforce', null)).toEqual(['enforce', 'enforce', 'observe'])
    expect(await modes('observe', null)).toEqual(['observe', 'observe', 'observe'])
    expect(await modes('enforce', 'observe')).toEqual(['enforce', 'observe', 'observe'])
    expect(await modes('observe', 'enforce')).toEqual(['observe', 'enforce', 'enforce'])
  })

  it('an assembled bundle carries name, description, tools and observability, and the same items give the same bytes', async () => {
    const api = await begin('a', 'b')
    const more = { description: 'For operations', tools_config: { x: { side_effect: 'read' } } }
    await api.compose('devops', ['b', 'a'], { ...more, observability: { stdout: true } })
    const { yaml_content } = await preview(api, 'devops')
    expect(yaml_content.startsWith('apiVersion: edictum/v1\nkind: ContractBundle\nmetadata:\n')).toBe(true)
    for (const part of ['name: devops', 'description: For operations', 'side_effect: read', 'stdout: true'])
      expect(yaml_content).toContain(part)
    expect(yaml_content.indexOf('id: b')).toBeLessThan(yaml_content.indexOf('id: a'))
    expect((await preview(api, 'devops')).yaml_content).toBe(yaml_content)
  })

  it('deploying twice makes two versions, each told as the actor’s, in one lineage with uploads', async () => {
    const api = await begin('a')
    await api.compose('devops', ['a'])
    expect((await api.deploy('devops')).json().bundle_version).toBe(1)
    await api.call('POST', '/bundles', { yaml_content: bundleYaml('devops') })
    expect((await api.deploy('devops')).json().bundle_version).toBe(3)
    const versions = (await api.get('/bundles/devops')).json()
    expect(versions.map((row: { version: number; uploaded_by: string }) => [row.version, row.uploaded_by])).toEqual([
      [3, 'admin@example.com'],
      [2, 'admin@example.com'],
      [1, 'admin@example.com'],
    ])
    expect(versions[0].revision_hash).toBe(versions[2].revision_hash)
    const deployed = (await api.get('/deployments')).json()
    expect(deployed.map((row: { bundle_version: number }) => row.bundle_version)).toEqual([3, 1])
  })

  it('what stands in the way of a deployment is told in order: no composition, nothing enabled, no key', async () => {
    const api = await begin('a')
    await t.server.database.db.updateTable('signing_keys').set({ active: 0 }).execute()
    await api.compose('empty', [{ contract_id: 'a', position: 1, enabled: false }])
    await api.compose('full', ['a'])
    const refusal = async (name: string) => {
      const answer = await api.deploy(name)
      return [answer.statusCode, answer.json().detail]
    }
    expect(await refusal('none')).toEqual([404, "Composition 'none' not found"])
    expect(await refusal('empty')).toEqual([422, 'Composition has no enabled contracts'])
    expect(await refusal('full')).toEqual([422, 'No active signing key for tenant'])
    for (const body of [{}, { env: 'moon' }, { env: null }, { env: '' }])
      expect((await api.call('POST', '/compositions/full/deploy', body)).json().detail[0].loc).toEqual(['body', 'env'])
    for (const env of ['production', 'staging', 'development'])
      expect((await api.deploy('full', env)).statusCode).toBe(422)
    expect((await api.get('/bundles')).json()).toEqual([])
  })
})
