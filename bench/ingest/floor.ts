/**
 * The bare driver inserting the same rows in the same batch sizes, each batch durable before the next: what the database itself
 * can do. Arguments: `sqlite FILE SECONDS` or `postgres URL SECONDS`. The table and its indexes are the server's.
 */
import { DatabaseSync } from 'node:sqlite'
import pg from 'pg'
import { BATCH, batchTemplate, happened, rowsOf } from './events.ts'

const [kind = '', where = '', seconds = '8'] = process.argv.slice(2)
const columns =
  'id, tenant_id, call_id, agent_id, tool_name, verdict, mode, env, timestamp, decision_name, payload, created_at'
const types = 'text text text text text text text text bigint text text bigint'.split(' ')
const template = batchTemplate(0)
const rows = rowsOf(template.body)
const batches = Array.from({ length: 400 }, () => rows)
/** Now, and with new ids: the stages of a call have ids that begin alike, as the server makes them. */
function fresh(batch: unknown[][]): unknown[][] {
  const now = Date.now()
  let call = ''
  return batch.map((row, index) => {
    const id = crypto.randomUUID()
    if (index % 2 === 0) call = id
    return [
      `${call.slice(0, 19)}${id.slice(19)}`,
      ...row.slice(1, 8),
      happened(now, index) * 1000,
      ...row.slice(9, 11),
      now * 1000,
    ]
  })
}

const count = kind === 'sqlite' ? sqlite() : await postgres()
process.stdout.write(JSON.stringify({ eventsPerSecond: Math.round(count * BATCH) }))

/** Batches a second. */
function sqlite(): number {
  const database = new DatabaseSync(where)
  database.exec(
    'pragma journal_mode = wal; pragma synchronous = full; pragma cache_size = -16000; pragma wal_autocheckpoint = 4000',
  )
  const insert = database.prepare(
    `insert into events (${columns}) values (${types.map(() => '?').join(', ')}) on conflict do nothing`,
  )
  return perSecond((batch) => {
    database.exec('begin')
    for (const row of batch) insert.run(...(row as string[]))
    database.exec('commit')
  })
}

function perSecond(insert: (batch: unknown[][]) => void): number {
  const started = performance.now()
  const end = started + Number(seconds) * 1000
  let count = 0
  while (performance.now() < end) {
    insert(fresh(batches[count % batches.length] ?? rows))
    count++
  }
  return count / ((performance.now() - started) / 1000)
}

/** Batches a second over as many connections as the server's pool has. */
async function postgres(): Promise<number> {
  const pool = new pg.Pool({ connectionString: where, max: 20 })
  const text = statement()
  const started = performance.now()
  const end = started + Number(seconds) * 1000
  let count = 0
  const work = async () => {
    while (performance.now() < end) {
      const batch = fresh(batches[count % batches.length] ?? rows)
      await pool.query({ name: 'insert', text, values: types.map((_, index) => batch.map((row) => row[index])) })
      count++
    }
  }
  await Promise.all(Array.from({ length: 20 }, work))
  const rate = count / ((performance.now() - started) / 1000)
  await pool.end()
  return rate
}

/** The ids go to the table that tells duplicates, and what is new goes on. */
function statement(): string {
  const arrays = types.map((type, index) => `$${index + 1}::${index === 0 ? 'uuid' : type}[]`).join(', ')
  return `with sent as (select * from unnest(${arrays}) as t(${columns})),
    fresh as (insert into event_ids (id) select id from sent order by 1 on conflict do nothing returning id)
    insert into events (${columns}) select sent.* from sent join fresh using (id)`
}
