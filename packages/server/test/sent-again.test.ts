import { afterEach, expect, it } from 'vitest'
import { bundleYaml } from './documents.ts'
import { ADMIN, onEachDatabase, onPostgres, startTestServer, type TestServer } from './harness.ts'
import { denying, libraryOf } from './library.ts'
import { deployAgent, scriptEnvironment } from './runtime.ts'

type Headers = Record<string, string>
type Table = 'bundles' | 'deployments' | 'executions'

interface Sent {
  readonly url: string
  readonly body: object
  /** Another request of the same kind, as valid. */
  readonly other: object
}

/** One kind of request that makes something, prepared for one caller. */
interface Kind {
  readonly makes: Table
  readonly created: number
  prepare(t: TestServer, headers: Headers): Promise<Sent>
}

const upload = async (t: TestServer, headers: Headers, name: string) => {
  const payload = { yaml_content: bundleYaml(name) }
  const answer = await t.request({ method: 'POST', url: '/api/v1/bundles', headers, payload })
  expect(answer.statusCode).toBe(201)
}

const kinds: Readonly<Record<string, Kind>> = {
  'an upload of a bundle': {
    makes: 'bundles',
    created: 201,
    prepare: async () => ({
      url: '/api/v1/bundles',
      body: { yaml_content: bundleYaml('devops') },
      other: { yaml_content: bundleYaml('devops', { contracts: 2 }) },
    }),
  },
  'a deployment of a bundle': {
    makes: 'deployments',
    created: 201,
    prepare: async (t, headers) => {
      await upload(t, headers, 'devops')
      return { url: '/api/v1/bundles/devops/1/deploy', body: { env: 'staging' }, other: { env: 'production' } }
    },
  },
  'a deployment of a composition': {
    makes: 'deployments',
    created: 201,
    prepare: async (t, headers) => {
      const library = libraryOf(t, headers)
      await library.contract('no-env', denying('.env'))
      expect((await library.compose('composed', ['no-env'])).statusCode).toBe(201)
      return { url: '/api/v1/compositions/composed/deploy', body: { env: 'staging' }, other: { env: 'production' } }
    },
  },
  'an execution': {
    makes: 'executions',
    created: 200,
    prepare: async (t, headers) => {
      const agent_id = await deployAgent(t, headers)
      return { url: '/v1/executions', body: { agent_id, input: 'go' }, other: { agent_id, input: 'stop' } }
    },
  },
  'an execution of an agent by its address': {
    makes: 'executions',
    created: 200,
    prepare: async (t, headers) => {
      const id = await deployAgent(t, headers)
      return { url: `/v1/agents/${id}/execute`, body: { input: 'go' }, other: { input: 'stop' } }
    },
  },
}

