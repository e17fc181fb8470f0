import { randomUUID } from 'node:crypto'
import pg from 'pg'

/** An empty database on the tests' PostgreSQL; its URL. */
export async function createDatabase(postgresUrl: string): Promise<string> {
  const name = `e2e_${randomUUID().replaceAll('-', '')}`
  const client = new pg.Client({ connectionString: `${postgresUrl}/postgres` })
  await client.connect()
  await client.query(`create database ${name}`)
  await client.end()
  return `${postgresUrl}/${name}`
}

/** Ask a database directly, as no client of the server can. */
export async function query<Row extends pg.QueryResultRow>(url: string, text: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Row>(text)).rows
  } finally {
    await client.end()
  }
}
