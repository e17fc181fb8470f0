import { loadBundle } from '@lictor/contracts'
import { afterEach, expect, it } from 'vitest'
import { bundleYaml } from '../../../test/documents.ts'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { denying, libraryOf } from '../../../test/library.ts'

onEachDatabase('new versions of contracts', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  async function begin(strategy: string, environments: string[] = ['production', 'staging']) {
    t = await start()
    const api = libraryOf(t)
    await api.contract('a', denying('one'))
    await api.contract('b', denying('other'))
    await api.compose('devops', ['a', 'b'], { update_strategy: strategy })
    for (const env of environments) await api.deploy('devops', env)
    return api
  }
  type Api = Awaited<ReturnType<typeof begin>>
  const update = (api: Api, definition: object = denying('two')) => api.call('PUT', '/contracts/a', { definition })
  const running = async (api: Api, env: string) => {
    const answer = await api.get(`/bundles/devops/current?env=${env}`)
    const { version, yaml_bytes } = answer.json()
    const { contracts } = loadBundle(Buffer.from(yaml_bytes, 'base64')).document
    const shown = contracts.map((contract) => [
      contract.id,
      contract.mode,
      'then' in contract ? contract.then.message : '',
    ])
    return { version, contracts: shown }
  }
  const item = async (api: Api, id = 'a') =>
    (await api.get('/compositions/devops'))
      .json()
      .contracts.find((each: { contract_id: string }) => each.contract_id === id)

  it('with the manual strategy change nothing that is deployed', async () => {
    const api = await begin('manual')
    expect((await update(api)).json().redeployed).toEqual([])
    expect(await item(api)).toMatchObject({ contract_version: 1, has_newer_version: true, observed_version: null })
    expect((await api.get('/bundles/devops')).json()).toHaveLength(2)
  })

  it('with auto_deploy reach every environment where the composition is deployed, at once', async () => {
    const api = await begin('auto_deploy')
    expect((await update(api)).json().redeployed).toEqual([
      { composition_name: 'devops', bundle_version: 3, environments: ['production', 'staging'], problem: null },
    ])
    for (const env of ['production', 'staging'])
      expect(await running(api, env)).toEqual({
        version: 3,
        contracts: [
          ['a', 'enforce', 'No two'],
          ['b', 'enforce', 'No other'],
        ],
      })
    expect(await item(api)).toMatchObject({ contract_version: 2, has_newer_version: false })
    const deployments = (await api.get('/deployments?env=staging')).json()
    expect(deployments[0]).toMatchObject({ bundle_version: 3, deployed_by: 'admin@example.com' })
    const rows = await t.server.database.db
      .selectFrom('stream_log')
      .selectAll()
      .orderBy('id', 'desc')
      .limit(10)
      .execute()
    expect(rows.reverse().map((row) => [row.type, row.env])).toEqual([
      ['contract_updated', null],
      ['contract_update', 'production'],
      ['ruleset_update', 'production'],
      ['ruleset_updated', 'production'],
      ['bundle_deployed', null],
      ['contract_update', 'staging'],
      ['ruleset_update', 'staging'],
      ['ruleset_updated', 'staging'],
      ['bundle_deployed', null],
      ['composition_changed', null],
    ])
  })

  it('that would break a bundle leave it as it is and say why', async () => {
    const api = await begin('auto_deploy')
    const answer = await update(api, { tool: 'x' })
    expect(answer.statusCode).toBe(200)
    expect(answer.json().redeployed).toEqual([
      {
        composition_name: 'devops',
        bundle_version: null,
        environments: [],
        problem: expect.stringContaining("Contract 'a'"),
      },
    ])
    expect(await item(api)).toMatchObject({ contract_version: 1, has_newer_version: true })
    expect((await running(api, 'production')).version).toBe(1)
    expect((await update(api)).json().redeployed[0]).toMatchObject({ bundle_version: 3, problem: null })
  })

  it('do not replace another bundle that was deployed under the name since', async () => {
    const api = await begin('auto_deploy')
    await api.call('POST', '/bundles', { yaml_content: bundleYaml('devops') })
    await api.call('POST', '/bundles/devops/3/deploy', { env: 'production' })
    expect((await update(api)).json().redeployed).toMatchObject([{ bundle_version: 4, environments: ['staging'] }])
    expect((await running(api, 'production')).version).toBe(3)
  })

  it('are pinned where nothing is deployed, and deploy nothing', async () => {
    const api = await begin('auto_deploy', [])
    expect((await update(api)).json().redeployed).toEqual([
      { composition_name: 'devops', bundle_version: null, environments: [], problem: null },
    ])
    expect(await item(api)).toMatchObject({ contract_version: 2 })
    expect((await api.get('/bundles')).json()).toEqual([])
  })

  it('that arrive by an import redeploy each composition once', async () => {
    const api = await begin('auto_deploy')
    const yaml = bundleYaml('elsewhere', { contracts: 2 }).replace('block-0', 'a').replace('block-1', 'b')
    const imported = (await api.call('POST', '/contracts/import', { yaml_content: yaml })).json()
    expect(imported.contracts_updated).toEqual(['a', 'b'])
    expect(imported.redeployed).toEqual([
      { composition_name: 'devops', bundle_version: 3, environments: ['production', 'staging'], problem: null },
    ])
    expect((await running(api, 'staging')).contracts.map(([id, , message]) => [id, message])).toEqual([
      ['a', 'Sensitive file {args.path}'],
      ['b', 'Sensitive file {args.path}'],
    ])
  })

  it('with observe_first are observed beside what is enforced, until promoted', async () => {
    const api = await begin('observe_first')
    expect((await update(api)).json().redeployed).toMatchObject([{ bundle_version: 3, problem: null }])
    const observed = {
      version: 3,
      contracts: [
        ['a', 'enforce', 'No one'],
        ['a-obs', 'observe', 'No two'],
        ['b', 'enforce', 'No other'],
      ],
    }
    expect(await running(api, 'production')).toEqual(observed)
    expect(await running(api, 'staging')).toEqual(observed)
    expect(await item(api)).toMatchObject({ contract_version: 1, observed_version: 2, has_newer_version: true })

    const promoted = await api.call('POST', '/compositions/devops/promote', { contract_id: 'a' })
    expect(promoted.statusCode).toBe(200)
    expect(promoted.json()).toMatchObject({
      promoted: [{ contract_id: 'a', version: 2 }],
      bundle_version: 4,
      contracts_assembled: [
        { contract_id: 'a', version: 2, mode: 'enforce', observe: false },
        { contract_id: 'b', version: 1, mode: 'enforce', observe: false },
      ],
      deployments: [{ env: 'production' }, { env: 'staging' }],
    })
    expect(await running(api, 'production')).toEqual({
      version: 4,
      contracts: [
        ['a', 'enforce', 'No two'],
        ['b', 'enforce', 'No other'],
      ],
    })
    expect(await item(api)).toMatchObject({ contract_version: 2, observed_version: null, has_newer_version: false })
  })

  it('observed never loosen what is enforced, however many follow', async () => {
    const api = await begin('observe_first', ['production'])
    await update(api)
    await update(api, { ...denying('three'), mode: 'enforce' })
    expect(await running(api, 'production')).toEqual({
      version: 3,
      contracts: [
        ['a', 'enforce', 'No one'],
        ['a-obs', 'observe', 'No three'],
        ['b', 'enforce', 'No other'],
      ],
    })
    const deployed = (await api.deploy('devops')).json()
    expect(deployed.contracts_assembled).toEqual([
      { contract_id: 'a', version: 1, mode: 'enforce', observe: false },
      { contract_id: 'a', version: 3, mode: 'observe', observe: true },
      { contract_id: 'b', version: 1, mode: 'enforce', observe: false },
    ])
    await api.call('POST', '/compositions/devops/promote')
    expect((await running(api, 'production')).contracts[0]).toEqual(['a', 'enforce', 'No three'])
  })

  it('that only rename a contract take effect without being observed first', async () => {
    const api = await begin('observe_first', ['production'])
    await api.call('PUT', '/contracts/a', { name: 'Another name' })
    expect(await item(api)).toMatchObject({ contract_version: 2, observed_version: null })
    expect((await running(api, 'production')).contracts).toHaveLength(2)
  })

  it('are not given the id of a contract that is there', async () => {
    const api = await begin('observe_first', ['production'])
    await api.contract('a-obs', denying('mine'))
    await api.call('PUT', '/compositions/devops', {
      contracts: [
        { contract_id: 'a', position: 1 },
        { contract_id: 'a-obs', position: 2 },
      ],
    })
    await update(api)
    expect((await running(api, 'production')).contracts.map(([id]) => id)).toEqual(['a', 'a-obs-2', 'a-obs'])
  })

  it('are promoted only where one is observed', async () => {
    const api = await begin('observe_first', ['production'])
    const promote = (body?: object) => api.call('POST', '/compositions/devops/promote', body)
    const nothing = await promote()
    expect([nothing.statusCode, nothing.json()]).toEqual([
      409,
      { detail: "Composition 'devops' observes no newer version." },
    ])
    await update(api)
    expect((await promote({ contract_id: 'b' })).statusCode).toBe(409)
    const foreign = await promote({ contract_id: 'zzz' })
    expect([foreign.statusCode, foreign.json()]).toEqual([
      404,
      { detail: "Contract 'zzz' is not in composition 'devops'" },
    ])
    expect((await promote({})).json().promoted).toEqual([{ contract_id: 'a', version: 2 }])
  })
})
