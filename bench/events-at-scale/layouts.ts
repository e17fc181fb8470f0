/**
 * What ways of laying out the events on PostgreSQL, and of sending them, cost the ingest: the same rows, durable and de-duplicated,
 * into each in turn, several rounds, so that what else the machine does meets all of them alike.
 *
 *   node --conditions=@lictor/source bench/events-at-scale/layouts.ts [--rounds N] [--seconds N]
 */
import { parseArgs } from 'node:util'
import { CompiledQuery, type Kysely, sql } from 'kysely'
import { copyOf, release, uuidArray } from '../../packages/server/src/storage/events/copy-rows.ts'
import { type EventValues, eventColumns } from '../../packages/server/src/storage/events/event-table.ts'
import { openPostgres } from '../../packages/server/src/storage/postgres.ts'
import type { Schema } from '../../packages/server/src/storage/schema.ts'
import { startPostgres } from '../../packages/server/test/postgres.ts'
import { batchTemplate, rowsOf } from '../ingest/events.ts'

const ROWS = 2_000
const CONNECTIONS = 3
const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '4' }, seconds: { type: 'string', default: '3' } },
})

type Within = Kysely<Schema>
type Send = (table: string, rows: readonly EventValues[], within: Within) => Promise<unknown>

const columns = eventColumns.join(', ')
const types = ['uuid', ...'text text text text text text text bigint text text text'.split(' ')]
const tool = 'substr(tool_name, 1, 100)'
const verdict = 'substr(verdict, 1, 100)'
const seldom = `${verdict} not in ('call_allowed', 'call_executed')`

const body = (name: string) =>
  `create table ${name} (seq bigserial, id uuid not null, tenant_id text not null, call_id text not null, agent_id text not null, tool_name text not null, verdict text not null, mode text not null, env text, timestamp bigint not null, decision_name text not null, payload text, preview text, created_at bigint not null default 0)`
const partitioned = (name: string) =>
  `${body(name)} partition by range (created_at); create table ${name}_1 partition of ${name} for values from (0) to (2000000000000000); create table ${name}_2 partition of ${name} default; alter table ${name} add primary key (seq, created_at); create table ${name}_ids (id uuid primary key)`
const indexes = (name: string, all: readonly string[]) =>
  all.map((index) => `create index on ${name} ${index}`).join('; ')

const plainIndexes = [
  '(tenant_id, timestamp, seq)',
  '(tenant_id, agent_id, timestamp)',
  `(tenant_id, ${tool}, timestamp)`,
  `(tenant_id, ${verdict}, timestamp) where ${seldom}`,
  `(tenant_id, timestamp, seq) where mode <> 'enforce'`,
]
const serverIndexes = [
  '(tenant_id, timestamp, seq, env)',
  `(tenant_id, agent_id, timestamp, seq, ${tool}, ${verdict}, env)`,
  `(tenant_id, ${tool}, timestamp, seq, ${verdict}, env)`,
  `(tenant_id, ${verdict}, timestamp, seq, env) where ${seldom}`,
  `(tenant_id, agent_id, ${verdict}, timestamp, seq, ${tool}, env) where ${seldom}`,
  `(tenant_id, ${tool}, ${verdict}, timestamp, seq, env) where ${seldom}`,
  `(tenant_id, timestamp, seq, ${tool}, ${verdict}, agent_id, env) where mode <> 'enforce'`,
  `(tenant_id, env, timestamp, seq) where env <> 'production'`,
]

const unnest = (rows: readonly EventValues[]) =>
  sql`unnest(${sql.join(types.map((type, index) => sql`${rows.map((row) => row[index])}::${sql.raw(type)}[]`))}) as t(${sql.raw(columns)})`

const intoOneTable: Send = (table, rows, within) =>
  sql`insert into ${sql.table(table)} (${sql.raw(columns)}) select * from ${unnest(rows)} on conflict do nothing returning id`.execute(
    within,
  )

