/**
 * Questions about an audit log of millions of events: which index serves each, and how long the API takes.
 *
 *   node --conditions=@lictor/source bench/events-at-scale/run.ts [--database postgres|sqlite] [--rows N] [--requests N] [--plans] [--json FILE]
 *                                                         [--keep FOLDER | --url postgres://…]
 *
 * `--keep` (SQLite) and `--url` (PostgreSQL) name a place that outlives the run: what was loaded there is asked again.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createServer, readConfig, type Server } from '@lictor/server'
import { sql } from 'kysely'
import pino from 'pino'
import { createEventStore, type EventFilter } from '../../packages/server/src/governance/events/store.ts'
import { scopeOfRecord } from '../../packages/server/src/identity/scope.ts'
import { startPostgres } from '../../packages/server/test/postgres.ts'
import { writeFigures } from '../figures.ts'
import { AGENTS, fillPostgres, fillSqlite, SPAN_DAYS, TOOLS } from './fill.ts'
import { type Plan, planOf } from './plans.ts'

const GOAL_MS = 50
/** One question is given up where it takes this long. */
const TOO_LONG_MS = 10_000
const { values } = parseArgs({
  options: {
    database: { type: 'string', default: 'postgres' },
    rows: { type: 'string', default: '1000000' },
    requests: { type: 'string', default: '200' },
    plans: { type: 'boolean', default: false },
    keep: { type: 'string' },
    url: { type: 'string' },
    json: { type: 'string' },
  },
})
const rows = Number(values.rows)
const admin = { email: 'admin@example.com', password: 'correct horse battery' }
const isPostgres = values.database === 'postgres'
const name = isPostgres ? 'PostgreSQL' : 'SQLite'

const scratch = mkdtempSync(join(tmpdir(), 'lictor-scale-'))
const folder = values.keep ?? scratch
mkdirSync(folder, { recursive: true })
const postgres = isPostgres && values.url === undefined ? await startPostgres({ durable: false }) : null
if (isPostgres && values.url === undefined && !postgres) throw new Error('PostgreSQL is not installed.')
const url = isPostgres ? (values.url ?? `${postgres?.url}/postgres`) : ''
const environment = {
  DATABASE_URL: url,
  LICTOR_DATA_DIR: folder,
  LICTOR_PORT: '0',
  LICTOR_MASTER_KEY: 'ab'.repeat(32),
}
const open = () => createServer(readConfig(environment), pino({ level: 'error' }), { consoleDir: null })
let server = await open()
let address = await server.listen()
try {
  await measure()
} finally {
  await server.close()
  await postgres?.stop()
  rmSync(scratch, { recursive: true, force: true })
}

interface Question {
  readonly what: string
  readonly ask: () => Record<string, string>
  readonly path?: string
  readonly requests?: number
  /** Asked with an API key of this environment. */
  readonly env?: string
}

async function measure(): Promise<void> {
  await signIn()
  await load()
  const admin = await signIn()
  const { id: tenantId } = await server.database.db.selectFrom('tenants').select('id').executeTakeFirstOrThrow()
  const { newest, oldest } = await edges(server)

  const any = (most: number) => Math.floor(Math.random() * most)
  const moment = () => new Date(oldest / 1000 + Math.random() * SPAN_DAYS * 86_400_000)
  const since = (days: number) => new Date(newest / 1000 - days * 86_400_000).toISOString()
  const until = new Date(newest / 1000).toISOString()
  const questions: readonly Question[] = [
    { what: 'newest', ask: () => ({}) },
    { what: 'a page of 1,000', ask: () => ({ limit: '1000' }) },
    { what: 'of an agent', ask: () => ({ agent_id: `agent-${any(AGENTS)}` }) },
    { what: 'of an agent that never was', ask: () => ({ agent_id: 'nobody' }) },
    { what: 'of a tool', ask: () => ({ tool_name: `tool-${any(TOOLS)}` }) },
    { what: 'of a tool seldom used', ask: () => ({ tool_name: 'rare_tool' }) },
    { what: 'of a tool that never was', ask: () => ({ tool_name: 'no_tool' }) },
    { what: 'of a verdict', ask: () => ({ verdict: 'call_denied' }) },
    { what: 'of a verdict seldom given', ask: () => ({ verdict: 'call_failed' }) },
    { what: 'in observe mode', ask: () => ({ mode: 'observe' }) },
    { what: 'until a moment', ask: () => ({ until: moment().toISOString() }) },
    {
      what: 'within an hour',
      ask: () => {
        const from = moment()
        return { since: from.toISOString(), until: new Date(from.getTime() + 3_600_000).toISOString() }
      },
    },
    { what: 'of an agent and a verdict', ask: () => ({ agent_id: `agent-${any(AGENTS)}`, verdict: 'call_denied' }) },
    { what: 'of a tool and a verdict', ask: () => ({ tool_name: `tool-${any(5)}`, verdict: 'call_denied' }) },
    { what: 'of an agent that never used the tool', ask: () => ({ agent_id: 'agent-7', tool_name: 'tool-3' }) },
    { what: 'of a tool that was never denied', ask: () => ({ tool_name: 'tool-5', verdict: 'call_denied' }) },
    {
      what: 'of an agent, a tool and a verdict',
      ask: () => ({ agent_id: `agent-${any(AGENTS)}`, tool_name: `tool-${any(5)}`, verdict: 'call_denied' }),
    },
    { what: 'of an environment with few events', ask: () => ({}), env: 'development' },
    {
      what: 'of an agent in an environment with few events',
      ask: () => ({ agent_id: `agent-${any(AGENTS)}` }),
      env: 'development',
    },
    { what: 'a text that is common', ask: () => ({ search: 'report' }) },
    { what: 'a text that is nowhere, in a day', ask: () => ({ search: 'nowhere', since: since(1) }), requests: 20 },
    { what: 'a text that is nowhere', ask: () => ({ search: 'nowhere' }), requests: 3 },
    { what: 'histogram of a day', path: '/histogram', ask: () => ({ since: since(1), until }), requests: 50 },
    { what: 'histogram of a month', path: '/histogram', ask: () => ({ since: since(30), until }), requests: 5 },
  ]
  const figures = []
  for (const { what, ask, path = '', requests = Number(values.requests), env } of questions) {
    const headers = env === undefined ? admin : await keyOf(env, admin)
    const ratio = Math.max(1, Math.ceil(Number(values.requests) / requests))
    const { p50, p99 } = await time(requests, () => get(`/api/v1/events${path}?${new URLSearchParams(ask())}`, headers))
    const bare = await time(requests * ratio, () => get('/api/v1/auth/me', admin))
    const plan = path === '' ? await explained(tenantId, { ...ask(), env }) : null
    console.log(
      `${what}: p50 ${p50} ms, p99 ${p99} ms, bare exchange p99 ${bare.p99} ms${plan ? `, ${plan.summary}` : ''}`,
    )
    if (plan && values.plans) console.log(plan.text.replaceAll(/^/gm, '    '))
    const isGoal = path === '' && !what.startsWith('a text that is nowhere')
    figures.push({
      what: `${name}, events ${what}, p99`,
      value: p99,
      unit: 'ms',
      beside: { what: 'one bare exchange', value: bare.p99 },
      ...(isGoal ? { goal: { atMost: GOAL_MS } } : {}),
    })
  }
  writeFigures(values.json, figures, { rows, days: SPAN_DAYS })
}