onEachDatabase('a request sent again with its Idempotency-Key', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  const begin = async () => {
    t = await start({ environment: scriptEnvironment([{ text: 'Done.' }]) })
  }
  const send = ({ url }: Sent, payload: object, headers: Headers, key = 'once-1') =>
    t.request({ method: 'POST', url, headers: { ...headers, 'idempotency-key': key }, payload })
  const count = async (table: Table) => {
    const counted = t.server.database.db.selectFrom(table).select((e) => e.fn.countAll().as('count'))
    return Number((await counted.executeTakeFirstOrThrow()).count)
  }
  const signedIn = async () => {
    const answer = await t.request({ method: 'POST', url: '/api/v1/auth/login', payload: ADMIN })
    return { cookie: String(answer.headers['set-cookie']).split(';')[0] ?? '', 'x-requested-with': 'test' }
  }

  for (const [name, { makes, created, prepare }] of Object.entries(kinds)) {
    it(`${name} is made once and answered alike, also after a restart and from another session`, async () => {
      await begin()
      const admin = await t.admin()
      const sent = await prepare(t, admin)
      const before = await count(makes)
      const first = await send(sent, sent.body, admin)
      expect(first.statusCode).toBe(created)
      const again = await send(sent, sent.body, admin)
      expect([again.statusCode, again.json()]).toEqual([created, first.json()])
      await t.restart()
      const later = await send(sent, sent.body, await signedIn())
      expect([later.statusCode, later.json()]).toEqual([created, first.json()])
      expect(await count(makes)).toBe(before + 1)
    })

    it(`${name}, many at once, is made once and told once`, async () => {
      await begin()
      const admin = await t.admin()
      const sent = await prepare(t, admin)
      const before = await count(makes)
      const told = async () => {
        const records = t.server.database.db.selectFrom('stream_log').select('id')
        const entries = t.server.database.db.selectFrom('journal_entries').where('type', '=', 'execution_started')
        return (await records.execute()).length + (await entries.select('id').execute()).length
      }
      const first = await send(sent, sent.body, admin, 'alone')
      const heard = await told()
      await send(sent, sent.body, admin, 'alone-too')
      const each = (await told()) - heard
      const answers = await Promise.all(Array.from({ length: 8 }, () => send(sent, sent.body, admin)))
      for (const answer of answers)
        expect([answer.statusCode, answer.json()]).toEqual([first.statusCode, answers[0]?.json()])
      expect(await count(makes)).toBe(before + 3)
      expect(await told()).toBe(heard + 2 * each)
    })

    it(`${name} with another body under the same key is refused and makes nothing`, async () => {
      await begin()
      const admin = await t.admin()
      const sent = await prepare(t, admin)
      await send(sent, sent.body, admin)
      const before = await count(makes)
      const refused = await send(sent, sent.other, admin)
      expect(refused.statusCode).toBe(422)
      expect(refused.body).toContain('This key was used for another request. Send a new key with each request.')
      expect((await send(sent, sent.other, admin, 'once-2')).statusCode).toBe(created)
      expect(await count(makes)).toBe(before + 1)
    })

    it(`${name}: the key of another person and of another tenant is another key`, async () => {
      await begin()
      const admin = await t.admin()
      const other = await t.otherTenant()
      const sent = await prepare(t, admin)
      const theirs = await prepare(t, other)
      const before = await count(makes)
      const ids = []
      for (const [request, headers] of [
        [sent, admin],
        [sent, await t.member()],
        [theirs, other],
      ] as const) {
        const answer = await send(request, request.body, headers)
        expect(answer.statusCode).toBe(created)
        const { id, deployment_id } = answer.json<{ id?: string; deployment_id?: string }>()
        ids.push(id ?? deployment_id)
      }
      expect(new Set(ids).size).toBe(3)
      expect(await count(makes)).toBe(before + 3)
    })

    it(`${name}: after 24 hours the key is free again`, async () => {
      await begin()
      const admin = await t.admin()
      const sent = await prepare(t, admin)
      const before = await count(makes)
      await send(sent, sent.body, admin)
      t.clock.set(t.clock.now() + 24 * 3_600_000 - 1)
      await send(sent, sent.body, await signedIn())
      expect(await count(makes)).toBe(before + 1)
      t.clock.set(t.clock.now() + 2)
      expect((await send(sent, sent.body, await signedIn())).statusCode).toBe(created)
      expect(await count(makes)).toBe(before + 2)
    })

    it(`${name} with a key that is none is refused in words`, async () => {
      await begin()
      const admin = await t.admin()
      const sent = await prepare(t, admin)
      const before = await count(makes)
      for (const key of ['', 'a b', 'k'.repeat(256), 'schlüssel']) {
        const refused = await send(sent, sent.body, admin, key)
        expect([key, refused.statusCode]).toEqual([key, 422])
        const { detail, problems } = refused.json()
        expect(detail ?? problems).toEqual([
          { loc: ['header', 'Idempotency-Key'], msg: 'Input should be 1 to 255 printable ASCII characters' },
        ])
      }
      expect(await count(makes)).toBe(before)
    })
  }

  it('a refused request takes no key: corrected, it is made', async () => {
    await begin()
    const admin = await t.admin()
    const sent = { url: '/api/v1/bundles/devops/1/deploy', body: { env: 'staging' }, other: {} }
    expect((await send(sent, sent.body, admin)).statusCode).toBe(422)
    await upload(t, admin, 'devops')
    expect((await send(sent, sent.body, admin)).statusCode).toBe(201)
  })

  it('a key names one route and one address: another version is another request', async () => {
    await begin()
    const admin = await t.admin()
    await upload(t, admin, 'devops')
    await upload(t, admin, 'devops')
    const deploy = (version: number) =>
      send({ url: `/api/v1/bundles/devops/${version}/deploy`, body: {}, other: {} }, { env: 'staging' }, admin)
    expect((await deploy(1)).statusCode).toBe(201)
    expect((await deploy(2)).statusCode).toBe(422)
    const elsewhere = { url: '/api/v1/bundles', body: {}, other: {} }
    expect((await send(elsewhere, { yaml_content: bundleYaml('other') }, admin)).statusCode).toBe(201)
  })

  it('an execution that was deleted since, of an agent that was, is answered as it was', async () => {
    await begin()
    const admin = await t.admin()
    const agent_id = await deployAgent(t, admin)
    const sent = { url: '/v1/executions', body: { agent_id, input: 'go' }, other: {} }
    const first = await send(sent, sent.body, admin)
    const { id } = first.json<{ id: string }>()
    await t.request({ method: 'POST', url: `/v1/executions/${id}/cancel`, headers: admin, payload: {} })
    await t.request({ method: 'DELETE', url: `/v1/executions/${id}`, headers: admin })
    await t.request({ method: 'DELETE', url: `/v1/agents/${agent_id}`, headers: admin })
    const again = await send(sent, sent.body, admin)
    expect([again.statusCode, again.json()]).toEqual([200, first.json()])
    expect(await count('executions')).toBe(0)
  })

  it('observed versions are promoted once', async () => {
    await begin()
    const admin = await t.admin()
    const library = libraryOf(t, admin)
    await library.contract('no-env', denying('.env'))
    await library.compose('composed', ['no-env'], { update_strategy: 'observe_first' })
    await library.deploy('composed')
    await library.call('PUT', '/contracts/no-env', { definition: denying('.secret') })
    const sent = { url: '/api/v1/compositions/composed/promote', body: {}, other: {} }
    const first = await send(sent, sent.body, admin)
    expect(first.statusCode).toBe(200)
    expect((await send(sent, sent.body, admin)).json()).toEqual(first.json())
    expect((await send(sent, sent.body, admin, 'another')).statusCode).toBe(409)
  })
})

