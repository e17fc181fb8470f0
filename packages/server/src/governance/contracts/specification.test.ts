import { afterEach, expect, it } from 'vitest'
import { bundleYaml } from '../../../test/documents.ts'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { denying, libraryOf } from '../../../test/library.ts'

onEachDatabase('contracts of the library', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  async function begin() {
    t = await start()
    return libraryOf(t)
  }
  const rowsOf = (contractId: string) =>
    t.server.database.db
      .selectFrom('contracts')
      .select(['version', 'is_latest', 'name', 'type'])
      .where('contract_id', '=', contractId)
      .orderBy('version')
      .execute()

  it('each field of a new contract has its bounds, and is taken at them', async () => {
    const api = await begin()
    const widest = {
      contract_id: `a${'_'.repeat(126)}-`,
      name: '𝄞'.repeat(255),
      description: '𝄞'.repeat(2000),
      type: 'sandbox',
      definition: {},
      tags: ['', 'x'.repeat(5000), 'x'],
    }
    const made = await api.call('POST', '/contracts', widest)
    expect([made.statusCode, made.json()]).toEqual([201, expect.objectContaining(widest)])
    const least = { contract_id: '0', name: '', type: 'post', definition: {} }
    expect((await api.call('POST', '/contracts', least)).json()).toMatchObject({
      ...least,
      description: null,
      tags: [],
    })
    const bad: object[] = [
      { contract_id: 'a'.repeat(129) },
      { contract_id: 7 },
      { name: 'n'.repeat(256) },
      { name: null },
      { description: 'd'.repeat(2001) },
      { type: 'during' },
      { type: 'PRE' },
      { definition: [] },
      { definition: 'tool: x' },
      { definition: null },
      { tags: 'security' },
      { tags: [7] },
    ]
    for (const more of bad) {
      const answer = await api.contract('next', {}, more)
      expect([answer.statusCode, answer.json().detail[0].loc.slice(0, 2)]).toEqual([
        422,
        ['body', Object.keys(more)[0]],
      ])
    }
    for (const missing of ['contract_id', 'name', 'type', 'definition']) {
      const { [missing as 'name']: _, ...rest } = { ...least, contract_id: 'next' }
      const answer = await api.call('POST', '/contracts', rest)
      expect([answer.statusCode, answer.json().detail[0].loc]).toEqual([422, ['body', missing]])
    }
    expect((await api.get('/contracts')).json()).toHaveLength(2)
  })

  it('each field of a change has its bounds, and a type cannot change', async () => {
    const api = await begin()
    await api.contract('a')
    for (const change of [
      { name: 'n'.repeat(256) },
      { description: 'd'.repeat(2001) },
      { definition: [] },
      { tags: 'x' },
      { tags: [null] },
    ])
      expect((await api.call('PUT', '/contracts/a', change)).statusCode).toBe(422)
    const widest = { name: 'n'.repeat(255), description: 'd'.repeat(2000), tags: [] }
    const changed = await api.call('PUT', '/contracts/a', { ...widest, type: 'post', contract_id: 'b' })
    expect(changed.json()).toMatchObject({ ...widest, type: 'pre', contract_id: 'a', version: 2 })
    expect((await api.get('/contracts/b')).statusCode).toBe(404)
  })

  it('a version is the latest until the next one is made, in the table as in the answer', async () => {
    const api = await begin()
    await api.contract('a', denying('.env'), { name: 'one' })
    expect(await rowsOf('a')).toMatchObject([{ version: 1, is_latest: 1 }])
    expect((await api.call('PUT', '/contracts/a', { name: 'two' })).json()).toMatchObject({
      version: 2,
      is_latest: true,
    })
    expect(await rowsOf('a')).toMatchObject([
      { version: 1, is_latest: 0, name: 'one' },
      { version: 2, is_latest: 1, name: 'two' },
    ])
    expect((await api.get('/contracts/a/versions/1')).json().is_latest).toBe(false)
    expect((await api.get('/contracts/a/versions/2')).json().is_latest).toBe(true)
  })

  it('the same change twice makes two versions', async () => {
    const api = await begin()
    await api.contract('a')
    const change = { name: 'same', definition: denying('same') }
    for (const version of [2, 3]) expect((await api.call('PUT', '/contracts/a', change)).json().version).toBe(version)
  })

  it('what is not there is not found, by id and by version', async () => {
    const api = await begin()
    await api.contract('a')
    for (const answer of [
      await api.get('/contracts/none'),
      await api.call('PUT', '/contracts/none', { name: 'x' }),
      await api.call('DELETE', '/contracts/none'),
    ])
      expect([answer.statusCode, answer.json()]).toEqual([404, { detail: "Contract 'none' not found" }])
    const version = await api.get('/contracts/a/versions/999')
    expect([version.statusCode, version.json()]).toEqual([404, { detail: "Contract 'a' v999 not found" }])
    expect((await api.get('/contracts/none/versions/1')).statusCode).toBe(404)
    for (const odd of ['one', '1.5', '1e99x'])
      expect((await api.get(`/contracts/a/versions/${odd}`)).statusCode).toBe(422)
  })

  it('usage names each composition once, whichever version it uses', async () => {
    const api = await begin()
    await api.contract('a')
    const used = (await api.compose('devops', [{ contract_id: 'a', position: 1, enabled: false }])).json()
    await api.call('PUT', '/contracts/a', { name: 'newer' })
    const again = (await api.compose('billing', ['a'])).json()
    expect((await api.get('/contracts/a/usage')).json()).toEqual([
      { composition_id: again.id, composition_name: 'billing' },
      { composition_id: used.id, composition_name: 'devops' },
    ])
    expect((await api.get('/contracts/a')).json().usage_count).toBe(2)
    expect((await api.get('/contracts')).json()[0].usage_count).toBe(2)
  })

  it('the list shows each contract once, by its latest version, the newest written first', async () => {
    const api = await begin()
    for (const id of ['a', 'b', 'c']) {
      await api.contract(id, denying(id), { name: `${id}-one`, tags: ['old'] })
      await t.clock.advance(1_000)
    }
    await api.call('PUT', '/contracts/a', { name: 'a-two', tags: ['new'] })
    const list = async (query = '') =>
      (await api.get(`/contracts${query}`))
        .json()
        .map((row: { contract_id: string; name: string; version: number }) => [row.contract_id, row.name, row.version])
    expect(await list()).toEqual([
      ['a', 'a-two', 2],
      ['c', 'c-one', 1],
      ['b', 'b-one', 1],
    ])
    expect(await list('?tag=old')).toHaveLength(2)
    expect(await list('?search=A-ONE')).toEqual([])
    expect(await list('?search=A-TWO')).toHaveLength(1)
  })

  it('an import takes no more than a megabyte of text, and no alias bomb', async () => {
    const api = await begin()
    const importing = (yaml_content: unknown) => api.call('POST', '/contracts/import', { yaml_content })
    const yaml = bundleYaml('large')
    const exact = `${yaml}# ${'x'.repeat(1_048_576 - yaml.length - 2)}`
    expect((await importing(exact)).statusCode).toBe(201)
    expect((await importing(`${exact}x`)).json().detail[0].loc).toEqual(['body', 'yaml_content'])
    for (const wrong of [undefined, null, 7, {}]) expect((await importing(wrong)).statusCode).toBe(422)
    const laughs = [
      'a: &a [lol]',
      ...'bcdefgh'.split('').map((name, index) => {
        const before = 'abcdefg'[index]
        return `${name}: &${name} [${Array(9).fill(`*${before}`).join(', ')}]`
      }),
    ].join('\n')
    const bomb = await importing(laughs)
    expect([bomb.statusCode, bomb.json().detail]).toEqual([422, expect.stringMatching(/^Invalid YAML: /)])
  })

  it('an import of many contracts keeps all of them or none', async () => {
    const api = await begin()
    const many = bundleYaml('many', { contracts: 120 })
    const answer = (await api.call('POST', '/contracts/import', { yaml_content: many })).json()
    expect(answer.contracts_created).toHaveLength(120)
    const broken = bundleYaml('broken', { contracts: 120 }).replace('id: block-119', 'id: Not-An-Id')
    expect((await api.call('POST', '/contracts/import', { yaml_content: broken })).statusCode).toBe(422)
    expect((await rowsOf('block-0')).map((row) => row.version)).toEqual([1])
    expect((await api.get('/compositions')).json()).toMatchObject([{ name: 'many', contract_count: 120 }])
  })

  it('an import names contracts by their ids, and keeps each entry but its id', async () => {
    const api = await begin()
    const yaml = bundleYaml('devops').replace('id: block-0', 'id: no_2b-pencils')
    await api.call('POST', '/contracts/import', { yaml_content: yaml })
    const { name, definition } = (await api.get('/contracts/no_2b-pencils')).json()
    expect(name).toBe('No 2B Pencils')
    expect(definition).toEqual({
      type: 'pre',
      tool: 'read_file',
      when: { 'args.path': { contains: '.env0' } },
      // biome-ignore lint/suspicious/noThenProperty: a field of the contract language
      then: { effect: 'deny', message: 'Sensitive file {args.path}' },
    })
  })

  it('an entry without a type is of type pre', async () => {
    const api = await begin()
    const yaml = bundleYaml('devops').replace('    type: pre\n', '')
    expect((await api.call('POST', '/contracts/import', { yaml_content: yaml })).statusCode).toBe(201)
    expect((await api.get('/contracts/block-0')).json().type).toBe('pre')
  })

  it('whoever is signed in keeps the library, an administrator or not', async () => {
    await begin()
    const member = libraryOf(t, await t.member())
    const made = await member.contract('theirs')
    expect(made.statusCode).toBe(201)
    const { db } = t.server.database
    const user = await db
      .selectFrom('members')
      .select('user_id as id')
      .where('role', '=', 'member')
      .executeTakeFirstOrThrow()
    expect(made.json().created_by).toBe(user.id)
    expect((await member.call('PUT', '/contracts/theirs', { name: 'x' })).statusCode).toBe(200)
    expect((await member.compose('devops', ['theirs'])).statusCode).toBe(201)
    expect((await member.deploy('devops')).statusCode).toBe(201)
    expect((await member.call('DELETE', '/compositions/devops')).statusCode).toBe(204)
    expect((await member.call('DELETE', '/contracts/theirs')).statusCode).toBe(204)
  })
})
