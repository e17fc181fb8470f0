/**
 * The embedded engine of workflows: durable transitions a second under many runs, a run of three states alone, runs that are taken
 * up again after their server was killed, and what ten thousand questions that wait cost.
 *
 *   node --conditions=@lictor/source bench/workflows/run.ts [--json FILE] [--postgres URL] [--waiting 10000]
 *
 * States answer at once, so that nothing but the engine is measured: each transition is one transaction with the state of the run,
 * its event and what is told of it. `--postgres` names an empty database, and is run beside SQLite.
 */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { WorkflowManifest } from '@lictor/aegis'
import pino from 'pino'
import { createInProcessBus } from '../../packages/server/src/adapters/bus/in-process.ts'
import { systemClock } from '../../packages/server/src/adapters/clock/system.ts'
import { createJournal } from '../../packages/server/src/changes/journal/journal.ts'
import { createJournalStore } from '../../packages/server/src/changes/journal/store.ts'
import { openDatabase } from '../../packages/server/src/open-database.ts'
import { createEmbeddedEngine } from '../../packages/server/src/runtime/runs/embedded.ts'
import type { Worker } from '../../packages/server/src/runtime/runs/engine.ts'
import { createRunStore } from '../../packages/server/src/runtime/runs/store.ts'
import { logEntryOf, type RunTold } from '../../packages/server/src/runtime/runs/told.ts'
import type { Database } from '../../packages/server/src/storage/database.ts'
import { migrate } from '../../packages/server/src/storage/migrate.ts'
import { type Figure, quantile, writeFigures } from '../figures.ts'
import { startNode, stop, written } from '../processes.ts'

const RUNS = 200
const AT_ONCE = 64
const ALONE = 200
const KILLED = 1_000
const { values } = parseArgs({
  options: {
    json: { type: 'string' },
    postgres: { type: 'string', default: '' },
    waiting: { type: 'string', default: '10000' },
  },
})
const figures: Figure[] = []
const system = { kind: 'System', command: 'true' }
/** Five states in a circle, until a hundred transitions are made. */
const circle = definitionOf(
  Object.fromEntries(
    ['A', 'B', 'C', 'D', 'E'].map((name, index, all) => [
      name,
      { ...system, max_state_visits: 20, transitions: [{ target: all[(index + 1) % all.length] }] },
    ]),
  ),
  { max_total_transitions: 100 },
)
const three = definitionOf({
  A: { ...system, transitions: [{ target: 'B' }] },
  B: { ...system, transitions: [{ target: 'C' }] },
  C: { ...system, transitions: [] },
})

const folder = mkdtempSync(join(tmpdir(), 'lictor-bench-'))
try {
  await benchEngine('SQLite', await openDatabase({ databaseUrl: '', dataDir: folder }, console))
  if (values.postgres !== '')
    await benchEngine('PostgreSQL', await openDatabase({ databaseUrl: values.postgres, dataDir: folder }, console))
  if (Number(values.waiting) > 0) await benchWaiting(Number(values.waiting))
} finally {
  rmSync(folder, { recursive: true, force: true })
}
for (const { what, value, unit, beside } of figures)
  console.log(
    `${what}: ${value.toPrecision(4)} ${unit}${beside ? ` (${beside.what}: ${beside.value.toPrecision(4)})` : ''}`,
  )
writeFigures(values.json, figures)

function definitionOf(states: object, spec: object = {}) {
  return WorkflowManifest.from({ initial_state: 'A', states, ...spec }, { metadata: { name: 'bench' } }).toJSON()
}

async function benchEngine(name: string, database: Database): Promise<void> {
  await migrate(database)
  const store = createRunStore(database)
  const bus = createInProcessBus()
  const journal = createJournal<RunTold>({
    database,
    bus,
    clock: systemClock,
    store: createJournalStore(database),
    shownAs: logEntryOf,
    onPublishError: () => {},
  })
  const ended = new Map<string, () => void>()
  const engineOf = (worker: Worker) =>
    createEmbeddedEngine({
      writers: database.writers,
      takesNew: () => true,
      count: () => {},
      store,
      journal,
      bus,
      clock: systemClock,
      logger: pino({ level: 'error' }),
      owner: 'bench',
      release: async ({ id }) => ended.get(id)?.(),
      worker,
    })
  const engine = engineOf(async () => ({
    type: 'state_completed',
    result: { kind: 'System', exitCode: 0, stdout: '', stderr: '', durationMs: 0 },
  }))
  const begin = (definition: typeof three, of = engine, id: string = randomUUID()) =>
    of.start({
      id,
      tenantId: 'bench',
      workflowId: 'bench',
      workflowName: 'bench',
      definition,
      startedBy: 'bench',
      input: {},
      intent: null,
      overrides: {},
      volumes: { workspace: null, shared: {} },
    })
  /** Resolves when the run has ended, and that is on disk. */
  async function run(definition: typeof three): Promise<void> {
    const id = randomUUID()
    const end = new Promise<void>((resolve) => ended.set(id, resolve))
    await begin(definition, engine, id)
    await end
    ended.delete(id)
  }

  await run(three)
  let left = RUNS
  const started = performance.now()
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (left-- > 0) await run(circle)
    }),
  )
  const seconds = (performance.now() - started) / 1000
  const { made } = await database.db
    .selectFrom('workflow_run_log')
    .select((e) => e.fn.countAll().as('made'))
    .where('type', '=', 'state_completed')
    .executeTakeFirstOrThrow()
  const perSecond = (Number(made) - 3) / seconds
  figures.push({
    what: `durable transitions, ${AT_ONCE} runs at once, ${name}`,
    value: perSecond,
    unit: '/s',
    beside: { what: 'bare transactions of one row', value: await bareTransactions(database) },
    goal: { atLeast: 2_000 },
  })

  const alone: number[] = []
  for (let count = 0; count < ALONE; count++) {
    const before = performance.now()
    await run(three)
    alone.push(performance.now() - before)
  }
  figures.push({
    what: `a run of three states, alone, p50, ${name}`,
    value: quantile(alone, 0.5),
    unit: 'ms',
    goal: { atMost: 15 },
  })

  // Runs that a server was killed over: nothing of it is told, and the next one of the same name takes them up.
  await engine.stop()
  const silent = engineOf(async () => null)
  for (let count = 0; count < KILLED; count += AT_ONCE)
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, KILLED - count) }, () => begin(three, silent)))
  await silent.stop()
  let asked = 0
  const again = engineOf(async () => {
    asked++
    return null
  })
  const before = performance.now()
  await again.sweep()
  figures.push({
    what: `${KILLED} runs taken up again after a kill, ${name}`,
    value: (performance.now() - before) / 1000,
    unit: 's',
    goal: { atMost: 2 },
  })
  if (asked !== KILLED) throw new Error(`${asked} of ${KILLED} runs were taken up.`)
  await again.stop()
  await database.close()
}

