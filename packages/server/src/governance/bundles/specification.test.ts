import { createHash } from 'node:crypto'
import { afterEach, expect, it } from 'vitest'
import { bundleYaml } from '../../../test/documents.ts'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { libraryOf } from '../../../test/library.ts'

onEachDatabase('the rules of bundles', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  type Headers = Record<string, string>
  const api = (headers?: Headers) => libraryOf(t, headers)
  const get = (url: string, headers?: Headers) => api(headers).get(`/bundles${url}`)
  const upload = async (name: string, contracts = 1) =>
    (await api().call('POST', '/bundles', { yaml_content: bundleYaml(name, { contracts }) })).json()
  const deploy = (name: string, version: unknown, env: unknown = 'production', headers?: Headers) =>
    api(headers).call('POST', `/bundles/${name}/${version}/deploy`, { env })

  it('the same document again is a further version', async () => {
    t = await start()
    const [first, second] = [await upload('devops'), await upload('devops')]
    expect([first.version, second.version]).toEqual([1, 2])
    expect(first.revision_hash).toBe(second.revision_hash)
    expect(first.id).not.toBe(second.id)
    expect((await upload('other')).version).toBe(1)
  })

  it('an upload without text, with a text too long, or of anything but text is refused where it is wrong', async () => {
    t = await start()
    for (const body of [{}, { yaml_content: null }, { yaml_content: 7 }, { yaml_content: ['a'] }]) {
      const answer = await api().call('POST', '/bundles', body)
      expect([answer.statusCode, answer.json().detail[0].loc]).toEqual([422, ['body', 'yaml_content']])
    }
    const yaml = bundleYaml('large')
    const exact = `${yaml}# ${'x'.repeat(1_048_576 - yaml.length - 2)}`
    const kept = await api().call('POST', '/bundles', { yaml_content: exact })
    expect([kept.statusCode, kept.json().revision_hash]).toEqual([
      201,
      createHash('sha256').update(exact).digest('hex'),
    ])
    expect((await api().call('POST', '/bundles', { yaml_content: `${exact}x` })).statusCode).toBe(422)
  })

  it('what is no YAML, no mapping or without a name is said in the words of the API, with the place beside it', async () => {
    t = await start()
    const said = async (yaml_content: string) => {
      const answer = await api().call('POST', '/bundles', { yaml_content })
      expect(answer.statusCode).toBe(422)
      const { detail, issues } = answer.json()
      for (const issue of issues)
        expect(issue).toMatchObject({
          loc: ['body', 'yaml_content'],
          msg: expect.any(String),
          code: expect.any(String),
        })
      return detail
    }
    for (const broken of ['a: [1', '{', '!!python/object/apply:os.system ["id"]', 'a: &a [*a]'])
      expect(await said(broken)).toMatch(/^Invalid YAML: (?!YAML parse error)/)
    for (const other of ['- a', '', 'text', '7', 'null'])
      expect(await said(other)).toBe('Invalid YAML: expected a mapping at the top level')
    const yaml = bundleYaml('x')
    for (const nameless of [
      yaml.replace('name: x', 'title: x'),
      yaml.replace('name: x', 'name: ""'),
      yaml.replace('name: x', 'name: 7'),
      yaml.replace('name: x', 'name: null'),
      yaml.replace('metadata:\n  name: x', 'metadata: text'),
      yaml.replace('metadata:\n  name: x\n', ''),
      'metadata: {}',
    ])
      expect([nameless.slice(0, 80), await said(nameless)]).toEqual([
        nameless.slice(0, 80),
        'Missing required field: metadata.name',
      ])
    expect((await get('')).json()).toEqual([])
  })

  it('versions of a name stand newest first, without those of another name', async () => {
    t = await start()
    for (const name of ['devops', 'billing', 'devops', 'devops']) await upload(name)
    const rows = (await get('/devops')).json()
    expect(rows.map((row: { name: string; version: number }) => [row.name, row.version])).toEqual([
      ['devops', 3],
      ['devops', 2],
      ['devops', 1],
    ])
    expect(Object.keys(rows[0]).sort()).toEqual([
      'created_at',
      'deployed_envs',
      'id',
      'name',
      'revision_hash',
      'signature_hex',
      'source_hub_revision',
      'source_hub_slug',
      'tenant_id',
      'uploaded_by',
      'version',
    ])
  })

  it('one version is answered whole, and what is not there is not found', async () => {
    t = await start()
    const { warnings: _, reader_warnings: __, ...made } = await upload('devops')
    expect((await get('/devops/1')).json()).toEqual(made)
    for (const url of ['/devops/2', '/none/1', '/devops/0', '/devops/-1']) {
      const [, name, version] = url.split('/')
      for (const answer of [await get(url), await get(`${url}/yaml`)])
        expect([answer.statusCode, answer.json()]).toEqual([404, { detail: `Bundle '${name}' v${version} not found` }])
    }
    for (const version of ['latest', '1.5', '1x']) {
      expect((await get(`/devops/${version}`)).statusCode).toBe(422)
      expect((await get(`/devops/${version}/yaml`)).statusCode).toBe(422)
    }
    const none = await get('/none/current?env=production')
    expect([none.statusCode, none.json()]).toEqual([404, { detail: "No deployed bundle 'none' for env 'production'" }])
    expect((await get('/devops/current?env=the-moon')).json()).toEqual({
      detail: "No deployed bundle 'devops' for env 'the-moon'",
    })
  })

  it("a key reads the version in force in its environment, with its bytes, and no other environment's", async () => {
    t = await start()
    const made = await upload('devops', 1)
    await upload('devops', 2)
    await deploy('devops', 1, 'production')
    await deploy('devops', 2, 'staging')
    const [production, staging] = [await t.agent('production'), await t.agent('staging')]
    expect((await get('/devops/1', production)).json()).toMatchObject({ id: made.id, version: 1 })
    expect((await get('/devops/1/yaml', production)).body).toBe(bundleYaml('devops'))
    expect((await get('/devops/2/yaml', staging)).headers['content-type']).toBe('application/x-yaml')
    for (const [url, key, version] of [
      ['/devops/1', staging, 1],
      ['/devops/1/yaml', staging, 1],
      ['/devops/2', production, 2],
      ['/devops/2/yaml', production, 2],
    ] as const) {
      const answer = await get(url, key)
      expect([answer.statusCode, answer.json()]).toEqual([404, { detail: `Bundle 'devops' v${version} not found` }])
    }
    for (const version of [1, 2]) {
      expect((await get(`/devops/${version}`)).statusCode).toBe(200)
      expect((await get(`/devops/${version}/yaml`)).statusCode).toBe(200)
    }
  })

  it('a key that asks for another environment is refused before anything is looked for', async () => {
    t = await start()
    const [production, staging] = [await t.agent('production'), await t.agent('staging')]
    await upload('devops')
    await deploy('devops', 1, 'production')
    expect((await get('/devops/current?env=production', production)).statusCode).toBe(200)
    for (const [name, key, own, asked] of [
      ['devops', staging, 'staging', 'production'],
      ['none', staging, 'staging', 'production'],
      ['devops', production, 'production', 'staging'],
    ] as const) {
      const answer = await get(`/${name}/current?env=${asked}`, key)
      expect([answer.statusCode, answer.json()]).toEqual([
        403,
        { detail: `API key is scoped to '${own}', cannot access env '${asked}'.` },
      ])
    }
  })

  it('a superseded version is hidden from a key, and still counts in its list', async () => {
    t = await start()
    const production = await t.agent('production')
    await upload('devops', 1)
    await upload('devops', 2)
    await upload('never')
    await deploy('devops', 1)
    await deploy('devops', 2)
    expect((await get('/devops/1', production)).statusCode).toBe(404)
    expect((await get('', production)).json()).toEqual([
      {
        name: 'devops',
        latest_version: 2,
        version_count: 2,
        last_updated: '2026-03-01T12:00:00Z',
        deployed_envs: ['production'],
        contract_count: 2,
        last_deployed_at: '2026-03-01T12:00:00Z',
      },
    ])
    expect((await get('', await t.agent('staging'))).json()).toEqual([])
  })

  it('a key reads neither the versions of a name nor what only people may do', async () => {
    t = await start()
    const key = { ...(await t.agent('production')), 'x-requested-with': 'test' }
    await upload('devops')
    await deploy('devops', 1)
    expect((await get('/devops', key)).statusCode).toBe(401)
    expect((await deploy('devops', 1, 'production', key)).statusCode).toBe(401)
    expect((await api(key).call('POST', '/bundles', { yaml_content: bundleYaml('x') })).statusCode).toBe(401)
    expect((await api(key).get('/deployments')).statusCode).toBe(401)
  })

  it('the number of contracts is not told where it is not known', async () => {
    t = await start()
    await upload('devops', 3)
    expect((await get('')).json()[0].contract_count).toBe(3)
    await t.server.database.db.updateTable('bundles').set({ contract_count: null }).execute()
    expect((await get('')).json()[0].contract_count).toBe(null)
  })

  it('deploying again is recorded again, with the same content as with another', async () => {
    t = await start()
    await upload('devops')
    const ids = new Set<string>()
    for (const env of ['production', 'production', 'staging', 'development']) {
      const answer = await deploy('devops', 1, env)
      expect([answer.statusCode, answer.json()]).toEqual([
        201,
        {
          id: expect.stringMatching(/^[0-9a-f-]{36}$/),
          env,
          bundle_name: 'devops',
          bundle_version: 1,
          deployed_by: 'admin@example.com',
          created_at: '2026-03-01T12:00:00Z',
        },
      ])
      ids.add(answer.json().id)
    }
    expect(ids.size).toBe(4)
    expect((await get('/devops')).json()[0].deployed_envs).toEqual(['development', 'production', 'staging'])
  })

  it('an environment that is none of the three, and a version that is not there, deploy nothing', async () => {
    t = await start()
    await upload('devops')
    for (const env of ['', 'Production', 'prod', 'custom', null, 7, ['production']])
      expect((await deploy('devops', 1, env)).json().detail[0].loc).toEqual(['body', 'env'])
    expect((await api().call('POST', '/bundles/devops/1/deploy', {})).json().detail[0].loc).toEqual(['body', 'env'])
    for (const [name, version] of [
      ['devops', 2],
      ['none', 1],
    ] as const) {
      const answer = await deploy(name, version)
      expect([answer.statusCode, answer.json()]).toEqual([
        422,
        { detail: `Bundle '${name}' version ${version} not found` },
      ])
    }
    expect((await deploy('devops', 'latest')).statusCode).toBe(422)
    expect((await api().get('/deployments')).json()).toEqual([])
  })

  it('deployments stand newest first, fifty unless asked for up to two hundred', async () => {
    t = await start()
    await upload('devops')
    await deploy('devops', 1)
    const { db } = t.server.database
    const { seq: _, ...row } = await db.selectFrom('deployments').selectAll().executeTakeFirstOrThrow()
    await db
      .insertInto('deployments')
      .values(
        Array.from({ length: 210 }, (_, index) => ({
          ...row,
          id: `d${index}`,
          env: index % 2 === 0 ? 'staging' : 'production',
          deployed_by: String(index),
        })),
      )
      .execute()
    const list = async (query = '') =>
      (await api().get(`/deployments${query}`)).json().map((one: { deployed_by: string }) => one.deployed_by)
    expect(await list()).toEqual(Array.from({ length: 50 }, (_, index) => String(209 - index)))
    expect(await list('?limit=2')).toEqual(['209', '208'])
    expect(await list('?limit=200')).toHaveLength(200)
    expect(await list('?env=staging&limit=2')).toEqual(['208', '206'])
    expect(await list('?env=production&bundle_name=devops&limit=1')).toEqual(['209'])
    expect(await list('?bundle_name=other')).toEqual([])
    expect(await list('?env=moon')).toEqual([])
    for (const limit of ['0', '201', '-1', 'x', ''])
      expect((await api().get(`/deployments?limit=${limit}`)).statusCode).toBe(422)
  })
})
