/**
 * What ways of laying out the events on PostgreSQL cost the ingest: the same rows, durable and de-duplicated, into each layout in
 * turn, several rounds, so that what else the machine does meets all of them alike.
 *
 *   node --conditions=source bench/events-at-scale/layouts.ts [--rounds N] [--seconds N]
 */
import { parseArgs } from 'node:util'
import pg from 'pg'
import { columnArray } from '../../packages/server/src/storage/postgres-arrays.ts'
import { startPostgres } from '../../packages/server/test/postgres.ts'
import { batchTemplate, rowsOf } from '../ingest/events.ts'

const ROWS = 2_000
const CONNECTIONS = 3
const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '4' }, seconds: { type: 'string', default: '3' } },
})

const columns =
  'id, tenant_id, call_id, agent_id, tool_name, verdict, mode, env, timestamp, decision_name, payload, created_at'
const types = 'text text text text text text text text bigint text text bigint'.split(' ') as ('text' | 'bigint')[]
const unnest = `unnest(${types.map((type, index) => `$${index + 1}::${type}[]`).join(', ')}) as t(${columns})`
const table = (name: string) =>
  `create table ${name} (seq bigserial, id text not null, tenant_id text not null, call_id text not null, agent_id text not null, tool_name text not null, verdict text not null, mode text not null, env text, timestamp bigint not null, decision_name text not null, payload text, created_at bigint not null)`
const byTimeAndAgent = (name: string) =>
  `create index on ${name} (tenant_id, timestamp, seq); create index on ${name} (tenant_id, agent_id, timestamp)`

interface Layout {
  readonly name: string
  readonly make: string
  readonly insert: string
}

const plain = (name: string, also = ''): Layout => ({
  name,
  make: `${table(`"${name}"`)}; alter table "${name}" add primary key (seq), add unique (id); ${byTimeAndAgent(`"${name}"`)}; ${also}`,
  insert: `insert into "${name}" (${columns}) select * from ${unnest} on conflict do nothing returning id`,
})

const layouts: Layout[] = [
  plain('one table'),
  plain(
    'one table, and indexes by tool and by verdict',
    'create index on "one table, and indexes by tool and by verdict" (tenant_id, tool_name, timestamp); create index on "one table, and indexes by tool and by verdict" (tenant_id, verdict, timestamp)',
  ),
  plain(
    'one table, and indexes by tool and of what is seldom',
    `create index on "one table, and indexes by tool and of what is seldom" (tenant_id, substr(tool_name, 1, 100), timestamp); create index on "one table, and indexes by tool and of what is seldom" (tenant_id, substr(verdict, 1, 100), timestamp) where verdict not in ('call_allowed', 'call_executed'); create index on "one table, and indexes by tool and of what is seldom" (tenant_id, timestamp, seq) where mode <> 'enforce'`,
  ),
  {
    name: 'partitions and a table of keys',
    make: `${table('parts')} partition by range (created_at); create table parts_1 partition of parts for values from (0) to (2000000000000000); create table parts_2 partition of parts default; alter table parts add primary key (created_at, seq); ${byTimeAndAgent('parts')}; create table event_keys (id text primary key)`,
    insert: `with fresh as (insert into event_keys (id) select unnest($1::text[]) on conflict do nothing returning id) insert into parts (${columns}) select t.* from ${unnest} join fresh using (id) returning id`,
  },
  {
    name: 'partitions and a table of uuid keys',
    make: `${table('uparts')} partition by range (created_at); create table uparts_1 partition of uparts for values from (0) to (2000000000000000); create table uparts_2 partition of uparts default; alter table uparts add primary key (created_at, seq); ${byTimeAndAgent('uparts')}; create table event_uuids (id uuid primary key)`,
    insert: `with fresh as (insert into event_uuids (id) select unnest($1::text[])::uuid on conflict do nothing returning id) insert into uparts (${columns}) select t.* from ${unnest} join fresh on fresh.id = t.id::uuid returning id`,
  },
]

const postgres = await startPostgres({ durable: true })
if (!postgres) throw new Error('PostgreSQL is not installed.')
const pool = new pg.Pool({ connectionString: `${postgres.url}/postgres`, max: CONNECTIONS })
const template = rowsOf(batchTemplate(0).body)
const results = new Map<string, number[]>(layouts.map(({ name }) => [name, []]))

function batch(): unknown[][] {
  const now = Date.now() * 1000
  let call = ''
  return Array.from({ length: ROWS }, (_, index) => {
    const id = crypto.randomUUID()
    if (index % 2 === 0) call = id
    const row = [...(template[index % template.length] ?? [])]
    row[0] = `${call.slice(0, 19)}${id.slice(19)}`
    row[8] = now + index
    return row
  })
}

async function measure({ name, insert }: Layout): Promise<number> {
  const end = performance.now() + Number(values.seconds) * 1000
  const started = performance.now()
  let rows = 0
  const work = async () => {
    while (performance.now() < end) {
      const made = batch()
      await pool.query({ name, text: insert, values: types.map((type, index) => columnArray(made, index, type)) })
      rows += ROWS
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, work))
  return rows / ((performance.now() - started) / 1000)
}

for (const { make } of layouts) await pool.query(make)
for (let round = 0; round < Number(values.rounds); round++)
  for (const layout of layouts) results.get(layout.name)?.push(await measure(layout))
const median = (all: readonly number[]) => all.toSorted((a, b) => a - b)[all.length >> 1] ?? 0
const base = results.get(layouts[0]?.name ?? '') ?? []
for (const [name, all] of results) {
  // Round by round beside the first layout: the machine was alike busy then.
  const shares = all.map((rate, round) => rate / (base[round] ?? rate))
  console.log(`${name}: ${Math.round(median(all))} rows/s, ${Math.round(median(shares) * 100)} % of the first`)
}
await pool.end()
await postgres.stop()
