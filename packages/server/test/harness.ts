import { createPrivateKey, createPublicKey, randomUUID } from 'node:crypto'
import { copyFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { InjectOptions, Response } from 'light-my-request'
import pg from 'pg'
import pino from 'pino'
import { describe, inject } from 'vitest'
import { systemRandom } from '../src/adapters/random/system.ts'
import { createServer, type Overrides, type Server } from '../src/app.ts'
import { readConfig } from '../src/config.ts'
import type { Role } from '../src/identity/roles.ts'
import type { Random } from '../src/ports/random.ts'
import { POSTGRES_TEMPLATE } from './databases.global.ts'
import { type ManualClock, manualClock } from './manual-clock.ts'
import { scratchFolder } from './scratch.ts'

export const ADMIN = { email: 'admin@example.com', password: 'correct horse battery' } as const

/** A server of a test's own, on a database of its own, with a clock the test moves. */
export interface TestServer {
  readonly server: Server
  readonly clock: ManualClock
  /** Environment it was configured with; start another on the same data with it. */
  readonly environment: Readonly<Record<string, string>>
  request(options: InjectOptions): Promise<Response>
  /** Listen on a free loopback port; the address. */
  listen(): Promise<string>
  /** The first administrator's cookie header; created at the first call. */
  admin(): Promise<Record<string, string>>
  /** Headers of an agent with a new API key of this environment. */
  agent(env?: string, agentId?: string): Promise<Record<string, string>>
  /** A cookie header of somebody of the first administrator's tenant, a member unless said otherwise. */
  member(role?: Role): Promise<Record<string, string>>
  /** A cookie header of another tenant's administrator. */
  otherTenant(): Promise<Record<string, string>>
  /** Stop this process and start another on the same data. */
  restart(): Promise<void>
  close(): Promise<void>
}

export interface TestOptions {
  readonly environment?: Readonly<Record<string, string>>
  readonly overrides?: Overrides
}

export type Start = (options?: TestOptions) => Promise<TestServer>

/** Run the same suite on SQLite and on PostgreSQL (skipped, aloud, where PostgreSQL is not installed). */
export function onEachDatabase(name: string, suite: (start: Start) => void): void {
  describe(`${name} (SQLite)`, () => suite((options) => startTestServer(options)))
  onPostgres(name, suite)
}

/** For what only PostgreSQL does. */
export function onPostgres(name: string, suite: (start: Start) => void): void {
  const start = postgresStart()
  describe.skipIf(start === null)(`${name} (PostgreSQL)`, () => suite(start ?? startTestServer))
}

/** Starts servers on PostgreSQL; null where it is not installed. */
export function postgresStart(): Start | null {
  const base = inject('postgresUrl')
  if (base === '') return null
  return async (options) => {
    const database = `t_${randomUUID().replaceAll('-', '')}`
    await administer(base, `create database ${database} template ${POSTGRES_TEMPLATE}`)
    return startTestServer(
      { ...options, environment: { DATABASE_URL: `${base}/${database}`, ...options?.environment } },
      () => administer(base, `drop database if exists ${database} with (force)`),
    )
  }
}

/** Randomness of the system, but for the first RSA key: one of the run's own, because making one takes longer than most tests. */
function firstKeyGiven(): Random {
  let isGiven = false
  return {
    ...systemRandom,
    async rsaKey() {
      if (isGiven) return systemRandom.rsaKey()
      isGiven = true
      const privateKey = createPrivateKey(inject('rsaKey'))
      return { privateKey, publicKey: createPublicKey(privateKey) }
    },
  }
}

async function administer(base: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: `${base}/postgres` })
  await client.connect()
  await client.query(statement)
  await client.end()
}

export async function startTestServer(
  options: TestOptions = {},
  dropDatabase?: () => Promise<void>,
): Promise<TestServer> {
  const folder = scratchFolder('lictor-test-')
  if (!options.environment?.DATABASE_URL) copyFileSync(inject('sqliteTemplate'), join(folder, 'lictor.db'))
  const environment = {
    LICTOR_DATA_DIR: folder,
    LICTOR_PORT: '0',
    LICTOR_LOG_LEVEL: 'silent',
    // The clock stands still while a server stops.
    LICTOR_STOP_GRACE_SECONDS: '0',
    ...options.environment,
  }
  const clock = manualClock()
  const random = firstKeyGiven()
  const open = () =>
    createServer(readConfig(environment), pino({ level: 'silent' }), {
      clock,
      random,
      passwordCost: 16,
      consoleDir: null,
      ...options.overrides,
    })
  let server = await open()
  let adminCookie: Record<string, string> | null = null
  const request = (injected: InjectOptions) => server.http.inject(injected) as Promise<Response>

  async function signIn(credentials: { email: string; password: string }): Promise<Record<string, string>> {
    const answer = await request({ method: 'POST', url: '/api/v1/auth/login', payload: credentials })
    if (answer.statusCode !== 200) throw new Error(`login answered ${answer.statusCode}: ${answer.body}`)
    const cookie = String(answer.headers['set-cookie']).split(';')[0] ?? ''
    return { cookie, 'x-requested-with': 'test' }
  }

  const testServer: TestServer = {
    get server() {
      return server
    },
    clock,
    environment,
    request,
    listen: () => server.listen(),
    async admin() {
      if (adminCookie) return adminCookie
      await request({ method: 'POST', url: '/api/v1/setup', payload: ADMIN })
      adminCookie = await signIn(ADMIN)
      return adminCookie
    },
    async agent(env = 'production', agentId = 'agent-1') {
      const headers = await testServer.admin()
      const answer = await request({ method: 'POST', url: '/api/v1/keys', headers, payload: { env } })
      return { authorization: `Bearer ${answer.json<{ key: string }>().key}`, 'x-edictum-agent-id': agentId }
    },
    async member(role = 'member') {
      await testServer.admin()
      const { db } = server.database
      const email = `${randomUUID()}@example.com`
      const first = await db.selectFrom('users').selectAll().executeTakeFirstOrThrow()
      const id = randomUUID()
      await db
        .insertInto('users')
        .values({ ...first, id, email })
        .execute()
      await db
        .insertInto('members')
        .values({ tenant_id: first.tenant_id, user_id: id, role, joined_at: 0, invited_at: null })
        .execute()
      return signIn({ email, password: ADMIN.password })
    },
    async otherTenant() {
      await testServer.admin()
      const { db } = server.database
      const tenantId = randomUUID()
      const email = `${tenantId}@example.org`
      const id = randomUUID()
      const first = await db.selectFrom('users').selectAll().executeTakeFirstOrThrow()
      await db.insertInto('tenants').values({ id: tenantId, slug: tenantId, name: tenantId, created_at: 0 }).execute()
      await db
        .insertInto('users')
        .values({ ...first, id, tenant_id: tenantId, email })
        .execute()
      await db
        .insertInto('members')
        .values({ tenant_id: tenantId, user_id: id, role: 'owner', joined_at: 0, invited_at: null })
        .execute()
      const key = await db.selectFrom('signing_keys').selectAll().executeTakeFirstOrThrow()
      await db
        .insertInto('signing_keys')
        .values({ ...key, id: randomUUID(), tenant_id: tenantId, active: 1 })
        .execute()
      return signIn({ email, password: ADMIN.password })
    },
    async restart() {
      await server.close()
      server = await open()
    },
    async close() {
      await server.close()
      rmSync(folder, { recursive: true, force: true })
      await dropDatabase?.()
    },
  }
  return testServer
}
