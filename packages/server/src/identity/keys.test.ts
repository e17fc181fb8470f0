import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../test/harness.ts'

type Headers = Record<string, string>

/** API keys: made, listed, revoked, and what each may reach. */
onEachDatabase('API keys', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  const create = async (payload: object, headers?: Headers) =>
    t.request({ method: 'POST', url: '/api/v1/keys', headers: headers ?? (await t.admin()), payload })
  const list = async (headers?: Headers) =>
    (await t.request({ method: 'GET', url: '/api/v1/keys', headers: headers ?? (await t.admin()) })).json()
  const events = async (headers: Headers) => {
    const answer = await t.request({ method: 'GET', url: '/api/v1/sessions/none', headers })
    return [answer.statusCode, answer.json().detail]
  }

  it('a key is told once, belongs to one of three environments and begins with it', async () => {
    t = await start()
    for (const env of ['production', 'staging', 'development']) {
      const answer = await create({ env, label: 'ci' })
      expect([answer.statusCode, answer.json()]).toEqual([
        201,
        {
          id: expect.any(String),
          key: expect.stringMatching(new RegExp(`^edk_${env}_[A-Za-z0-9_-]{43}$`)),
          prefix: answer.json().key.slice(0, `edk_${env}_`.length + 8),
          env,
          label: 'ci',
          created_at: '2026-03-01T12:00:00Z',
          client: 'contracts',
          signature: null,
        },
      ])
      expect(JSON.stringify(await list())).not.toContain(answer.json().key)
    }
    expect((await create({ env: 'staging' })).json().label).toBeNull()
  })

  it('environments that are none, and labels with markup or of 256 characters, are refused', async () => {
    t = await start()
    for (const env of ['custom', '', 'PRODUCTION', null, 5, undefined]) {
      const answer = await create({ env })
      expect([env, answer.statusCode, answer.json().detail[0].loc]).toEqual([env, 422, ['body', 'env']])
    }
    const html = 'Value error, HTML tags are not allowed in this field'
    const unsafe = 'Value error, Potentially unsafe content detected in this field'
    for (const [label, msg] of [
      ['<script>alert(1)</script>', html],
      ['a <div> b', html],
      ['<img src=x onerror=alert(1)>', html],
      ['<iframe src=x></iframe>', html],
      ['<script', unsafe],
      ['<ScRiPt src', unsafe],
      ['javascript:alert(1)', unsafe],
      ['x onclick=y', unsafe],
      ['x ONERROR = y', unsafe],
      ['<iframe', unsafe],
      ['<object', unsafe],
      ['<embed', unsafe],
      ['<svg', unsafe],
      ['width: expression (1)', unsafe],
    ]) {
      const answer = await create({ env: 'staging', label })
      expect([label, answer.statusCode, answer.json()]).toEqual([
        label,
        422,
        { detail: [{ loc: ['body', 'label'], msg }] },
      ])
    }
    expect((await create({ env: 'staging', label: 'x'.repeat(256) })).statusCode).toBe(422)
    for (const label of ['x'.repeat(255), 'My key (1 < 2)', 'Schlüssel 🔑', '', null, '3 > 2', 'on time = now'])
      expect([label, (await create({ env: 'staging', label })).statusCode]).toEqual([label, 201])
  })

  it('the list holds the keys in force of the own tenant, oldest first', async () => {
    t = await start()
    const other = await t.otherTenant()
    await create({ env: 'staging', label: 'theirs' }, other)
    for (const label of ['a', 'b', 'c']) {
      await create({ env: 'production', label })
      t.clock.set(t.clock.now() + 1)
    }
    const keys = await list()
    expect(keys.map(({ label }: { label: string }) => label)).toEqual(['a', 'b', 'c'])
    expect(Object.keys(keys[0]).sort()).toEqual(['client', 'created_at', 'env', 'id', 'label', 'prefix', 'signature'])
    expect(await list(other)).toHaveLength(1)
    const revoked = await t.request({ method: 'DELETE', url: `/api/v1/keys/${keys[1].id}`, headers: await t.admin() })
    expect([revoked.statusCode, revoked.body]).toEqual([204, ''])
    expect((await list()).map(({ label }: { label: string }) => label)).toEqual(['a', 'c'])
  })

  it('creating and revoking need an administrator; dashboards hear of both', async () => {
    t = await start()
    const { id } = (await create({ env: 'staging', label: 'ci' })).json()
    await t.request({ method: 'DELETE', url: `/api/v1/keys/${id}`, headers: await t.admin() })
    const told = await t.server.database.db.selectFrom('stream_log').selectAll().orderBy('id').execute()
    expect(told.map((row) => [JSON.parse(row.data), row.dashboard, row.env, row.agent_id])).toEqual([
      [{ type: 'api_key_created', key_id: id, env: 'staging', label: 'ci' }, 1, null, null],
      [{ type: 'api_key_revoked', key_id: id }, 1, null, null],
    ])
    await t.server.database.db.updateTable('members').set({ role: 'member' }).execute()
    const refused = { detail: 'Admin access required.' }
    expect((await create({ env: 'staging' })).json()).toEqual(refused)
    const revoke = await t.request({ method: 'DELETE', url: `/api/v1/keys/${id}`, headers: await t.admin() })
    expect([revoke.statusCode, revoke.json()]).toEqual([403, refused])
    expect(await list()).toEqual([])
  })

  it('an agent without a key, with another scheme, or with a key that is none is told so', async () => {
    t = await start()
    const { key } = (await create({ env: 'production' })).json()
    expect(await events({})).toEqual([401, 'Authorization header is required.'])
    for (const authorization of ['Basic YTpi', key, `bearer ${key}`, 'Bearer'])
      expect(await events({ authorization })).toEqual([401, 'Authorization header must use Bearer scheme.'])
    for (const token of [
      '',
      ' ',
      'edk_',
      'edk_production_',
      'edk_production_short',
      key.slice(0, -1),
      `${key}x`,
      key.replace('production', 'staging'),
      key.replace('edk_', 'xyz_'),
      key.toUpperCase(),
      `edk_production_${'A'.repeat(43)}`,
      `${key.slice(0, -3)}%00`,
      'x'.repeat(10_000),
    ])
      expect([token, ...(await events({ authorization: `Bearer ${token}` }))]).toEqual([
        token,
        401,
        'Invalid or revoked API key.',
      ])
    expect(await events({ authorization: `Bearer ${key}` })).toEqual([404, 'Key not found'])
  })

  it('keys that share a visible beginning are told apart', async () => {
    t = await start()
    const [one, two] = [(await create({ env: 'production' })).json(), (await create({ env: 'production' })).json()]
    await t.server.database.db.updateTable('api_keys').set({ prefix: two.prefix }).where('id', '=', one.id).execute()
    expect((await events({ authorization: `Bearer ${two.key}` }))[0]).toBe(404)
    expect((await events({ authorization: `Bearer ${one.key}` }))[0]).toBe(401)
  })

  it('tenant and environment come from the stored key, not from what the key says', async () => {
    t = await start()
    const { id, key, prefix } = (await create({ env: 'production' })).json()
    await t.server.database.db.updateTable('api_keys').set({ env: 'staging' }).where('id', '=', id).execute()
    const approval = await t.request({
      method: 'POST',
      url: '/api/v1/approvals',
      headers: { authorization: `Bearer ${key}` },
      payload: { agent_id: 'a', tool_name: 't', message: 'm' },
    })
    expect(approval.json()).toMatchObject({ env: 'staging', agent_id: `key:${prefix}` })
  })

  it('where either may call: a key speaks first and finally, then the cookie, then whatever else was sent', async () => {
    t = await start()
    const { cookie = '' } = await t.admin()
    const { key } = (await create({ env: 'production' })).json()
    const bundles = async (headers: Headers) => {
      const answer = await t.request({ method: 'GET', url: '/api/v1/bundles', headers })
      return [answer.statusCode, answer.json().detail]
    }
    expect(await bundles({ authorization: `Bearer ${key}` })).toEqual([200, undefined])
    expect(await bundles({ cookie })).toEqual([200, undefined])
    expect(await bundles({ cookie, authorization: 'Bearer edk_production_wrong' })).toEqual([
      401,
      'Invalid or revoked API key.',
    ])
    expect(await bundles({ cookie, authorization: 'Basic YTpi' })).toEqual([200, undefined])
    expect(await bundles({ authorization: 'Basic YTpi' })).toEqual([
      401,
      'Authorization header must use Bearer scheme.',
    ])
    expect(await bundles({ authorization: 'Bearer other' })).toEqual([401, 'Invalid or revoked API key.'])
    expect(await bundles({})).toEqual([401, 'Authentication required.'])
    expect(await bundles({ cookie: 'edictum_session=wrong' })).toEqual([401, 'Authentication required.'])
  })
})
