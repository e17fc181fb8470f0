import { createHash, randomUUID } from 'node:crypto'
import { request } from 'node:http'
import { afterEach, expect, it } from 'vitest'
import { createInProcessBus } from '../src/adapters/bus/in-process.ts'
import type { Access } from '../src/http/access.ts'
import type { DeclaredRoute } from '../src/http/server.ts'
import type { Bus } from '../src/ports/bus.ts'
import { type AiProvider, aiProvider } from './ai-provider.ts'
import { ADMIN, onEachDatabase, onPostgres, type Start, startTestServer, type TestServer } from './harness.ts'
import { requestToken, world } from './runtime.ts'

type Headers = Record<string, string>
type Credential = 'session' | 'key' | 'token'

/** Somebody of their own, and how what they came with is withdrawn. */
interface Guest {
  readonly headers: Headers
  withdraw(): Promise<void>
  lower(): Promise<void>
}

interface Answer {
  readonly status: number
  /** Resolves when it ended or was broken off. */
  readonly closed: Promise<void>
}

interface OpenCall {
  readonly name: string
  readonly isOver: boolean
  /** The status of the answer, once it is over. */
  readonly over: Promise<number>
}

/** Which credentials open a route; what a route of another access would need, nobody has said yet. */
const credentialsOf: Partial<Record<Access, readonly Credential[]>> = {
  agent: ['key'],
  dashboard: ['session'],
  either: ['key', 'session'],
  bearer: ['token', 'session'],
}

const isStream = ({ method, schema }: DeclaredRoute) =>
  method !== 'HEAD' && (schema as { produces?: string[] }).produces?.includes('text/event-stream') === true
const isLongPoll = ({ schema }: DeclaredRoute) =>
  (schema.querystring as { properties?: object } | undefined)?.properties !== undefined &&
  'wait' in (schema.querystring as { properties: object }).properties

const servers: TestServer[] = []
const leaving: AbortController[] = []
let provider: AiProvider | undefined
afterEach(async () => {
  for (const one of leaving.splice(0)) one.abort()
  for (const server of servers.splice(0).reverse()) await server.close()
  await provider?.close()
})

