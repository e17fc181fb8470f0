/** An audit log as a fleet leaves it behind: most calls are allowed; some tools, verdicts and modes are seldom met, and some pairs. */
import { DatabaseSync } from 'node:sqlite'
import pg from 'pg'
import { monthOf } from '../../packages/server/src/storage/events/months.ts'
import { openPostgres } from '../../packages/server/src/storage/postgres.ts'

export const SPAN_DAYS = 180
export const AGENTS = 200
export const TOOLS = 20
const CHUNK = 250_000
const TENANT_MEANT = 'select id from tenants'

export interface Span {
  readonly oldest: number
  readonly newest: number
}

/** The columns of row `i`, in SQL that both databases read. No agent-7 calls tool-3, and tool-5 is never denied. */
const made = `
  select i, at, 'agent-' || agent as agent,
    case when i % 100000 = 7 then 'rare_tool' when agent = 7 and tool = 3 then 'tool-4' else 'tool-' || tool end as tool,
    case when i % 100000 = 11 then 'call_failed' when i % 50 = 3 and tool <> 5 then 'call_denied' when i % 2 = 0 then 'call_allowed' else 'call_executed' end as verdict,
    case when i % 1000 = 5 then 'observe' else 'enforce' end as mode,
    case when i % 50000 = 9 then 'development' when i % 5 = 0 then 'staging' else 'production' end as env
`
const numbered = (row: string) => `
  select i, OLDEST + (NEWEST - OLDEST) / ROWS * i as at,
    ((i * 2654435761) % 4294967296) / 65536 % ${AGENTS} as agent, ((i * 2246822519) % 4294967296) / 65536 % ${TOOLS} as tool
  from ${row}
`
const payload = `'{"tool_args":{"path":"/data/' || i || '/report.csv"},"policy_version":"${'b5'.repeat(32)}","principal":{"user_id":"user-17"}}'`
const columns =
  'id, tenant_id, call_id, agent_id, tool_name, verdict, mode, env, timestamp, decision_name, payload, created_at'

function statement(source: string, id: string, { oldest, newest }: Span, rows: number): string {
  return `select ${id}, (${TENANT_MEANT}) as tenant_id, 'call-' || i, agent, tool, verdict, mode, env, at, '', ${payload}, at from (${made} from (${source}) as numbered) as made`
    .replaceAll('OLDEST', String(oldest))
    .replaceAll('NEWEST', String(newest))
    .replaceAll('ROWS', String(rows))
}

/** Into a database of the server, which holds one tenant. */
export async function fillPostgres(url: string, span: Span, rows: number): Promise<void> {
  const database = openPostgres(url, () => {})
  await database.db.transaction().execute(async (within) => {
    for (let at = span.oldest; at < monthOf(span.newest).end; at = monthOf(at).end)
      await database.events.prepareRestore([at], within)
  })
  await database.close()
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query('set synchronous_commit = off')
    await insertChunks(client, span, rows)
  } finally {
    await client.end()
  }
}

async function insertChunks(client: pg.Client, span: Span, rows: number): Promise<void> {
  for (let from = 0; from < rows; from += CHUNK) {
    const source = numbered(`generate_series(${from}::bigint, ${Math.min(rows, from + CHUNK) - 1}::bigint) as i`)
    await client.query(
      `with rows as materialized (${statement(source, 'gen_random_uuid() as id', span, rows)}), ids as (insert into event_ids select id from rows) insert into events (${columns}) select * from rows`,
    )
  }
  await client.query('vacuum analyze events')
  await client.query('vacuum analyze event_ids')
}

/** Into the file of a server that does not run. */
export function fillSqlite(file: string, span: Span, rows: number): void {
  const database = new DatabaseSync(file)
  database.exec('pragma synchronous = off; pragma cache_size = -2000000')
  const hex = (bytes: number) => `lower(hex(randomblob(${bytes})))`
  const id = `${hex(4)} || '-' || ${hex(2)} || '-' || ${hex(2)} || '-' || ${hex(2)} || '-' || ${hex(6)}`
  for (let from = 0; from < rows; from += CHUNK) {
    const to = Math.min(rows, from + CHUNK) - 1
    const source = numbered(
      `(with recursive n(i) as (select ${from} union all select i + 1 from n where i < ${to}) select i from n)`,
    )
    database.exec(`insert into events (${columns}) ${statement(source, id, span, rows)}`)
  }
  database.exec('pragma wal_checkpoint(truncate)')
  database.close()
}
