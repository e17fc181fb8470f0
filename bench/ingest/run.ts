/**
 * Audit events over HTTP: 64 connections, batches of 50, durable and de-duplicated, on SQLite and on PostgreSQL; beside it the bare
 * driver inserting the same rows into the same table in the same batch sizes. Server, clients and floor are processes of their own.
 *
 *   node --conditions=@lictor/source bench/ingest/run.ts [--seconds N] [--json FILE]
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { startPostgres } from '../../packages/server/test/postgres.ts'
import { writeFigures } from '../figures.ts'
import { BATCH } from './events.ts'

interface Load {
  readonly eventsPerSecond: number
  /** Milliseconds from when a batch was due to its answer. */
  readonly p50: number
  readonly p99: number
}

interface Row {
  readonly database: string
  readonly floor: number
  /** As fast as the server answers. */
  readonly flatOut: Load
  /** At the goal of 40,000 events a second. */
  readonly paced: Load
  /** At half of what it answers flat out: a rate that it holds. */
  readonly half: Load
  /** The highest of the rates tried at which 99 of 100 batches were answered in 50 ms. */
  readonly held: Load | null
}

const GOAL = 40_000
const GOAL_MS = 50
/** Of what the server answers flat out. */
const SHARES_TRIED = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2]
const { values } = parseArgs({ options: { seconds: { type: 'string', default: '8' }, json: { type: 'string' } } })

const rows: Row[] = []
const folder = mkdtempSync(join(tmpdir(), 'lictor-bench-'))
try {
  rows.push(await benchSqlite())
  const postgres = await startPostgres({ durable: true })
  if (!postgres) console.warn('PostgreSQL is not installed: left out.')
  else {
    rows.push(await benchPostgres(postgres.url))
    await postgres.stop()
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
report(rows)

async function benchSqlite(): Promise<Row> {
  const measured = await load({ LICTOR_DATA_DIR: join(folder, 'sqlite') })
  const bare = join(folder, 'floor')
  // The server makes the table of the floor, and is gone before the floor writes to it.
  await stop((await startServer({ LICTOR_DATA_DIR: bare })).child)
  return { database: 'SQLite', ...measured, floor: await floor('sqlite', join(bare, 'lictor.db')) }
}

async function benchPostgres(url: string): Promise<Row> {
  const measured = await load({ DATABASE_URL: await newDatabase(url, 'bench'), LICTOR_DATA_DIR: join(folder, 'pg') })
  const bare = await newDatabase(url, 'floor')
  await stop((await startServer({ DATABASE_URL: bare, LICTOR_DATA_DIR: join(folder, 'pg-floor') })).child)
  return { database: 'PostgreSQL', ...measured, floor: await floor('postgres', bare) }
}

async function load(environment: Record<string, string>): Promise<Pick<Row, 'flatOut' | 'paced' | 'half' | 'held'>> {
  const { child, address, keys } = await startServer(environment)
  const clients = async (seconds: string, rate: number) =>
    JSON.parse(await output(run('clients.ts', [address, seconds, String(rate), ...keys]))) as Load
  await clients('1', 0)
  const flatOut = await clients(values.seconds, 0)
  const paced = await clients(values.seconds, GOAL / BATCH)
  const at = (share: number) => clients(values.seconds, Math.round((share * flatOut.eventsPerSecond) / BATCH))
  const half = await at(0.5)
  let held: Load | null = null
  for (const share of SHARES_TRIED) {
    const load = share === 0.5 ? half : await at(share)
    if (load.p99 > GOAL_MS) continue
    held = load
    break
  }
  await stop(child)
  return { flatOut, paced, half, held }
}

async function floor(kind: string, where: string): Promise<number> {
  const { eventsPerSecond } = JSON.parse(await output(run('floor.ts', [kind, where, values.seconds]))) as Load
  return eventsPerSecond
}

async function newDatabase(url: string, name: string): Promise<string> {
  const client = new pg.Client({ connectionString: `${url}/postgres` })
  await client.connect()
  await client.query(`create database ${name}`)
  await client.end()
  return `${url}/${name}`
}

async function startServer(environment: Record<string, string>) {
  const child = run('server.ts', [], { LICTOR_PORT: '0', ...environment })
  const { address, keys } = JSON.parse(await firstLine(child)) as { address: string; keys: string[] }
  return { child, address, keys }
}

function run(file: string, parameters: string[], environment: Record<string, string> = {}): ChildProcess {
  const path = fileURLToPath(new URL(file, import.meta.url))
  return spawn(process.execPath, ['--conditions=@lictor/source', path, ...parameters], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')))
    })
    child.once('exit', (code) => reject(new Error(`A process of the bench ended with code ${code}.`)))
  })
}

function output(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    child.once('close', (code) => {
      if (code === 0) resolve(text)
      else reject(new Error(`A process of the bench ended with code ${code}.`))
    })
  })
}

async function stop(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await ended
}

function report(measured: readonly Row[]): void {
  for (const { database, floor: bare, flatOut, paced, half, held } of measured) {
    const share = Math.round((flatOut.eventsPerSecond / bare) * 100)
    console.log(
      `${database}: ${flatOut.eventsPerSecond} events/s over HTTP (p50 ${flatOut.p50} ms, p99 ${flatOut.p99} ms), ${share} % of the bare driver's ${bare}; at ${GOAL}/s: ${paced.eventsPerSecond} events/s, p50 ${paced.p50} ms, p99 ${paced.p99} ms; at half of the most: ${half.eventsPerSecond} events/s, p50 ${half.p50} ms, p99 ${half.p99} ms; p99 within ${GOAL_MS} ms up to ${held?.eventsPerSecond ?? 0} events/s`,
    )
  }
  writeFigures(
    values.json,
    measured.flatMap(({ database, floor: bare, flatOut, paced, half, held }) => [
      {
        what: `event ingest, ${database}`,
        value: flatOut.eventsPerSecond,
        unit: 'events/s',
        beside: { what: 'bare driver', value: bare },
        goal: { atLeast: GOAL },
      },
      {
        what: `event ingest at 40,000/s, ${database}, p99`,
        value: paced.p99,
        unit: 'ms',
        goal: { atMost: GOAL_MS },
      },
      {
        what: `event ingest at half of its most, ${database}, p99`,
        value: half.p99,
        unit: 'ms',
        goal: { atMost: GOAL_MS },
      },
      {
        what: `event ingest with p99 within ${GOAL_MS} ms, ${database}`,
        value: held?.eventsPerSecond ?? 0,
        unit: 'events/s',
      },
    ]),
    { rows: measured },
  )
}
