import { createHash } from 'node:crypto'
import { afterEach, expect, it } from 'vitest'
import { bundleYaml } from '../../../test/documents.ts'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'

onEachDatabase('bundles', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  const upload = async (yaml: string, headers?: Record<string, string>) =>
    t.request({
      method: 'POST',
      url: '/api/v1/bundles',
      headers: headers ?? (await t.admin()),
      payload: { yaml_content: yaml },
    })
  const get = async (url: string, headers?: Record<string, string>) =>
    t.request({ method: 'GET', url: `/api/v1/bundles${url}`, headers: headers ?? (await t.admin()) })
  const deploy = async (name: string, version: number, env: string, headers?: Record<string, string>) =>
    t.request({
      method: 'POST',
      url: `/api/v1/bundles/${name}/${version}/deploy`,
      headers: headers ?? (await t.admin()),
      payload: { env },
    })

  it('a version is kept byte for byte under the hash of its bytes', async () => {
    t = await start()
    const yaml = `${bundleYaml('devops')}\n# späte Anmerkung\r\n`
    const answer = await upload(yaml)
    expect(answer.statusCode).toBe(201)
    const hash = createHash('sha256').update(yaml).digest('hex')
    expect(answer.json()).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      tenant_id: expect.any(String),
      name: 'devops',
      version: 1,
      revision_hash: hash,
      signature_hex: null,
      source_hub_slug: null,
      source_hub_revision: null,
      uploaded_by: 'admin@example.com',
      created_at: '2026-03-01T12:00:00Z',
      warnings: [],
      reader_warnings: [],
    })
    const stored = await get('/devops/1/yaml')
    expect(stored.headers['content-type']).toBe('application/x-yaml')
    expect(stored.body).toBe(yaml)
  })

  it('ten uploads at once get ten versions', async () => {
    t = await start()
    await t.admin()
    const answers = await Promise.all(Array.from({ length: 10 }, () => upload(bundleYaml('devops'))))
    expect(answers.map((answer) => answer.json().version).sort((a, b) => a - b)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
    ])
    expect((await upload(bundleYaml('other'))).json().version).toBe(1)
  })

  it('a broken document is refused with its place and leaves nothing behind', async () => {
    t = await start()
    for (const yaml of ['{', '- a list', 'metadata: {}', 'a: [1', '']) {
      const answer = await upload(yaml)
      expect(answer.statusCode).toBe(422)
      expect(answer.json().issues[0].loc).toEqual(['body', 'yaml_content'])
    }
    expect((await upload(bundleYaml('x').replace('name: x', 'title: x'))).json().detail).toContain('metadata.name')
    expect((await upload('x'.repeat(1_048_577))).statusCode).toBe(422)
    expect((await get('')).json()).toEqual([])
  })

  it('every problem of a document is told, with its line and column', async () => {
    t = await start()
    const broken = bundleYaml('devops', { contracts: 2 }).replaceAll('effect: deny', 'effect: explode')
    const { detail } = (await upload(broken)).json()
    expect(detail).toHaveLength(2)
    for (const problem of detail) {
      expect(problem).toMatchObject({
        loc: ['body', 'yaml_content'],
        msg: expect.any(String),
        code: expect.any(String),
      })
      expect(problem.path).toMatch(/^contracts\[[01]\]/)
      expect([typeof problem.line, typeof problem.column]).toEqual(['number', 'number'])
    }
  })

  it('a Ruleset is kept as it came, with a warning for older agents', async () => {
    t = await start()
    const yaml = bundleYaml('devops')
      .replace('ContractBundle', 'Ruleset')
      .replace('contracts:', 'rules:')
      .replace('effect: deny', 'action: block')
    const answer = await upload(yaml)
    expect(answer.statusCode).toBe(201)
    expect(answer.json().warnings[0]).toMatchObject({ code: 'ruleset_kind', path: 'kind' })
    expect((await get('/devops/1/yaml')).body).toBe(yaml)
  })

  it('the list tells what is where', async () => {
    t = await start()
    expect((await get('')).json()).toEqual([])
    await upload(bundleYaml('devops', { contracts: 2 }))
    await t.clock.advance(1_000)
    await upload(bundleYaml('devops', { contracts: 3 }))
    await t.clock.advance(1_000)
    await upload(bundleYaml('billing'))
    await t.clock.advance(1_000)
    await deploy('devops', 1, 'staging')
    await deploy('devops', 2, 'production')
    expect((await get('')).json()).toEqual([
      {
        name: 'billing',
        latest_version: 1,
        version_count: 1,
        last_updated: '2026-03-01T12:00:02Z',
        deployed_envs: [],
        contract_count: 1,
        last_deployed_at: null,
      },
      {
        name: 'devops',
        latest_version: 2,
        version_count: 2,
        last_updated: '2026-03-01T12:00:01Z',
        deployed_envs: ['production', 'staging'],
        contract_count: 3,
        last_deployed_at: '2026-03-01T12:00:03Z',
      },
    ])
    expect((await get('', await t.agent('staging'))).json()).toEqual([
      {
        name: 'devops',
        latest_version: 1,
        version_count: 1,
        last_updated: '2026-03-01T12:00:00Z',
        deployed_envs: ['staging'],
        contract_count: 2,
        last_deployed_at: '2026-03-01T12:00:03Z',
      },
    ])
    expect((await get('', await t.agent('development'))).json()).toEqual([])
  })

  it('redeploying moves the environment to the other version', async () => {
    t = await start()
    await upload(bundleYaml('devops'))
    await upload(bundleYaml('devops'))
    await upload(bundleYaml('billing'))
    const envs = async () =>
      (await get('/devops'))
        .json()
        .map((row: { version: number; deployed_envs: string[] }) => [row.version, row.deployed_envs])
    expect(await envs()).toEqual([
      [2, []],
      [1, []],
    ])
    await deploy('devops', 1, 'production')
    await deploy('devops', 1, 'staging')
    await deploy('billing', 1, 'production')
    await deploy('devops', 2, 'production')
    expect(await envs()).toEqual([
      [2, ['production']],
      [1, ['staging']],
    ])
    expect((await get('/nothing')).json()).toEqual({ detail: "Bundle 'nothing' not found" })
  })

  it('an agent reads what its environment runs now, and nothing else', async () => {
    t = await start()
    await upload(bundleYaml('devops'))
    await upload(bundleYaml('devops', { contracts: 2 }))
    const production = await t.agent('production')
    const staging = await t.agent('staging')
    expect((await get('/devops/current?env=production', production)).json()).toEqual({
      detail: "No deployed bundle 'devops' for env 'production'",
    })
    await deploy('devops', 1, 'production')
    const current = (await get('/devops/current?env=production', production)).json()
    expect(Buffer.from(current.yaml_bytes, 'base64').toString()).toBe(bundleYaml('devops'))
    expect(Buffer.from(current.signature, 'base64').toString('hex')).toBe(current.signature_hex)
    expect(current.public_key).toMatch(/^[0-9a-f]{64}$/)
    const denied = await get('/devops/current?env=production', staging)
    expect([denied.statusCode, denied.json().detail]).toEqual([
      403,
      "API key is scoped to 'staging', cannot access env 'production'.",
    ])
    expect((await get('/devops/current', production)).statusCode).toBe(422)

    expect((await get('/devops/1', production)).statusCode).toBe(200)
    expect((await get('/devops/1/yaml', staging)).statusCode).toBe(404)
    await deploy('devops', 2, 'production')
    expect((await get('/devops/1', production)).json()).toEqual({ detail: "Bundle 'devops' v1 not found" })
    expect((await get('/devops/1')).statusCode).toBe(200)
    for (const version of ['7', '99999999999', '0']) expect((await get(`/devops/${version}`)).statusCode).toBe(404)
    expect((await get('/devops/latest')).statusCode).toBe(422)
  })

  it("another tenant's bundles do not exist", async () => {
    t = await start()
    await upload(bundleYaml('devops'))
    await deploy('devops', 1, 'production')
    const other = await t.otherTenant()
    expect((await get('', other)).json()).toEqual([])
    for (const path of ['/devops', '/devops/1', '/devops/1/yaml', '/devops/current?env=production'])
      expect((await get(path, other)).statusCode).toBe(404)
    const stolen = await deploy('devops', 1, 'production', other)
    expect([stolen.statusCode, stolen.json()]).toEqual([422, { detail: "Bundle 'devops' version 1 not found" }])
    expect((await upload(bundleYaml('devops'), other)).json().version).toBe(1)
  })

  it('names that carry SQL or paths are only names', async () => {
    t = await start()
    for (const name of ["x' or '1'='1", '..%2f..%2fetc', '%00', 'a'.repeat(2_000)])
      expect([404, 414, 422]).toContain((await get(`/${encodeURIComponent(name)}`)).statusCode)
  })
})
