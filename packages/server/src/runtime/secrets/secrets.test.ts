import { request } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { onEachDatabase, startTestServer, type TestServer } from '../../../test/harness.ts'
import { type OpenBaoProcess, openBaoBinary, ROOT_TOKEN, startOpenBao } from '../../../test/openbao.ts'
import { requestToken, serviceHeaders } from '../../../test/runtime.ts'

type Headers = Record<string, string>

const world = (t: TestServer, headers: Headers) => ({
  get: (path: string, as = headers) => t.request({ method: 'GET', url: `/v1/${path}`, headers: as }),
  put: (path: string, payload: unknown, as = headers) =>
    t.request({
      method: 'PUT',
      url: `/v1/secrets/${path}`,
      headers: { 'content-type': 'application/json', ...as },
      payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
    }),
  remove: (path: string, as = headers) => t.request({ method: 'DELETE', url: `/v1/secrets/${path}`, headers: as }),
})

async function stranger(t: TestServer): Promise<Headers> {
  const account = await t.request({
    method: 'POST',
    url: '/api/v1/service-accounts',
    headers: await t.otherTenant(),
    payload: { name: 'b' },
  })
  const { client_id, client_secret } = account.json<{ client_id: string; client_secret: string }>()
  const token = await requestToken(t, { grant_type: 'client_credentials', client_id, client_secret })
  return { authorization: `Bearer ${token.json<{ access_token: string }>().access_token}` }
}

/** Secret accesses in the audit log, oldest first. */
async function accesses(t: TestServer): Promise<{ tool: string; verdict: string; who: string; payload: string }[]> {
  const rows = await t.server.database.db.selectFrom('events').selectAll().orderBy('seq').execute()
  return rows
    .filter((row) => row.tool_name.startsWith('secret.'))
    .map((row) => ({ tool: row.tool_name, verdict: row.verdict, who: row.agent_id, payload: row.payload ?? '' }))
}