onPostgres('a request sent to three servers at once with its Idempotency-Key', (start) => {
  const servers: TestServer[] = []
  afterEach(async () => {
    // The first is closed last: it takes the database with it.
    for (const server of servers.splice(0).reverse()) await server.close()
  })

  for (const [name, { makes, created, prepare }] of Object.entries(kinds))
    it(`${name} is made once, with one answer for twenty`, async () => {
      const scripted = { ...scriptEnvironment([{ text: 'Done.' }]), LICTOR_MASTER_KEY: '7'.repeat(64) }
      const first = await start({ environment: scripted })
      servers.push(first)
      const admin = await first.admin()
      const { url, body } = await prepare(first, admin)
      const { DATABASE_URL = '' } = first.environment
      for (let more = 0; more < 2; more++)
        servers.push(await startTestServer({ environment: { ...scripted, DATABASE_URL } }))
      const counted = first.server.database.db.selectFrom(makes).select((e) => e.fn.countAll().as('count'))
      const before = Number((await counted.executeTakeFirstOrThrow()).count)
      const headers = { ...admin, 'idempotency-key': 'once-1' }
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          (servers[index % servers.length] ?? first).request({ method: 'POST', url, headers, payload: body }),
        ),
      )
      for (const answer of answers) expect([answer.statusCode, answer.json()]).toEqual([created, answers[0]?.json()])
      expect(Number((await counted.executeTakeFirstOrThrow()).count)).toBe(before + 1)
    })
})
