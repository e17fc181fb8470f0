import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type AuthorizationServer,
  CLIENT,
  REDIRECT_URI,
  startAuthorizationServer,
} from '../../../test/authorization-server.ts'
import { onEachDatabase, postgresStart, startTestServer, type TestServer } from '../../../test/harness.ts'
import { call, deployAgent, requestToken, serviceHeaders, startExecution, types, world } from '../../../test/runtime.ts'
import { systemRandom } from '../../adapters/random/system.ts'
import { createNaclSecretBox } from '../../adapters/secret-box/nacl.ts'
import { readConfig } from '../../config.ts'
import { scopeOfRecord } from '../../identity/scope.ts'
import { createSealedSecrets } from '../../storage/sealed-secrets.ts'
import { createOAuth } from '../oauth/oauth.ts'
import { createOAuthProtocol } from '../oauth/protocol.ts'
import { createOAuthStore } from '../oauth/store.ts'
import { createRenewal } from './renewal.ts'
import { createCredentialStore } from './store.ts'

type Headers = Record<string, string>

const VALUE = 'ghp_0123456789abcdefABCDEF'
const shell = { tools: ['run_command'] }
const show = call('run_command', { command: 'echo "token=$TOKEN"; printf %s "$TOKEN" | wc -c' })

const api = (t: TestServer, headers: Headers) => ({
  send: (method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, payload?: object, as = headers) =>
    t.request({ method, url: `/v1/credentials${path}`, headers: as, ...(payload ? { payload } : {}) }),
  store: async (body: object = {}) => {
    const answer = await t.request({
      method: 'POST',
      url: '/v1/credentials/api-keys',
      headers,
      payload: { name: 'github', provider: 'github', api_key: VALUE, ...body },
    })
    if (answer.statusCode !== 201) throw new Error(answer.body)
    return answer.json<{ id: string }>().id
  },
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

async function everythingStored(t: TestServer): Promise<string> {
  const { db } = t.server.database
  const texts: string[] = []
  for (const { name } of await db.introspection.getTables())
    for (const row of await db
      .selectFrom(name as 'events')
      .selectAll()
      .execute())
      for (const cell of Object.values(row) as unknown[])
        texts.push(cell instanceof Uint8Array ? Buffer.from(cell).toString('latin1') : String(cell))
  return texts.join('\n')
}

onEachDatabase('credentials', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  it('an API key is stored in every form that clients send, listed, and never shown again', async () => {
    t = await start()
    const w = api(t, await serviceHeaders(t))
    const forms = [
      ['/api-keys', { name: 'a', provider: 'github', api_key: VALUE }, 'a'],
      ['/api-key', { provider: 'openai', api_key: VALUE, metadata: { label: 'b' } }, 'b'],
      ['/api-keys', { provider: 'anthropic', api_key_value: VALUE, metadata: { team: 'x' } }, 'anthropic'],
      ['/api-keys', { provider: 'other', label: 'd', value: VALUE, credential_type: 'variable' }, 'd'],
    ] as const
    for (const [path, body, label] of forms) {
      const answer = await w.send('POST', path, body)
      expect([answer.statusCode, answer.json()]).toMatchObject([
        201,
        { label, name: label, status: 'active', scope: 'personal' },
      ])
      const { id } = answer.json<{ id: string }>()
      expect((await w.send('GET', `/${id}`)).json()).toMatchObject({ id, credential: { id }, provider: body.provider })
      expect(answer.body).not.toContain(VALUE)
    }
    const listed = await w.send('GET', '')
    expect(listed.json()).toMatchObject({ count: 4, credentials: [{ grants: [] }, {}, {}, {}] })
    expect(listed.body).not.toContain(VALUE)
    expect(await everythingStored(t)).not.toContain(VALUE)
  })

  it('bad input is refused with what is wrong, and keeps nothing', async () => {
    t = await start()
    const w = api(t, await serviceHeaders(t))
    const refused = async (
      method: 'GET' | 'POST' | 'DELETE',
      path: string,
      body: object | undefined,
      status: number,
      text: string,
    ) => {
      const answer = await w.send(method, path, body)
      expect([answer.statusCode, answer.body], path).toEqual([status, expect.stringContaining(text)])
    }
    await refused('POST', '/api-keys', { provider: 'x' }, 422, 'api_key')
    await refused('POST', '/api-keys', { provider: 'x', api_key: '' }, 422, 'api_key')
    await refused('POST', '/api-keys', { api_key: VALUE }, 422, 'provider')
    await refused('POST', '/api-keys', { provider: ' ', api_key: VALUE }, 400, 'Provider name must not be empty')
    await refused(
      'POST',
      '/api-keys',
      { provider: 'x', api_key: VALUE, credential_type: 'y' },
      400,
      'Unknown credential type: y',
    )
    await refused('POST', '/api-keys', { provider: 'x', api_key: VALUE, credential_type: 'oauth2' }, 400, 'initiate')
    await refused('POST', '/api-keys', { provider: 'x', api_key: VALUE, scope: 'all' }, 400, 'Invalid scope: all')
    await refused(
      'POST',
      '/api-keys',
      { provider: 'x', api_key: VALUE, scope: 'team:1' },
      400,
      'Invalid team UUID in scope: 1',
    )
    await refused('POST', '/api-keys', { provider: 'x', api_key: 'x'.repeat(65_537) }, 413, '64KB')
    await refused('GET', '/not-a-uuid', undefined, 400, 'Invalid credential binding ID: not-a-uuid')
    await refused('GET', '/00000000-0000-4000-8000-000000000000', undefined, 404, 'Credential binding not found')
    const id = await w.store()
    await refused('POST', `/${id}/grants`, { agent_id: 'x' }, 400, 'Invalid agent UUID: x')
    await refused('POST', `/${id}/grants`, { agent_id: '00000000-0000-4000-8000-000000000000' }, 404, 'Agent not found')
    await refused('POST', `/${id}/grants`, { target_type: 'agent' }, 400, 'target_value is required for agent grants')
    await refused('POST', `/${id}/grants`, { target_type: 'cat' }, 400, "Invalid target_type: cat. Expected 'agent'")
    await refused('DELETE', `/${id}/grants/x`, undefined, 400, 'Invalid grant ID: x')
    await refused('POST', `/${id}/rotate`, {}, 422, 'new_value required')
    expect((await w.send('GET', '')).json().count).toBe(1)
  })

  it("another tenant's credential is not found by any call", async () => {
    t = await start()
    const w = api(t, await serviceHeaders(t))
    const id = await w.store()
    const grant = (await w.send('POST', `/${id}/grants`, {})).json<{ id: string }>().id
    const foreign = await stranger(t)
    const calls = [
      ['GET', `/${id}`],
      ['DELETE', `/${id}`],
      ['POST', `/${id}/rotate`, { new_value: 'theirs' }],
      ['GET', `/${id}/grants`],
      ['POST', `/${id}/grants`, {}],
      ['DELETE', `/${id}/grants/${grant}`],
    ] as const
    for (const [method, path, body] of calls)
      expect((await w.send(method, path, body, foreign)).statusCode, `${method} ${path}`).toBe(404)
    expect((await w.send('GET', '', undefined, foreign)).json().count).toBe(0)
    // A member sees what is their own, not what others keep.
    expect((await w.send('GET', '', undefined, await t.member())).json().count).toBe(0)
    expect((await w.send('GET', `/${id}`)).json()).toMatchObject({ status: 'active', grants: [{ id: grant }] })
  })
})

onEachDatabase('credentials in the hands of agents', (start) => {
  let t: TestServer
  afterEach(() => t.close())
  const open = world(async (environment) => {
    t = await start({ environment: { ...environment, LICTOR_SANDBOX: 'process' } })
    return t
  })

  it('without a grant the agent does not start; with one it has the value, which is masked; without it again not', async () => {
    const w = await open([show, { text: 'done' }], { ...shell, env: { TOKEN: 'credential:github' } })
    const owner = api(t, await t.admin())
    const id = await owner.store()
    const before = await w.run()
    expect(before.answer.status).toBe('failed')
    expect(before.answer.error).toContain(
      `spec.env.TOKEN: the credential 'github' (${id}) is not granted to the agent 'worker'`,
    )
    expect(types(before.events)).not.toContain('instance_spawned')
    const granted = await owner.send('POST', `/${id}/grants`, { agent_id: w.agent, permission_type: 'use' })
    expect([granted.statusCode, granted.json()]).toMatchObject([
      201,
      { credential_id: id, agent_id: w.agent, target_type: 'agent', permission_type: 'use' },
    ])
    const during = await w.run()
    expect(during.answer.status).toBe('completed')
    expect(w.told(during.events).join()).toContain(`token=***\\n${VALUE.length}`)
    expect(during.events.find(({ type }) => type === 'credential_accessed')).toMatchObject({
      binding_id: id,
      agent_id: w.agent,
      version: 1,
    })
    expect(await everythingStored(t)).not.toContain(VALUE)
    expect((await owner.send('GET', `/${id}`)).json().last_used).toBeTruthy()
    const { grant_id } = granted.json<{ grant_id: string }>()
    expect((await owner.send('DELETE', `/${id}/grants/${grant_id}`)).json()).toMatchObject({ status: 'revoked' })
    expect((await w.run()).answer.status).toBe('failed')
    const audited = await t.server.database.db
      .selectFrom('events')
      .select('verdict')
      .where('tool_name', '=', 'credential.use')
      .orderBy('seq')
      .execute()
    expect(audited.map(({ verdict }) => verdict)).toEqual(['call_denied', 'call_allowed', 'call_denied'])
  })

  it('its owner needs no grant for a run of their own; all agents may be granted at once', async () => {
    const w = await open([show, { text: 'done' }], { ...shell, env: { TOKEN: 'credential:github' } })
    const own = api(t, w.headers)
    const id = await own.store()
    expect((await w.run()).answer.status).toBe('completed')
    const other = await serviceHeaders(t)
    const started = await startExecution(t, other, w.agent)
    await w.events(started)
    expect((await w.get(started)).status).toBe('failed')
    await own.send('POST', `/${id}/grants`, {})
    const again = await startExecution(t, other, w.agent)
    await w.events(again)
    expect((await w.get(again)).status).toBe('completed')
  })

  it('a rotated value is in the next instance; a revoked credential is in none', async () => {
    const w = await open([show, { text: 'done' }], { ...shell, env: { TOKEN: 'credential:github' } })
    const own = api(t, w.headers)
    const id = await own.store()
    const rotated = await own.send('POST', `/${id}/rotate`, { new_value: 'a-new-key-of-twenty-x' })
    expect(rotated.json()).toMatchObject({ id, status: 'active', rotated: true })
    const run = await w.run()
    expect(w.told(run.events).join()).toContain('token=***\\n21')
    expect(run.events.find(({ type }) => type === 'instance_spawned')?.references).toMatchObject([{ version: 2 }])
    expect((await own.send('DELETE', `/${id}`)).json()).toEqual({ status: 'revoked', id, success: true })
    expect((await w.run()).answer.error).toContain("there is no credential 'github'")
    expect((await own.send('GET', `/${id}`)).json()).toMatchObject({ status: 'revoked', grants: [] })
    expect((await own.send('POST', `/${id}/rotate`, { new_value: 'x' })).statusCode).toBe(409)
    expect((await own.send('GET', '')).json().count).toBe(0)
    expect(await t.server.database.db.selectFrom('secret_versions').selectAll().execute()).toEqual([])
  })

  it('two of one name must be told apart by id', async () => {
    const w = await open([show, { text: 'done' }], { ...shell, env: { TOKEN: 'credential:github' } })
    const own = api(t, w.headers)
    await own.store()
    const id = await own.store({ api_key: 'another-value' })
    expect((await w.run()).answer.error).toContain("2 credentials are called 'github'; refer to one by its id")
    const agent = await deployAgent(t, w.headers, { ...shell, env: { TOKEN: `credential:${id}` } }, { name: 'other' })
    const started = await startExecution(t, w.headers, agent)
    await w.events(started)
    expect((await w.get(started)).status).toBe('completed')
  })
})

/** A server, or several on one database, with an OAuth credential whose access token lasts an hour. */
describe('an OAuth credential that expires', () => {
  let server: AuthorizationServer
  const nodes: TestServer[] = []
  beforeEach(async () => {
    server = await startAuthorizationServer()
  })
  afterEach(async () => {
    for (const node of nodes.splice(0).reverse()) await node.close()
    await server.close()
  })
  const environment = { LICTOR_OUTBOUND_ALLOW: '127.0.0.0/8', LICTOR_SANDBOX: 'process', LICTOR_MAX_EXECUTIONS: '64' }

  async function signedIn(first: TestServer, headers: Headers): Promise<string> {
    const w = api(first, headers)
    await w.send('PUT', '/providers/local', {
      issuer: server.issuer,
      client_id: CLIENT.id,
      client_secret: CLIENT.secret,
      scopes: ['openid', 'offline_access'],
      redirect_uris: [REDIRECT_URI],
      parameters: { prompt: 'consent' },
    })
    const { auth_url } = (await w.send('POST', '/oauth/initiate', { provider: 'local', name: 'files' })).json<{
      auth_url: string
    }>()
    const answer = await w.send('GET', `/oauth/callback?${await server.signIn(auth_url)}`)
    if (answer.statusCode !== 200) throw new Error(answer.body)
    return answer.json<{ credential_id: string }>().credential_id
  }

  async function ended(
    node: TestServer,
    headers: Headers,
    id: string,
  ): Promise<{ status: string; error: string | null }> {
    for (;;) {
      const found = (await node.request({ method: 'GET', url: `/v1/executions/${id}`, headers })).json<{
        status: string
        error: string | null
      }>()
      if (!['pending', 'running'].includes(found.status)) return found
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  async function fleet(count: number): Promise<Headers> {
    const { scriptEnvironment } = await import('../../../test/runtime.ts')
    const script = scriptEnvironment([{ text: 'done' }])
    const startFirst = count === 1 ? startTestServer : (postgresStart() ?? startTestServer)
    const first = await startFirst({ environment: { ...environment, ...script } })
    nodes.push(first)
    for (let number = 1; number < count; number++) {
      const { LICTOR_DATA_DIR: _, ...shared } = first.environment
      const { mkdtempSync } = await import('node:fs')
      const { tmpdir } = await import('node:os')
      const { join } = await import('node:path')
      // The nodes share database and master key, not their folders.
      const { readFileSync } = await import('node:fs')
      const key = readFileSync(join(first.environment.LICTOR_DATA_DIR ?? '', 'master.key'), 'utf8').trim()
      const folder = mkdtempSync(join(tmpdir(), 'lictor-node-'))
      nodes.push(await startTestServer({ environment: { ...shared, LICTOR_DATA_DIR: folder, LICTOR_MASTER_KEY: key } }))
    }
    for (const node of nodes) await node.listen()
    return first.admin()
  }

  /** What a run is handed, by the node that it runs on. */
  async function handedOver(node: TestServer, headers: Headers, id: string) {
    const { database } = node.server
    const { clock } = node
    const { masterKey } = readConfig(node.environment)
    const secretBox = createNaclSecretBox(masterKey)
    const secretStore = createSealedSecrets({ database, secretBox, clock })
    const store = createCredentialStore(database)
    const oauth = createOAuth({
      store: createOAuthStore(database, secretBox),
      protocol: createOAuthProtocol({ fetch, clock }),
      credentials: () => {
        throw new Error('nobody signs in here')
      },
      clock,
      random: systemRandom,
    })
    const renewal = createRenewal({ database, secretStore, store, provider: oauth.tokens, clock })
    const { tenant_id: tenantId } = (await api(node, headers).send('GET', `/${id}`)).json<{ tenant_id: string }>()
    const credential = await store.find(scopeOfRecord({ tenantId }), id)
    if (!credential) throw new Error('there is no such credential')
    return () => renewal.current(credential)
  }

  for (const count of [1, 3])
    it.skipIf(count > 1 && postgresStart() === null)(
      `is renewed once for twenty runs on ${count} node${count > 1 ? 's' : ''}, though each refresh token is good for one use`,
      async () => {
        const headers = await fleet(count)
        const id = await signedIn(nodes[0] as TestServer, headers)
        const asking = await Promise.all(nodes.map((node) => handedOver(node, headers, id)))
        for (let renewals = 1; renewals <= 3; renewals++) {
          for (const node of nodes) await node.clock.advance(3_600_000)
          const before = server.asked['/token'] ?? 0
          const results = await Promise.all(
            Array.from({ length: 20 }, (_, run) => (asking[run % asking.length] ?? asking[0])?.()),
          )
          // All of them the same token, which the provider takes.
          expect(new Set(results.map((one) => one?.tokens.accessToken)).size).toBe(1)
          expect(await server.takes(results[0]?.tokens.accessToken ?? '')).toBe(true)
          expect((server.asked['/token'] ?? 0) - before).toBe(1)
        }
      },
      120_000,
    )

  it('survives an answer of the provider that never arrives, and a provider that is away for a while', async () => {
    const headers = await fleet(1)
    const first = nodes[0] as TestServer
    const id = await signedIn(first, headers)
    const agent = await deployAgent(first, headers, { env: { TOKEN: 'credential:files' } })
    await first.clock.advance(3_600_000)
    server.intercept('/token', (request) => {
      request.socket.destroy()
      return true
    })
    expect((await ended(first, headers, await startExecution(first, headers, agent))).status).toBe('completed')
    await first.clock.advance(3_600_000)
    const away = (times: number): void =>
      server.intercept('/token', (_request, response) => {
        response.writeHead(503).end('{}')
        if (times > 1) away(times - 1)
        return true
      })
    away(3)
    const failed = await ended(first, headers, await startExecution(first, headers, agent))
    expect(failed.error).toContain("The provider 'local' of the credential 'files' did not answer")
    expect((await api(first, headers).send('GET', `/${id}`)).json()).toMatchObject({ status: 'active' })
    expect((await ended(first, headers, await startExecution(first, headers, agent))).status).toBe('completed')
  })

  it('that the provider takes no more is expired, says so, and is signed in again with its grants', async () => {
    const headers = await fleet(1)
    const first = nodes[0] as TestServer
    const w = api(first, headers)
    const id = await signedIn(first, headers)
    await w.send('POST', `/${id}/grants`, {})
    const agent = await deployAgent(first, headers, { env: { TOKEN: 'credential:files' } })
    await first.clock.advance(3_600_000)
    server.intercept('/token', (_request, response) => {
      response.writeHead(400, { 'content-type': 'application/json' }).end('{"error":"invalid_grant"}')
      return true
    })
    const failed = await ended(first, headers, await startExecution(first, headers, agent))
    expect(failed.error).toContain('Sign in again')
    expect((await w.send('GET', `/${id}`)).json()).toMatchObject({ status: 'expired' })
    expect((await ended(first, headers, await startExecution(first, headers, agent))).error).toContain('is expired')
    const { auth_url } = (await w.send('POST', '/oauth/initiate', { provider: 'local', credential_id: id })).json<{
      auth_url: string
    }>()
    expect((await w.send('GET', `/oauth/callback?${await server.signIn(auth_url)}`)).json()).toMatchObject({
      credential_id: id,
    })
    expect((await w.send('GET', `/${id}`)).json()).toMatchObject({
      status: 'active',
      grants: [{ target_type: 'all_agents' }],
    })
    expect((await ended(first, headers, await startExecution(first, headers, agent))).status).toBe('completed')
  })

  it('is rotated by its provider: without a value, a new token', async () => {
    const headers = await fleet(1)
    const first = nodes[0] as TestServer
    const w = api(first, headers)
    const id = await signedIn(first, headers)
    const before = server.asked['/token'] ?? 0
    const rotated = await w.send('POST', `/${id}/rotate`)
    expect([rotated.statusCode, rotated.json()]).toMatchObject([200, { rotated: true, status: 'active' }])
    expect((server.asked['/token'] ?? 0) - before).toBe(1)
    expect((await w.send('POST', `/${id}/rotate`, { new_value: 'x' })).json()).toMatchObject({
      error: 'value_not_taken',
    })
  })
})