onEachDatabase('secrets', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  it('a value that was written is read back, in every form that clients write', async () => {
    t = await start()
    const { get, put } = world(t, await serviceHeaders(t))
    expect((await put('db/password', { value: 'hunter2' })).json()).toMatchObject({
      path: 'db/password',
      status: 'written',
      version: 1,
      success: true,
    })
    const read = await get('secrets/db/password')
    expect(read.headers['cache-control']).toBe('no-store')
    expect(read.json()).toMatchObject({
      path: 'db/password',
      value: 'hunter2',
      encoding: 'plaintext',
      data: { value: 'hunter2' },
      fields: ['value'],
      version: 1,
    })
    await put('data', { data: { user: 'ann', port: 5432, tls: { on: true } } })
    expect((await get('secrets/data')).json()).toMatchObject({
      value: '{"user":"ann","port":"5432","tls":"{\\"on\\":true}"}',
      data: { user: 'ann', port: '5432', tls: '{"on":true}' },
    })
    await put('bare', { user: 'ann', password: 'x' })
    expect((await get('secrets/bare')).json().data).toEqual({ user: 'ann', password: 'x' })
    await put('text64', { value: Buffer.from('grüße').toString('base64'), encoding: 'base64' })
    expect((await get('secrets/text64')).json()).toMatchObject({ value: 'grüße', encoding: 'plaintext' })
    await put('bytes', { value: '/wAB', encoding: 'base64' })
    expect((await get('secrets/bytes')).json()).toMatchObject({ value: '/wAB', encoding: 'base64' })
  })

  it('a leading slash, doubled ones and percent-encoding name the same secret', async () => {
    t = await start()
    const { get, put, remove } = world(t, await serviceHeaders(t))
    expect((await put('/db//pass%20word', { value: 'x' })).json()).toMatchObject({ path: 'db/pass word' })
    for (const path of ['db/pass%20word', '/db/pass%20word', '%2Fdb%2Fpass%20word', '/%64b//pass%20word'])
      expect((await get(`secrets/${path}`)).json(), path).toMatchObject({ path: 'db/pass word', value: 'x' })
    expect((await remove('/db/pass%20word')).json()).toMatchObject({ status: 'deleted', path: 'db/pass word' })
  })

  it('a path that leads elsewhere is refused with what is wrong with it, whatever its spelling', async () => {
    t = await start()
    const headers = await serviceHeaders(t)
    const { hostname, port } = new URL(await t.listen())
    // As the bytes stand: a client that builds addresses would resolve the dots itself.
    const send = (method: string, path: string) =>
      new Promise<{ status: number; body: string }>((resolve, reject) => {
        const sent = request({ hostname, port, method, path: `/v1/secrets/${path}`, headers }, (answer) => {
          let body = ''
          answer.on('data', (chunk) => (body += String(chunk)))
          answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body }))
        })
        sent.on('error', reject)
        sent.end(method === 'PUT' ? '{"value":"x"}' : undefined)
      })
    const leading = ['../other', '..', 'a/../b', '%2e%2e/other', 'a/%2e%2e/b', 'a/%2E%2E', '%2e', '%252e%252e/x']
    const malformed = ['a%5cb', 'a%00b', 'a%0ab', 'a/b%3fc', '%C3%A4', '%20a', 'a%20', 'x'.repeat(513), '']
    for (const path of [...leading, ...malformed])
      for (const method of ['GET', 'PUT', 'DELETE']) {
        const { status, body } = await send(method, path)
        const text = path.includes('%00') ? 'Null bytes' : 'The secret path'
        expect([status, body], `${method} ${path}`).toEqual([422, expect.stringContaining(text)])
      }
    expect(await t.server.database.db.selectFrom('secrets').selectAll().execute()).toEqual([])
  })

  it('bad bodies are refused with what they should be, and write nothing', async () => {
    t = await start()
    const { put } = world(t, await serviceHeaders(t))
    const refused = async (payload: unknown, status: number, text: string) => {
      const answer = await put('k', payload)
      expect([answer.statusCode, answer.body], JSON.stringify(payload).slice(0, 80)).toEqual([
        status,
        expect.stringContaining(text),
      ])
    }
    await refused('{', 400, 'malformed_json')
    await refused({}, 422, 'holds nothing')
    await refused([], 422, 'object')
    await refused({ value: 7 }, 422, 'value')
    await refused({ value: null }, 422, 'value')
    await refused({ data: [] }, 400, "'data' must be a JSON object")
    await refused({ data: 'x' }, 400, "'data' must be a JSON object")
    await refused({ data: {} }, 422, 'holds nothing')
    await refused({ value: 'x', data: { a: 'b' } }, 422, 'not as both')
    await refused({ value: 'x', encoding: 'rot13' }, 422, 'base64')
    await refused({ value: 'not base64!', encoding: 'base64' }, 422, 'not valid base64')
    await refused({ value: 'x', expected_version: -1 }, 422, 'expected_version')
    await refused({ value: 'x'.repeat(262_145) }, 413, '256KB')
    expect(await t.server.database.db.selectFrom('secrets').selectAll().execute()).toEqual([])
  })

  it('versions: the newest is read, earlier ones by number, a destroyed one not at all', async () => {
    t = await start()
    const { get, put, remove } = world(t, await serviceHeaders(t))
    await put('k', { value: 'one' })
    await put('k', { value: 'two' })
    expect((await get('secrets/k?version=1')).json()).toMatchObject({ value: 'one', version: 1 })
    expect((await put('k', { value: 'three', expected_version: 1 })).json()).toMatchObject({
      error: 'version_mismatch',
    })
    expect((await put('k', { value: 'new', expected_version: 0 })).statusCode).toBe(409)
    expect((await put('k', { value: 'three', expected_version: 2 })).json()).toMatchObject({ version: 3 })
    expect((await remove('k?version=2')).json()).toMatchObject({ status: 'destroyed' })
    const destroyed = await get('secrets/k?version=2')
    expect([destroyed.statusCode, destroyed.json()]).toMatchObject([
      404,
      { error: 'Secret not found', path: 'k', message: /version 2 was destroyed/ },
    ])
    expect((await get('secret-versions/k')).json()).toMatchObject({
      path: 'k',
      versions: [
        { version: 3, state: 'live' },
        { version: 2, state: 'destroyed' },
        { version: 1, state: 'live' },
      ],
      count: 3,
    })
    expect((await get('secrets/k?version=99')).statusCode).toBe(404)
    expect((await get('secrets/k?version=last')).json()).toMatchObject({ error: 'invalid_query' })
    expect((await remove('k')).statusCode).toBe(200)
    for (const path of ['secrets/k', 'secrets/k?version=1', 'secret-versions/k'])
      expect((await get(path)).statusCode).toBe(404)
    expect((await remove('k')).json()).toMatchObject({ error: 'Secret not found', path: 'k' })
  })

  it('the list holds names and times, by prefix, and no value', async () => {
    t = await start()
    const { get, put } = world(t, await serviceHeaders(t))
    expect((await get('secrets')).json()).toEqual({ secrets: [], items: [], count: 0 })
    for (const path of ['db/a', 'db/b', 'web']) await put(path, { value: 'hidden-value' })
    const all = await get('secrets')
    expect(all.json().secrets.map(({ name }: { name: string }) => name)).toEqual(['db/a', 'db/b', 'web'])
    expect(all.json().secrets[0]).toEqual({
      name: 'db/a',
      path: 'db/a',
      version: 1,
      created_at: expect.any(String),
      last_modified: expect.any(String),
    })
    expect(all.body).not.toContain('hidden-value')
    expect((await get('secrets?path_prefix=/db/')).json().count).toBe(2)
    expect((await get('secrets?path_prefix=../x')).statusCode).toBe(422)
  })

  it('operators, administrators and tokens with the scope read values; nobody else does', async () => {
    t = await start()
    const { get, put } = world(t, await serviceHeaders(t))
    await put('k', { value: 'hidden-value' })
    const statusOf = async (headers: Headers) => (await get('secrets/k', headers)).statusCode
    expect(await statusOf(await t.admin())).toBe(200)
    expect(await statusOf(await serviceHeaders(t, { role: 'aegis:readonly', scopes: ['secret:read'] }))).toBe(200)
    const readonly = await get('secrets/k', await serviceHeaders(t, { role: 'aegis:readonly' }))
    expect(readonly.json()).toMatchObject({ error: 'insufficient_scope', required: 'secret:read' })
    const member = await get('secrets/k', await t.member())
    expect([member.statusCode, member.json().error]).toEqual([403, 'Operator or Admin role required'])
    expect(await statusOf(await t.agent())).toBe(401)
    expect(await statusOf({})).toBe(401)
  })

  it("another tenant's path is not found, and the attempt stands in the log", async () => {
    t = await start()
    const { get, put, remove } = world(t, await serviceHeaders(t))
    await put('db/password', { value: 'hidden-value' })
    const foreign = await stranger(t)
    for (const answer of [
      await get('secrets/db/password', foreign),
      await get('secrets/db/password?version=1', foreign),
      await get('secret-versions/db/password', foreign),
      await remove('db/password', foreign),
    ]) {
      expect(answer.statusCode).toBe(404)
      expect(answer.body).not.toContain('hidden-value')
    }
    expect((await get('secrets', foreign)).json().count).toBe(0)
    const denied = (await accesses(t)).filter(({ payload }) => payload.includes('secret_access_denied'))
    expect(denied).toHaveLength(4)
    await put('db/password', { value: 'theirs' }, foreign)
    expect((await get('secrets/db/password')).json().value).toBe('hidden-value')
  })

  it('every access is an audit event that names who and what, and holds no value', async () => {
    t = await start()
    const { get, put, remove } = world(t, await t.admin())
    await put('k', { value: 'hidden-value' })
    await get('secrets/k')
    await get('secrets/unknown')
    await get('secrets')
    await remove('k')
    const found = await accesses(t)
    expect(found.map(({ tool, verdict }) => [tool, verdict])).toEqual([
      ['secret.write', 'call_allowed'],
      ['secret.read', 'call_allowed'],
      ['secret.read', 'call_denied'],
      ['secret.list', 'call_allowed'],
      ['secret.delete', 'call_allowed'],
    ])
    expect(new Set(found.map(({ who }) => who))).toEqual(new Set(['admin@example.com']))
    expect(JSON.parse(found[1]?.payload ?? '')).toMatchObject({ tool_args: { path: 'k', version: 1 } })
    expect(JSON.stringify(found)).not.toContain('hidden-value')
    const shown = await t.request({ method: 'GET', url: '/api/v1/events?limit=10', headers: await t.admin() })
    expect(shown.body).toContain('secret.read')
  })

  it('no column of the database and no answer but the read holds a value', async () => {
    t = await start()
    const { put } = world(t, await serviceHeaders(t))
    const answer = await put('k', { value: 'hidden-value' })
    await put('k', { value: 'hidden-value-2' })
    expect(answer.body).not.toContain('hidden')
    const { db } = t.server.database
    for (const { name } of await db.introspection.getTables()) {
      const rows = await db
        .selectFrom(name as 'events')
        .selectAll()
        .execute()
      for (const row of rows)
        for (const cell of Object.values(row) as unknown[])
          expect(cell instanceof Uint8Array ? Buffer.from(cell).toString('latin1') : String(cell), name).not.toContain(
            'hidden-value',
          )
    }
  })
})