/** The floor: as many transactions at once, each with one row of the size of a run. */
async function bareTransactions(database: Database): Promise<number> {
  const count = 5_000
  let next = 0
  const event = 'x'.repeat(2_000)
  const { id: run_id } = await database.db.selectFrom('workflow_runs').select('id').limit(1).executeTakeFirstOrThrow()
  const started = performance.now()
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (;;) {
        const sequence = next++
        if (sequence >= count) return
        const row = { run_id, sequence: 1_000_000 + sequence, type: 'bare', event, at: 0 }
        await database.db.transaction().execute((within) => within.insertInto('workflow_run_log').values(row).execute())
      }
    }),
  )
  return count / ((performance.now() - started) / 1000)
}

/** Questions to people, each with its time-out, that nobody answers. */
async function benchWaiting(count: number): Promise<void> {
  const server = startNode(
    ['--conditions=@lictor/source', '--expose-gc', fileURLToPath(new URL('server.ts', import.meta.url))],
    { DATABASE_URL: '', LICTOR_PORT: '0', LICTOR_DATA_DIR: join(folder, 'waiting'), LICTOR_SANDBOX: 'process' },
  )
  try {
    const address = (await written(server, /\n/)).trim()
    let cookie = ''
    const call = async (path: string, body: object): Promise<void> => {
      const answer = await fetch(`${address}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-requested-with': 'bench', cookie },
        body: JSON.stringify(body),
      })
      if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
      cookie = answer.headers.get('set-cookie')?.split(';')[0] ?? cookie
      await answer.arrayBuffer()
    }
    const administrator = { email: 'admin@example.com', password: 'correct horse battery' }
    await call('/api/v1/setup', administrator)
    await call('/api/v1/auth/login', administrator)
    const states = { ASK: { kind: 'Human', prompt: 'Well?', timeout: '24h', transitions: [] } }
    await call('/v1/workflows', { name: 'flow', definition: { initial_state: 'ASK', states } })
    await call('/v1/workflows/flow/run', {})
    await pause(2_000)
    const empty = { memory: await collected(), share: await idleShare() }
    let left = count - 1
    await Promise.all(
      Array.from({ length: 16 }, async () => {
        while (left-- > 0) await call('/v1/workflows/flow/run', {})
      }),
    )
    await pause(5_000)
    const full = { memory: await collected(), share: await idleShare() }
    figures.push(
      {
        what: `memory of ${count} questions that wait`,
        value: full.memory - empty.memory,
        unit: 'MiB',
        goal: { atMost: 100 },
      },
      {
        what: `processor time while ${count} questions wait`,
        value: full.share * 100,
        unit: '%',
        beside: { what: 'with one', value: empty.share * 100 },
        goal: { atMost: 2 },
      },
    )
  } finally {
    await stop(server)
  }

  /** Resident MiB after garbage is collected. */
  async function collected(): Promise<number> {
    const answer = once(server.stdout as NodeJS.ReadableStream, 'data')
    server.kill('SIGUSR2')
    const [chunk] = (await answer) as [Buffer]
    return Number(chunk.toString()) / 1024 ** 2
  }
  /** Of one processor, over twenty seconds. */
  async function idleShare(): Promise<number> {
    const ticks = () => {
      const stat = readFileSync(`/proc/${server.pid}/stat`, 'utf8')
      const [user = 0, kernel = 0] = stat
        .slice(stat.lastIndexOf(')') + 2)
        .split(' ')
        .slice(11, 13)
        .map(Number)
      return user + kernel
    }
    const before = ticks()
    await pause(20_000)
    return (ticks() - before) / 100 / 20
  }
}