/** Unless an earlier run loaded them. */
async function load(): Promise<void> {
  const found = await server.database.db.selectFrom('events').select('seq').limit(1).execute()
  if (found.length > 0) return
  const newest = Date.now() * 1000
  const span = { newest, oldest: newest - SPAN_DAYS * 86_400e6 }
  const started = performance.now()
  if (isPostgres) await fillPostgres(url, span, rows)
  else {
    await server.close()
    fillSqlite(join(folder, 'lictor.db'), span, rows)
    server = await open()
    address = await server.listen()
  }
  console.log(`${rows} events on ${name} in ${Math.round((performance.now() - started) / 1000)} s`)
}

async function edges({ database }: Server): Promise<{ oldest: number; newest: number }> {
  const edge = async (order: 'asc' | 'desc') =>
    (
      await database.db
        .selectFrom('events')
        .select('timestamp')
        .where('tenant_id', '=', sql<string>`(select id from tenants)`)
        .orderBy('timestamp', order)
        .limit(1)
        .executeTakeFirstOrThrow()
    ).timestamp
  return { oldest: await edge('asc'), newest: await edge('desc') }
}

async function signIn(): Promise<Record<string, string>> {
  const headers = { 'content-type': 'application/json', 'x-requested-with': 'bench' }
  await fetch(`${address}/api/v1/setup`, { method: 'POST', headers, body: JSON.stringify(admin) })
  const login = await fetch(`${address}/api/v1/auth/login`, { method: 'POST', headers, body: JSON.stringify(admin) })
  return { cookie: login.headers.getSetCookie()[0]?.split(';')[0] ?? '' }
}

async function keyOf(env: string, headers: Record<string, string>): Promise<Record<string, string>> {
  const answer = await fetch(`${address}/api/v1/keys`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json', 'x-requested-with': 'bench' },
    body: JSON.stringify({ env }),
  })
  return { authorization: `Bearer ${((await answer.json()) as { key: string }).key}` }
}

async function get(path: string, headers: Record<string, string>): Promise<void> {
  const answer = await fetch(`${address}${path}`, { headers })
  await answer.arrayBuffer()
  if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}`)
}

/** Milliseconds that one takes, one after the other, once warm. */
async function time(requests: number, work: () => Promise<void>): Promise<{ p50: number; p99: number }> {
  const taken: number[] = []
  for (let index = 0; index < requests; index++) {
    const started = performance.now()
    await work()
    // The first reads what the others find in memory.
    if (index > 0 || requests < 10) taken.push(performance.now() - started)
    if (performance.now() - started > TOO_LONG_MS) break
  }
  taken.sort((a, b) => a - b)
  const at = (share: number) => Math.round((taken[Math.ceil(taken.length * share) - 1] ?? TOO_LONG_MS) * 10) / 10
  return { p50: at(0.5), p99: at(0.99) }
}

async function explained(tenantId: string, asked: Record<string, string | undefined>): Promise<Plan> {
  const micros = (text: string | undefined) => (text === undefined ? undefined : Date.parse(text) * 1000)
  const filter: EventFilter = {
    scope: scopeOfRecord({ tenantId }),
    agentId: asked.agent_id,
    toolName: asked.tool_name,
    verdict: asked.verdict,
    mode: asked.mode,
    env: asked.env,
    since: micros(asked.since),
    until: micros(asked.until),
    search: asked.search,
  }
  return planOf(server.database, (listening) => createEventStore(listening).list(filter, 100))
}