const byUnnest: Send = (table, rows, within) =>
  sql`with sent as (select * from ${unnest(rows)}),
    fresh as (insert into ${sql.table(`${table}_ids`)} (id) select id from sent order by 1 on conflict do nothing returning id)
    insert into ${sql.table(table)} (${sql.raw(columns)}) select sent.* from sent join fresh using (id)`.execute(within)

let next = 1

const byCopy: Send = async (table, rows, within) => {
  const ids = uuidArray(rows.map(([id]) => id))
  await sql`insert into ${sql.table(`${table}_ids`)} (id) select unnest(${ids}::uuid[]) order by 1 on conflict do nothing`.execute(
    within,
  )
  const copy = copyOf(rows, next, 0)
  next += rows.length
  await within.executeQuery(
    CompiledQuery.raw(`copy ${table} (seq, ${columns}, created_at) from stdin (format binary)`, [copy]),
  )
  release(copy)
}

const layouts: readonly { name: string; table: string; make: string; send: Send }[] = [
  {
    name: 'one table, arrays',
    table: 'one',
    make: `${body('one')}; alter table one add primary key (seq), add unique (id); ${indexes('one', plainIndexes)}`,
    send: intoOneTable,
  },
  {
    name: 'months and a table of ids, arrays',
    table: 'arrays',
    make: `${partitioned('arrays')}; ${indexes('arrays', plainIndexes)}`,
    send: byUnnest,
  },
  {
    name: 'months and a table of ids, binary copy',
    table: 'copied',
    make: `${partitioned('copied')}; ${indexes('copied', plainIndexes)}`,
    send: byCopy,
  },
  {
    name: "the server's: with indexes that judge two filters",
    table: 'servers',
    make: `${partitioned('servers')}; ${indexes('servers', serverIndexes)}`,
    send: byCopy,
  },
  {
    name: "the server's, and an index of all words' trigrams",
    table: 'trigrams',
    make: `${partitioned('trigrams')}; ${indexes('trigrams', serverIndexes)}; create extension pg_trgm; create index on trigrams using gin (payload gin_trgm_ops)`,
    send: byCopy,
  },
]

const postgres = await startPostgres({ durable: true })
if (!postgres) throw new Error('PostgreSQL is not installed.')
const { db, close } = openPostgres(`${postgres.url}/postgres`, () => {})
const template = rowsOf(batchTemplate(0).body)
const results = new Map<string, number[]>(layouts.map(({ name }) => [name, []]))

function batch(): EventValues[] {
  const now = Date.now() * 1000
  let call = ''
  return Array.from({ length: ROWS }, (_, index) => {
    const id = crypto.randomUUID()
    if (index % 2 === 0) call = id
    const row = [...(template[index % template.length] ?? [])]
    row[0] = `${call.slice(0, 19)}${id.slice(19)}`
    row[8] = now + index
    row[11] = null
    return row as unknown as EventValues
  })
}

async function measure({ table, send }: (typeof layouts)[number]): Promise<number> {
  const started = performance.now()
  const end = started + Number(values.seconds) * 1000
  let rows = 0
  const work = async () => {
    while (performance.now() < end) {
      const made = batch()
      await db.transaction().execute((within) => send(table, made, within))
      rows += ROWS
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, work))
  return rows / ((performance.now() - started) / 1000)
}

for (const { make } of layouts)
  for (const statement of make.split('; ')) await db.executeQuery(CompiledQuery.raw(statement, []))
for (let round = 0; round < Number(values.rounds); round++)
  for (const layout of layouts) results.get(layout.name)?.push(await measure(layout))
const median = (all: readonly number[]) => all.toSorted((a, b) => a - b)[all.length >> 1] ?? 0
const base = results.get(layouts[0]?.name ?? '') ?? []
for (const [name, all] of results) {
  // Round by round beside the first layout: the machine was alike busy then.
  const shares = all.map((rate, round) => rate / (base[round] ?? rate))
  console.log(`${name}: ${Math.round(median(all))} rows/s, ${Math.round(median(shares) * 100)} % of the first`)
}
await close()
await postgres.stop()
