/**
 * What this version leaves behind in a database, for the tests of all later ones: one of everything, written by the real server.
 *
 *   node packages/server/scripts/released/write.ts
 *
 * Run once for each release, after `npm run build`, before it is tagged; needs PostgreSQL. What it wrote for a released version is never written again.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { InjectOptions, Response } from 'light-my-request'
import pino from 'pino'
import { createServer } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { version } from '../../src/version.ts'
import { aiProvider } from '../../test/ai-provider.ts'
import type { TestServer } from '../../test/harness.ts'
import { manualClock } from '../../test/manual-clock.ts'
import { postgresBinary, startPostgres } from '../../test/postgres.ts'
import { scriptEnvironment } from '../../test/runtime.ts'
import { CREDENTIALS, makeOneOfEverything } from './scenario.ts'

/** Of the data; no secret of anybody's. */
const MASTER_KEY = '5a'.repeat(32)
const GZIP = { level: 9 } as const
const LINES_NOT_SQL = /^(\\|SET |SELECT pg_catalog\.set_config)/

const folder = fileURLToPath(new URL(`../../released/${version}/`, import.meta.url))
const scratch = mkdtempSync(join(tmpdir(), 'lictor-released-'))
const postgres = await startPostgres({ durable: false })
if (!postgres) throw new Error('PostgreSQL is not installed.')
mkdirSync(folder, { recursive: true })
try {
  const sqliteFolder = join(scratch, 'sqlite')
  const compact = join(scratch, 'compact.db')
  await record('sqlite', { LICTOR_DATA_DIR: sqliteFolder }, () => {
    const database = new DatabaseSync(join(sqliteFolder, 'lictor.db'), { readOnly: true })
    database.exec(`vacuum into '${compact}'`)
    database.close()
  })
  write('sqlite.db.gz', gzipSync(execFileSync('cat', [compact]), GZIP))
  const url = `${postgres.url}/postgres`
  await record('postgres', { LICTOR_DATA_DIR: join(scratch, 'postgres'), DATABASE_URL: url }, () => {
    const dump = execFileSync(postgresBinary('pg_dump') ?? '', ['--inserts', '--no-owner', '--no-privileges', url])
    const lines = dump.toString().split('\n')
    write('postgres.sql.gz', gzipSync(lines.filter((line) => !LINES_NOT_SQL.test(line)).join('\n'), GZIP))
  })
} finally {
  await postgres.stop()
  rmSync(scratch, { recursive: true, force: true })
}

/** Run the scenario on a server; `keep` copies its database while it runs. */
async function record(name: string, database: Record<string, string>, keep: () => void): Promise<void> {
  const model = await aiProvider([{ text: 'Hello.' }])
  const environment = {
    ...database,
    ...scriptEnvironment([
      { tool_calls: [{ name: 'write_file', arguments: { path: 'notes.txt', content: 'three rows' } }] },
      { text: 'Done.' },
    ]),
    LICTOR_MASTER_KEY: MASTER_KEY,
    LICTOR_PORT: '0',
    LICTOR_OUTBOUND_ALLOW: '127.0.0.0/8',
    LICTOR_ANTHROPIC_BASE_URL: `${model.url}/v1`,
    LICTOR_AI_PRICES_URL: `${model.url}/prices`,
  }
  const clock = manualClock()
  const server = await createServer(readConfig(environment), pino({ level: 'silent' }), {
    clock,
    passwordCost: 16,
    consoleDir: null,
  })
  const request = (options: InjectOptions) => server.http.inject(options) as Promise<Response>
  const address = await server.listen()
  await request({ method: 'POST', url: '/api/v1/setup', payload: CREDENTIALS })
  const login = await request({ method: 'POST', url: '/api/v1/auth/login', payload: CREDENTIALS })
  const cookie = String(login.headers['set-cookie']).split(';')[0] ?? ''
  const headers = { cookie, 'x-requested-with': 'script' }
  const t = { server, clock, request, admin: async () => headers } as unknown as TestServer
  const left = await makeOneOfEverything(t, address, model.url)
  keep()
  await server.close()
  await model.close()
  const facts = { masterKey: MASTER_KEY, now: clock.now(), ...left }
  write(`${name}.json.gz`, gzipSync(JSON.stringify(facts), GZIP))
}

function write(file: string, content: Buffer): void {
  writeFileSync(join(folder, file), content)
  console.log(`${file}: ${content.length} bytes`)
}
