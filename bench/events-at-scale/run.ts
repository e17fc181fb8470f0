/**
 * Questions about an audit log of millions of events on PostgreSQL: which index serves each, and how long the API takes.
 *
 *   node --conditions=source bench/events-at-scale/run.ts [--rows N] [--requests N] [--plans] [--json FILE]
 */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createServer, readConfig } from '@lictor/server'
import type { KyselyPlugin, RootOperationNode } from 'kysely'
import pg from 'pg'
import pino from 'pino'
import { type EventFilter, eventStore } from '../../packages/server/src/governance/events/store.ts'
import type { Database } from '../../packages/server/src/storage/database.ts'
import { startPostgres } from '../../packages/server/test/postgres.ts'
import { writeFigures } from '../figures.ts'

const GOAL_MS = 50
const SPAN_DAYS = 30
const AGENTS = 200
const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    requests: { type: 'string', default: '200' },
    plans: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
})
const rows = Number(values.rows)
const admin = { email: 'admin@example.com', password: 'correct horse battery' }

const folder = mkdtempSync(join(tmpdir(), 'lictor-scale-'))
const postgres = await startPostgres({ durable: false })
if (!postgres) throw new Error('PostgreSQL is not installed.')
const url = `${postgres.url}/postgres`
const environment = { DATABASE_URL: url, LICTOR_DATA_DIR: folder, LICTOR_PORT: '0' }
const server = await createServer(readConfig(environment), pino({ level: 'error' }), { consoleDir: null })
const address = await server.listen()
const client = new pg.Client({ connectionString: url })
await client.connect()
try {
  await measure()
} finally {
  await client.end()
  await server.close()
  await postgres.stop()
  rmSync(folder, { recursive: true, force: true })
}

async function measure(): Promise<void> {
  const headers = await signIn()
  const { rows: tenants } = await client.query<{ id: string }>('select id from tenants')
  const tenantId = tenants[0]?.id ?? ''
  const newest = Date.now() * 1000
  const oldest = newest - SPAN_DAYS * 86_400e6
  const started = performance.now()
  await fill(tenantId, oldest, newest)
  await client.query('vacuum analyze events')
  console.log(`${rows} events in ${Math.round((performance.now() - started) / 1000)} s`)

  const any = (most: number) => Math.floor(Math.random() * most)
  const moment = () => new Date(oldest / 1000 + Math.random() * SPAN_DAYS * 86_400_000)
  const questions: readonly { what: string; ask: () => Record<string, string> }[] = [
    { what: 'newest', ask: () => ({}) },
    { what: 'of an agent', ask: () => ({ agent_id: `agent-${any(AGENTS)}` }) },
    { what: 'of an agent that never was', ask: () => ({ agent_id: 'nobody' }) },
    { what: 'of a tool', ask: () => ({ tool_name: `tool-${any(20)}` }) },
    { what: 'of a tool seldom used', ask: () => ({ tool_name: 'rare_tool' }) },
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
    { what: 'of a tool and a verdict', ask: () => ({ tool_name: `tool-${any(20)}`, verdict: 'call_denied' }) },
    { what: 'a text that is common', ask: () => ({ search: 'report' }) },
  ]
  const figures = []
  for (const { what, ask } of questions) {
    const p99 = await time(() => get(`/api/v1/events?${new URLSearchParams(ask())}`, headers))
    const plan = await planOf(tenantId, ask())
    console.log(`${what}: p99 ${p99} ms, ${plan.summary}`)
    if (values.plans) console.log(plan.text.replaceAll(/^/gm, '    '))
    figures.push({ what: `events ${what}, p99`, value: p99, unit: 'ms', goal: { atMost: GOAL_MS } })
  }
  writeFigures(values.json, figures)
}

async function signIn(): Promise<Record<string, string>> {
  const headers = { 'content-type': 'application/json', 'x-requested-with': 'bench' }
  await fetch(`${address}/api/v1/setup`, { method: 'POST', headers, body: JSON.stringify(admin) })
  const login = await fetch(`${address}/api/v1/auth/login`, { method: 'POST', headers, body: JSON.stringify(admin) })
  return { cookie: login.headers.getSetCookie()[0]?.split(';')[0] ?? '' }
}

