import { randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import pg from 'pg'
import { inject } from 'vitest'
import type { Left } from '../scripts/released/scenario.ts'
import type {} from './databases.global.ts'

/** What a released version left behind (`released/README.md`). */
export interface Facts extends Left {
  readonly masterKey: string
  /** The instant at which it was asked. */
  readonly now: number
}

export interface Restored {
  readonly facts: Facts
  /** Settings of a server on a copy of the data. */
  readonly environment: Readonly<Record<string, string>>
  clean(): Promise<void>
}

const folder = fileURLToPath(new URL('../released/', import.meta.url))

/** Oldest first. */
export const releasedVersions = (): string[] =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))

export async function restoreReleased(version: string, dialect: 'sqlite' | 'postgres'): Promise<Restored> {
  const read = (name: string) => readFileSync(join(folder, version, name))
  const facts = JSON.parse(gunzipSync(read(`${dialect}.json.gz`)).toString()) as Facts
  const scratch = mkdtempSync(join(tmpdir(), 'lictor-released-'))
  const dataDir = join(scratch, 'data')
  mkdirSync(dataDir)
  const settings = { LICTOR_DATA_DIR: dataDir, LICTOR_MASTER_KEY: facts.masterKey }
  const removeFolder = () => rmSync(scratch, { recursive: true, force: true })
  if (dialect === 'sqlite') {
    writeFileSync(join(dataDir, 'lictor.db'), gunzipSync(read('sqlite.db.gz')))
    return { facts, environment: settings, clean: async () => removeFolder() }
  }
  const made = await postgresDatabase(gunzipSync(read('postgres.sql.gz')).toString())
  return {
    facts,
    environment: { ...settings, DATABASE_URL: made.url },
    async clean() {
      await made.drop()
      removeFolder()
    },
  }
}

/** A PostgreSQL database of its own, empty but for what `sql` makes. */
export async function postgresDatabase(sql = ''): Promise<{ url: string; drop(): Promise<void> }> {
  const base = inject('postgresUrl')
  const name = `r_${randomUUID().replaceAll('-', '')}`
  await execute(`${base}/postgres`, `create database ${name}`)
  const url = `${base}/${name}`
  if (sql !== '') await execute(url, sql)
  return { url, drop: () => execute(`${base}/postgres`, `drop database if exists ${name} with (force)`) }
}

async function execute(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}
