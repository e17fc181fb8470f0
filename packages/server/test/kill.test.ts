import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterEach, describe, expect, inject, it, vi } from 'vitest'
import type {} from './databases.global.ts'
import { ADMIN } from './harness.ts'

// Each test starts several processes.
vi.setConfig({ testTimeout: 120_000 })

const script = fileURLToPath(new URL('server-process.ts', import.meta.url))

interface Running {
  readonly child: ChildProcess
  readonly address: string
}

async function start(environment: Record<string, string>): Promise<Running> {
  const child = spawn(process.execPath, ['--conditions=@lictor/source', script], {
    env: { ...process.env, LICTOR_PORT: '0', LICTOR_LOG_LEVEL: 'silent', ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const address = await new Promise<string>((resolve, reject) => {
    child.stdout?.once('data', (chunk: Buffer) => resolve(chunk.toString().trim()))
    child.once('exit', (code) => reject(new Error(`The server ended with code ${code} before it listened.`)))
  })
  return { child, address }
}

async function kill({ child }: Running): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await ended
}

async function call(server: Running, method: string, path: string, headers: object, body?: object): Promise<Response> {
  return fetch(`${server.address}${path}`, {
    method,
    headers: { 'content-type': 'application/json', 'x-requested-with': 'test', ...headers },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
}

/** The fields of an answer that these tests read. */
interface Body {
  readonly id: string
  readonly key: string
  readonly status: string
  readonly accepted: number
}

const bodyOf = async (answer: Response | Promise<Response>): Promise<Body> => (await (await answer).json()) as Body

/** The first administrator's cookie and the headers of an agent. */
async function enter(server: Running): Promise<{ admin: object; agent: object }> {
  await call(server, 'POST', '/api/v1/setup', {}, ADMIN)
  const login = await call(server, 'POST', '/api/v1/auth/login', {}, ADMIN)
  const admin = { cookie: login.headers.get('set-cookie')?.split(';')[0] ?? '' }
  const { key } = await bodyOf(call(server, 'POST', '/api/v1/keys', admin, { env: 'production' }))
  return { admin, agent: { authorization: `Bearer ${key}`, 'x-edictum-agent-id': 'agent-1' } }
}

function suite(settings: () => Promise<{ environment: Record<string, string>; clean: () => Promise<void> }>) {
  let running: Running | null = null
  let clean = async () => {}
  afterEach(async () => {
    if (running) await kill(running)
    await clean()
  })

  it('an acknowledged event survives kill -9', async () => {
    const made = await settings()
    clean = made.clean
    const first = await start(made.environment)
    running = first
    const { agent } = await enter(first)
    const acknowledged: string[] = []
    let isKilled = false
    const post = async () => {
      while (!isKilled) {
        const ids = Array.from({ length: 50 }, () => randomUUID())
        const events = ids.map((call_id) => ({
          call_id,
          agent_id: 'agent-1',
          tool_name: 'exec',
          verdict: 'call_allowed',
          mode: 'enforce',
          timestamp: '2026-03-01T12:00:00Z',
          payload: { text: 'x'.repeat(200) },
        }))
        // A request cut off by the kill is not acknowledged; anything else would be.
        const answer = await call(first, 'POST', '/api/v1/events', agent, { events }).catch(() => null)
        const body = answer && (await bodyOf(answer).catch(() => null))
        if (body?.accepted === 50) acknowledged.push(...ids)
        if (acknowledged.length >= 3000 && !isKilled) {
          isKilled = true
          await kill(first)
        }
      }
    }
    await Promise.all(Array.from({ length: 8 }, post))

    running = await start(made.environment)
    const stored = new Set<string>()
    let cursor: string | null = ''
    while (cursor !== null) {
      const page: Response = await call(running, 'GET', `/api/v1/events?limit=1000${cursor}`, agent)
      for (const { call_id } of (await page.json()) as { call_id: string }[]) stored.add(call_id)
      const next = page.headers.get('x-next-cursor')
      cursor = next === null ? null : `&cursor=${next}`
    }
    expect(acknowledged.length).toBeGreaterThanOrEqual(3000)
    expect(acknowledged.filter((id) => !stored.has(id))).toEqual([])
  })

  it('a waiting approval survives kill -9, and so does its decision', async () => {
    const made = await settings()
    clean = made.clean
    const first = await start(made.environment)
    running = first
    const { admin, agent } = await enter(first)
    const asked = { agent_id: 'agent-1', tool_name: 'exec', message: 'may I?' }
    const { id } = await bodyOf(call(first, 'POST', '/api/v1/approvals', agent, asked))
    const path = `/api/v1/approvals/${id}`
    const cutOff = call(first, 'GET', `${path}?wait=60`, agent).then(
      () => 'answered',
      () => 'cut off',
    )
    await call(first, 'GET', path, agent)
    await kill(first)
    expect(await cutOff).toBe('cut off')

    const second = await start(made.environment)
    running = second
    expect((await bodyOf(call(second, 'GET', path, agent))).status).toBe('pending')
    expect((await call(second, 'PUT', path, admin, { approved: false })).status).toBe(200)
    await kill(second)

    const third = await start(made.environment)
    running = third
    expect((await bodyOf(call(third, 'GET', path, agent))).status).toBe('denied')
    expect((await call(third, 'PUT', path, admin, { approved: true })).status).toBe(409)
  })
}

describe('kill -9 (SQLite)', () => {
  suite(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lictor-kill-'))
    return {
      environment: { LICTOR_DATA_DIR: folder, DATABASE_URL: '' },
      clean: async () => rmSync(folder, { recursive: true, force: true }),
    }
  })
})

const base = inject('postgresUrl')
describe.skipIf(base === '')('kill -9 (PostgreSQL)', () => {
  suite(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lictor-kill-'))
    const database = `k_${randomUUID().replaceAll('-', '')}`
    const administer = async (statement: string) => {
      const client = new pg.Client({ connectionString: `${base}/postgres` })
      await client.connect()
      await client.query(statement)
      await client.end()
    }
    await administer(`create database ${database}`)
    return {
      environment: { LICTOR_DATA_DIR: folder, DATABASE_URL: `${base}/${database}` },
      clean: async () => {
        await administer(`drop database if exists ${database} with (force)`)
        rmSync(folder, { recursive: true, force: true })
      },
    }
  })
})
