/**
 * Does the server grow? A built server, the mixed load of `load.ts`, and a look at what the process holds every few seconds.
 *
 *   npm run build
 *   node --conditions=@lictor/source bench/soak/run.ts [--minutes 60] [--rate ROUNDS_PER_SECOND] [--database sqlite|postgres] [--json FILE]
 *
 * Without `--rate` it finds the most rounds a second this machine can do, and loads it with half of them. A round is two batches
 * of 50 events, two counters, a stream that comes and goes, an approval asked for, waited for and decided (with a notification),
 * and five queries; every 25th deploys, every 20th logs in, every 10th tries a bundle. Ends with code 1 when memory surely grows
 * in a run of ten minutes or more, or when a request fails.
 */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { startPostgres } from '../../packages/server/test/postgres.ts'
import { writeFigures } from '../figures.ts'
import { isLeak, trendOf } from './analysis.ts'
import { openLoad, SETTINGS } from './load.ts'
import { startSubject } from './server.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    rate: { type: 'string' },
    database: { type: 'string', default: 'sqlite' },
    json: { type: 'string' },
  },
})
const MIB = 1024 * 1024
const CALIBRATION_MS = 15_000
const MOST_AT_ONCE = 32
/** Shorter runs say what they saw; a verdict needs the time for caches to fill. */
const VERDICT_MINUTES = 10
/** MiB an hour: what the noise of an allocator may look like. */
const TOLERATED = { heap: 3, rss: 12 }

const minutes = Number(values.minutes)
const folder = mkdtempSync(join(tmpdir(), 'lictor-soak-'))
const postgres = values.database === 'postgres' ? await startPostgres({ durable: true }) : null
if (values.database === 'postgres' && !postgres) throw new Error('PostgreSQL is not installed.')
const subject = await startSubject({
  LICTOR_DATA_DIR: folder,
  ...SETTINGS,
  ...(postgres ? { DATABASE_URL: await newDatabase(postgres.url) } : {}),
})
const load = await openLoad(subject.address)
try {
  const rate = values.rate === undefined ? (await mostRounds()) / 2 : Number(values.rate)
  console.log(`${values.database}, ${minutes} minutes, ${rate.toFixed(1)} rounds a second`)
  await soak(rate)
} finally {
  await load.close()
  await subject.stop()
  await postgres?.stop()
  rmSync(folder, { recursive: true, force: true })
}

/** Rounds a second with sixteen always under way. */
async function mostRounds(): Promise<number> {
  const end = performance.now() + CALIBRATION_MS
  const before = load.rounds
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      while (performance.now() < end) await load.round()
    }),
  )
  return (load.rounds - before) / (CALIBRATION_MS / 1000)
}

interface Look {
  readonly hours: number
  readonly rss: number
  readonly heap: number
  readonly files: number
  readonly sockets: number
  readonly lag: number
}

async function soak(rate: number): Promise<void> {
  const started = performance.now()
  const end = started + minutes * 60_000
  const everyMs = Math.max(2_000, (minutes * 60_000) / 240)
  const looks: Look[] = []
  const failures = new Map<string, number>()
  let underWay = 0
  let late = 0
  let startedRounds = 0
  let nextLook = started
  while (performance.now() < end) {
    const due = started + (startedRounds / rate) * 1000
    const wait = due - performance.now()
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
    startedRounds++
    if (underWay >= MOST_AT_ONCE) late++
    else {
      underWay++
      void load
        .round()
        .catch((error: Error) => failures.set(error.message, (failures.get(error.message) ?? 0) + 1))
        .finally(() => underWay--)
    }
    if (performance.now() >= nextLook) {
      nextLook += everyMs
      looks.push(await look(started))
      if (looks.length % 20 === 1) tell(looks.at(-1), underWay)
    }
  }
  while (underWay > 0) await new Promise((resolve) => setTimeout(resolve, 100))
  report(rate, looks, failures, late)
}

async function look(started: number): Promise<Look> {
  const [holding, metrics] = [await subject.look(), await load.metrics()]
  return {
    hours: (performance.now() - started) / 3_600_000,
    rss: holding.rss / MIB,
    heap: (holding.heapUsed + holding.external) / MIB,
    files: subject.openFiles(),
    sockets: holding.handles.TCPSocketWrap ?? 0,
    lag: (metrics.get('nodejs_eventloop_lag_p99_seconds') ?? 0) * 1000,
  }
}

function tell(one: Look | undefined, underWay: number): void {
  if (!one) return
  console.log(
    `${(one.hours * 60).toFixed(1)} min: RSS ${one.rss.toFixed(0)} MiB, heap ${one.heap.toFixed(1)} MiB, ${one.files} files, ${one.sockets} sockets, event loop p99 ${one.lag.toFixed(0)} ms, ${underWay} rounds under way, ${load.rounds} rounds, ${load.notified} notifications`,
  )
}

function report(rate: number, looks: readonly Look[], failures: ReadonlyMap<string, number>, late: number): void {
  if (looks.length < 9) throw new Error(`${looks.length} samples say nothing: let it run longer.`)
  const rss = trendOf(looks.map(({ hours, rss: mib }) => ({ hours, mib })))
  const heap = trendOf(looks.map(({ hours, heap: mib }) => ({ hours, mib })))
  const rounded = (number: number) => Math.round(number * 100) / 100
  for (const [what, trend] of [
    ['RSS', rss],
    ['heap after collection', heap],
  ] as const)
    console.log(
      `${what}: ${rounded(trend.slope)} ± ${rounded(trend.margin)} MiB an hour; last third over middle third ${trend.ratio.toFixed(4)}`,
    )
  const [first, last] = [looks[Math.floor(looks.length / 3)], looks.at(-1)]
  console.log(`files ${first?.files} → ${last?.files}, sockets ${first?.sockets} → ${last?.sockets}`)
  console.log(
    `${load.rounds} rounds, ${load.notified} notifications, ${late} rounds left out because 32 were under way`,
  )
  for (const [message, times] of failures) console.log(`${times} times: ${message}`)
  const what = `${values.database}, ${minutes} minutes at ${rate.toFixed(1)} rounds/s`
  writeFigures(
    values.json,
    [
      { what: `RSS growth, ${what}`, value: rounded(rss.slope), unit: 'MiB/h' },
      { what: `RSS growth, margin, ${what}`, value: rounded(rss.margin), unit: 'MiB/h' },
      { what: `RSS, last third over middle third, ${what}`, value: rounded(rss.ratio), unit: 'x' },
      { what: `heap growth, ${what}`, value: rounded(heap.slope), unit: 'MiB/h' },
    ],
    { looks },
  )
  const leaks = minutes >= VERDICT_MINUTES && (isLeak(heap, TOLERATED.heap) || isLeak(rss, TOLERATED.rss))
  if (leaks) console.error('Memory grows.')
  if (leaks || failures.size > 0) process.exitCode = 1
}

async function newDatabase(url: string): Promise<string> {
  const name = `soak_${randomUUID().replaceAll('-', '')}`
  const client = new pg.Client({ connectionString: `${url}/postgres` })
  await client.connect()
  await client.query(`create database ${name}`)
  await client.end()
  return `${url}/${name}`
}