/** Most calls are allowed; some tools, verdicts and modes are seldom met. */
async function fill(tenantId: string, oldest: number, newest: number): Promise<void> {
  const CHUNK = 250_000
  for (let from = 0; from < rows; from += CHUNK)
    await client.query(
      `insert into events (id, tenant_id, call_id, agent_id, tool_name, verdict, mode, env, timestamp, decision_name, payload, created_at)
       select gen_random_uuid()::text, $1, gen_random_uuid()::text, 'agent-' || (hashint8(i) & 1023) % ${AGENTS},
              case when i % 100000 = 7 then 'rare_tool' else 'tool-' || (hashint8(i + 1) & 1023) % 20 end,
              case when i % 100000 = 11 then 'call_failed' when i % 50 = 3 then 'call_denied' when i % 2 = 0 then 'call_allowed' else 'call_executed' end,
              case when i % 1000 = 5 then 'observe' else 'enforce' end,
              case when i % 5 = 0 then 'staging' else 'production' end,
              at, '', '{"tool_args":{"path":"/data/' || i || '/report.csv"},"policy_version":"' || repeat('b5', 32) || '","principal":{"user_id":"user-17"}}', at
       from (select i, $2::bigint + ($3::bigint - $2::bigint) / $4::bigint * i as at from generate_series($5::bigint, $6::bigint) as i) as made`,
      [tenantId, oldest, newest, rows, from, Math.min(rows, from + CHUNK) - 1],
    )
}

async function get(path: string, headers: Record<string, string>): Promise<void> {
  const answer = await fetch(`${address}${path}`, { headers })
  await answer.arrayBuffer()
  if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}`)
}

/** Milliseconds that 99 of 100 take at most, one after the other; given up where one takes ten seconds. */
async function time(work: () => Promise<void>): Promise<number> {
  const taken: number[] = []
  for (let index = 0; index < Number(values.requests); index++) {
    const started = performance.now()
    await work()
    taken.push(performance.now() - started)
    if ((taken.at(-1) ?? 0) > 10_000) break
  }
  taken.sort((a, b) => a - b)
  return Math.round((taken[Math.ceil(taken.length * 0.99) - 1] ?? 0) * 10) / 10
}

/** What PostgreSQL does with the query the API makes of this question. */
async function planOf(tenantId: string, asked: Record<string, string>): Promise<{ summary: string; text: string }> {
  const nodes: RootOperationNode[] = []
  const listening: KyselyPlugin = {
    transformQuery({ node }) {
      nodes.push(node)
      return node
    },
    transformResult: async ({ result }) => result,
  }
  const database: Database = { ...server.database, db: server.database.db.withPlugin(listening) }
  const micros = (text: string | undefined) => (text === undefined ? undefined : Date.parse(text) * 1000)
  const filter: EventFilter = {
    tenantId,
    agentId: asked.agent_id,
    toolName: asked.tool_name,
    verdict: asked.verdict,
    mode: asked.mode,
    since: micros(asked.since),
    until: micros(asked.until),
    search: asked.search,
  }
  await eventStore(database).list(filter, 100)
  const node = nodes.at(-1)
  if (!node) throw new Error('The store asked nothing.')
  const { sql, parameters } = server.database.db.getExecutor().compileQuery(node, { queryId: randomUUID() } as never)
  const explained = await client.query<{ 'QUERY PLAN': string }>(`explain (analyze, buffers) ${sql}`, [...parameters])
  const text = explained.rows.map((row) => row['QUERY PLAN']).join('\n')
  const index = /(Seq Scan|Index (?:Only )?Scan(?: Backward)? using \w+|Bitmap Index Scan on \w+)/.exec(text)?.[1]
  const removed = /Rows Removed by Filter: (\d+)/.exec(text)?.[1] ?? '0'
  return { summary: `${index}, ${removed} rows read in vain`, text }
}