/** Servers on one database, the first with an execution that goes on and an approval that waits. */
async function begin(start: Start, count: number, bus: Bus) {
  provider = await aiProvider([{ hangAfter: 'I was about' }])
  const overrides = { bus: { ...bus, close: async () => {} } }
  const outside = { LICTOR_OUTBOUND_ALLOW: '127.0.0.0/8', LICTOR_ANTHROPIC_BASE_URL: `${provider.url}/v1` }
  const openWorld = world(async (environment) => {
    const first = await start({ environment: { ...environment, ...outside, LICTOR_SANDBOX: 'process' }, overrides })
    servers.push(first)
    return first
  })
  const w = await openWorld([{ text: 'late', delay_ms: 3_600_000 }])
  const [t] = servers
  if (!t) throw new Error('no server')
  const addresses = [w.address]
  for (let more = 1; more < count; more++) {
    const other = await startTestServer({ environment: t.environment, overrides })
    servers.push(other)
    addresses.push(await other.listen())
  }
  const admin = await t.admin()
  const send = async (method: 'POST' | 'PUT' | 'DELETE', url: string, headers: Headers, payload?: object) => {
    const answer = await t.request({ method, url, headers, ...(payload ? { payload } : {}) })
    if (answer.statusCode >= 300) throw new Error(`${url} answered ${answer.statusCode}: ${answer.body}`)
    return answer
  }
  await send('PUT', '/api/v1/settings/ai', admin, { provider: 'anthropic', api_key: 'sk-test-0123456789-the-end' })
  const asker = await t.agent()
  const question = { agent_id: 'a', tool_name: 'x', message: 'm', timeout: 3_000 }
  const approval = (await send('POST', '/api/v1/approvals', asker, question)).json<{ id: string }>().id
  const execution = await w.start({ input: 'go' })
  const asks = { kind: 'Human', prompt: 'Go on?', transitions: [] }
  const workflow = { name: 'asks', definition: { initial_state: 'ASK', states: { ASK: asks } } }
  await send('POST', '/v1/workflows', admin, workflow)
  const run = (await send('POST', '/v1/workflows/asks/run', admin, {})).json<{ execution_id: string }>().execution_id
  const { db } = t.server.database

  /** How many calls of these servers are held open now. */
  let held = 0
  let wake = () => {}
  for (const { server } of servers) {
    const { openCalls } = server.http
    const { hold } = openCalls
    openCalls.hold = (caller, end) => {
      held++
      wake()
      return hold(caller, end)
    }
  }

  async function guest(credential: Credential): Promise<Guest> {
    switch (credential) {
      case 'session': {
        const email = `${randomUUID()}@example.com`
        const first = await db.selectFrom('users').selectAll().executeTakeFirstOrThrow()
        const id = randomUUID()
        await db
          .insertInto('users')
          .values({ ...first, id, email })
          .execute()
        await db
          .insertInto('members')
          .values({ tenant_id: first.tenant_id, user_id: id, role: 'admin', joined_at: 0, invited_at: null })
          .execute()
        const login = await send('POST', '/api/v1/auth/login', {}, { email, password: ADMIN.password })
        const headers = { cookie: String(login.headers['set-cookie']).split(';')[0] ?? '', 'x-requested-with': 'test' }
        return {
          headers,
          withdraw: async () => void (await send('POST', '/api/v1/auth/logout', headers)),
          lower: async () =>
            void (await db.updateTable('members').set({ role: 'member' }).where('user_id', '=', id).execute()),
        }
      }
      case 'key': {
        const created = (await send('POST', '/api/v1/keys', admin, { env: 'production' })).json()
        const withdraw = async () => void (await send('DELETE', `/api/v1/keys/${created.id}`, admin))
        const headers = { authorization: `Bearer ${created.key}`, 'x-edictum-agent-id': 'agent-1' }
        return { headers, withdraw, lower: withdraw }
      }
      case 'token': {
        const account = (await send('POST', '/api/v1/service-accounts', admin, { name: 'guest' })).json()
        const { client_id, client_secret, id } = account
        const token = await requestToken(t as TestServer, {
          grant_type: 'client_credentials',
          client_id,
          client_secret,
        })
        return {
          headers: { authorization: `Bearer ${token.json().access_token}` },
          withdraw: async () => void (await send('DELETE', `/api/v1/service-accounts/${id}`, admin)),
          lower: async () =>
            void (await db
              .updateTable('service_accounts')
              .set({ role: 'aegis:readonly' })
              .where('id', '=', id)
              .execute()),
        }
      }
    }
  }

  function ask(route: DeclaredRoute, address: string, headers: Headers): Promise<Answer> {
    const url = route.url
      .replace(':approval_id', approval)
      .replace('/workflows/executions/:id', `/workflows/executions/${run}`)
      .replace('/executions/:id', `/executions/${execution}`)
      .replace('/agents/:id', `/agents/${w.agent}`)
    const one = new AbortController()
    leaving.push(one)
    const body = route.method === 'POST' ? JSON.stringify({ messages: [{ role: 'user', content: 'go' }] }) : null
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    const asked = request(`${address}${url}?env=production${isLongPoll(route) ? '&wait=60' : ''}`, {
      method: route.method,
      headers: body ? { ...headers, 'content-type': 'application/json' } : headers,
      agent: false,
      signal: one.signal,
    })
    asked.on('error', reject)
    asked.on('response', (incoming) => {
      const closed = new Promise<void>((resolveClosed) => incoming.on('close', resolveClosed))
      incoming.on('error', () => {})
      incoming.resume()
      resolve({ status: incoming.statusCode ?? 0, closed })
    })
    asked.end(body ?? undefined)
    return promise
  }

  /** Resolves when the call is being answered, but not over. */
  async function open(route: DeclaredRoute, address: string, headers: Headers): Promise<OpenCall> {
    const before = held
    const answer = ask(route, address, headers)
    let early: number | null = null
    const noted = ({ status }: Answer) => {
      if (held !== before) return
      early = status
      wake()
    }
    answer.then(noted, () => {})
    while (held === before && early === null) await new Promise<void>((resolve) => (wake = resolve))
    expect([route.url, early], 'what is not held open').toEqual([route.url, null])
    if (isStream(route)) expect([route.url, (await answer).status]).toEqual([route.url, 200])
    let isOver = false
    const over = answer.then(async (response) => {
      await response.closed
      isOver = true
      return response.status
    })
    over.catch(() => {})
    return {
      name: `${route.method} ${route.url}`,
      get isOver() {
        return isOver
      },
      over,
    }
  }

  const routes = t.server.http.declaredRoutes.filter((route) => isStream(route) || isLongPoll(route))
  const routesFor = (credential: Credential) =>
    routes.filter(({ config }) => config.access && credentialsOf[config.access]?.includes(credential))

  async function openAll(credential: Credential, headers: Headers): Promise<OpenCall[]> {
    const opened: OpenCall[] = []
    for (const route of routesFor(credential))
      for (const address of addresses) opened.push(await open(route, address, headers))
    return opened
  }
  const advance = async (milliseconds: number) => {
    for (const { clock } of servers) await clock.advance(milliseconds)
  }
  return { routes, routesFor, addresses, guest, ask, openAll, advance, db }
}

