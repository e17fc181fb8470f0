/** What the database does with the queries that the API makes of a question. */
import { randomUUID } from 'node:crypto'
import { CompiledQuery, type KyselyPlugin, type RootOperationNode } from 'kysely'
import type { Database } from '../../packages/server/src/storage/database.ts'

export interface Plan {
  /** The indexes that serve it, and how many rows were read in vain. */
  readonly summary: string
  readonly text: string
}

/** Ask with a database that remembers its queries, and have the last explained. */
export async function planOf(database: Database, ask: (listening: Database) => Promise<unknown>): Promise<Plan> {
  const nodes: RootOperationNode[] = []
  const listening: KyselyPlugin = {
    transformQuery({ node }) {
      nodes.push(node)
      return node
    },
    transformResult: async ({ result }) => result,
  }
  await ask({ ...database, db: database.db.withPlugin(listening) })
  const node = nodes.at(-1)
  if (!node) throw new Error('The store asked nothing.')
  const { sql, parameters } = database.db.getExecutor().compileQuery(node, { queryId: randomUUID() } as never)
  const explain = database.dialect === 'postgres' ? 'explain (analyze, buffers)' : 'explain query plan'
  const { rows } = await database.db.executeQuery<Record<string, unknown>>(
    CompiledQuery.raw(`${explain} ${sql}`, [...parameters]),
  )
  const text = rows.map((row) => String(row['QUERY PLAN'] ?? row.detail)).join('\n')
  return { summary: database.dialect === 'postgres' ? postgresSummary(text) : text.replaceAll('\n', '; '), text }
}

function postgresSummary(text: string): string {
  const scans = [
    ...text.matchAll(/(Seq Scan|Index (?:Only )?Scan(?: Backward)? using|Bitmap Index Scan) (?:on )?(\w+)/g),
  ]
  const kinds = new Set(scans.map(([, kind, name]) => `${kind?.replace(' using', '')} ${indexOf(name ?? '')}`))
  const removed = [...text.matchAll(/Rows Removed by Filter: (\d+)/g)].reduce(
    (sum, [, count]) => sum + Number(count),
    0,
  )
  return `${[...kinds].join(', ') || 'no partition'} in ${scans.length} partitions, ${removed} rows read in vain`
}

/** Indexes of a partition are named after its columns: the parent's name is told by them. */
function indexOf(name: string): string {
  const column = /^events_(?:\d{4}_\d{2}|default)_tenant_id_(\w+?)_(?:seq|timestamp)/.exec(name)?.[1]
  return column === undefined ? name.replace(/_\d{4}_\d{2}|_default/, '') : `by ${column}`
}