describe.skipIf(openBaoBinary === null)('secrets in OpenBao', () => {
  let t: TestServer
  let bao: OpenBaoProcess
  afterEach(async () => {
    await t?.close()
    await bao?.stop()
  })

  it('are kept there, and an OpenBao that is sealed or gone is a 503 that says so, never an older value', async () => {
    bao = await startOpenBao()
    t = await startTestServer({
      environment: { LICTOR_OPENBAO_ADDRESS: bao.address, LICTOR_OPENBAO_TOKEN: ROOT_TOKEN },
    })
    const { get, put } = world(t, await serviceHeaders(t))
    expect((await put('db/pass%20word', { value: 'x' })).json()).toMatchObject({ version: 1 })
    expect((await get('secrets/db/pass%20word')).json()).toMatchObject({ value: 'x' })
    expect((await get('secrets')).json()).toMatchObject({ count: 1, secrets: [{ name: 'db/pass word' }] })
    expect(await t.server.database.db.selectFrom('secret_versions').selectAll().execute()).toEqual([])
    await bao.seal()
    const sealed = await get('secrets/db/pass%20word')
    expect([sealed.statusCode, sealed.json()]).toMatchObject([503, { error: 'secrets_unavailable', message: /sealed/ }])
    expect((await put('k', { value: 'y' })).statusCode).toBe(503)
    await bao.unseal()
    expect((await get('secrets/db/pass%20word')).json()).toMatchObject({ value: 'x' })
  }, 300_000)
})