type Scene = Awaited<ReturnType<typeof begin>>

const everyCredential = ['session', 'key', 'token'] as const

/** Everything that `credential` opens is over after `act`, what others opened is not, and nothing of it opens again. */
async function expectEnd(scene: Scene, credential: Credential, act: (guest: Guest) => Promise<void>, next: number) {
  const other = await scene.openAll(credential, (await scene.guest(credential)).headers)
  const guest = await scene.guest(credential)
  const opened = await scene.openAll(credential, guest.headers)
  expect(opened.some(({ isOver }) => isOver)).toBe(false)
  await act(guest)
  const ended = Promise.all(opened.map(async ({ name, over }) => [name, await over]))
  let isEnded = false
  ended.then(
    () => (isEnded = true),
    () => (isEnded = true),
  )
  // A call that was being let in while access was withdrawn is seen when its server looks again, a second later. Between two
  // looks there is time for what a look asks of the database; the long polls of others would be over after a minute.
  for (let seconds = 0; !isEnded; seconds++) {
    if (seconds < 50) await scene.advance(1_000)
    for (let query = 0; query < 5; query++) await scene.db.selectFrom('users').select('id').execute()
    await new Promise((resolve) => setImmediate(resolve))
  }
  const statuses = await ended
  for (const route of scene.routesFor(credential)) {
    const name = `${route.method} ${route.url}`
    const expected = isStream(route) ? 200 : 401
    expect(statuses).toContainEqual([name, expected])
    if (next === 401) {
      const again = await Promise.all(scene.addresses.map((address) => scene.ask(route, address, guest.headers)))
      expect([name, ...again.map(({ status }) => status)]).toEqual([name, ...again.map(() => 401)])
    }
  }
  expect(other.filter(({ isOver }) => isOver)).toEqual([])
}

onEachDatabase('open streams and long polls', (start) => {
  it('every one of them is known to this test', async () => {
    const { routes, routesFor } = await begin(start, 1, createInProcessBus())
    const tried = new Set(everyCredential.flatMap((credential) => routesFor(credential)))
    expect(routes.filter((route) => !tried.has(route))).toEqual([])
    expect(routes.map(({ method, url }) => `${method} ${url}`)).toEqual(
      expect.arrayContaining([
        'GET /api/v1/stream',
        'GET /api/v1/stream/dashboard',
        'POST /api/v1/contracts/assist',
        'GET /api/v1/approvals/:approval_id',
        'GET /v1/executions/:id/stream',
        'GET /v1/agents/:id/logs',
      ]),
    )
  })

  for (const credential of everyCredential) {
    it(`end when the ${credential} they were opened with is withdrawn, and cannot be opened again`, async () => {
      const scene = await begin(start, 1, createInProcessBus())
      // The clock stands still: the announcement alone ends them.
      await expectEnd(scene, credential, (guest) => guest.withdraw(), 401)
    })

    it(`end within two seconds when the rights of a ${credential} are lowered, whoever did it`, async () => {
      const scene = await begin(start, 1, createInProcessBus())
      const act = async (guest: Guest) => {
        await guest.lower()
        await scene.advance(2_000)
      }
      await expectEnd(scene, credential, act, 200)
    })
  }

  it('end when the session is over', async () => {
    const scene = await begin(start, 1, createInProcessBus())
    const act = async (guest: Guest) => {
      const own = createHash('sha256')
        .update(guest.headers.cookie?.split('=')[1] ?? '')
        .digest('hex')
      await scene.db.updateTable('user_sessions').set({ expires_at: 1 }).where('token_hash', '=', own).execute()
      await scene.advance(2_000)
    }
    await expectEnd(scene, 'session', act, 401)
  })
})

onPostgres('open streams and long polls on two servers', (start) => {
  for (const credential of everyCredential) {
    it(`end on both when a ${credential} is withdrawn on one`, async () => {
      const scene = await begin(start, 2, createInProcessBus())
      await expectEnd(scene, credential, (guest) => guest.withdraw(), 401)
    })

    it(`end on both within two seconds when the message about a ${credential} is lost`, async () => {
      const bus = createInProcessBus()
      const lossy: Bus = {
        ...bus,
        publish: async (topic, message) => (topic === 'access_withdrawn' ? undefined : bus.publish(topic, message)),
      }
      const scene = await begin(start, 2, lossy)
      const act = async (guest: Guest) => {
        await guest.withdraw()
        await scene.advance(2_000)
      }
      await expectEnd(scene, credential, act, 401)
    })
  }
})
