import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { createJournal } from '../../changes/journal/journal.ts'
import type { JournalStore } from '../../changes/journal/store.ts'
import type { Approvals } from '../../governance/governance.ts'
import type { App } from '../../http/server.ts'
import { scopeOf, scopeOfRecord } from '../../identity/scope.ts'
import type { Shared } from '../../shared.ts'
import type { RunExecutions } from '../children/of-runs.ts'
import { createPlaces } from '../executions/places.ts'
import type { Host } from '../host.ts'
import type { JournalStreams } from '../record/streams.ts'
import type { RuntimeCaller } from '../visibility.ts'
import { executionIdOf, workAgent } from './agent-work.ts'
import { createEngine, subjectOf, type Worker } from './engine.ts'
import { workHuman } from './human-work.ts'
import { runRoutes } from './routes.ts'
import type { RunRecord } from './run-record.ts'
import { createRuns, type Runnable } from './runs.ts'
import { createRunStore } from './store.ts'
import { workSystem } from './system-work.ts'
import { logEntryOf, type RunTold } from './told.ts'

/** What keeps runs of workflows going here. */
export interface WorkflowRuns {
  routes(app: App): void
  /** Take up what this server did when it ended; needs the sandbox. Keeps nobody waiting. */
  start(): void
  /** Work for nothing any more. */
  stop(): Promise<void>
  /** Say that what runs here is alive, and take over what nobody works for. */
  beat(): Promise<void>
  /** Runs of each of these workflows that the caller's tenant has. */
  count(caller: RuntimeCaller, workflowIds: readonly string[]): Promise<ReadonlyMap<string, number>>
}

export function createWorkflowRuns(
  deps: Pick<Shared, 'config' | 'database' | 'bus' | 'clock' | 'random' | 'idempotency'> & {
    logger: Logger
    owner: string
    host: Pick<Host, 'sandboxFor' | 'gateway'>
    journalStore: JournalStore
    streams: JournalStreams
    approvals: Approvals
    executions: RunExecutions
    findWorkflow: (caller: RuntimeCaller, nameOrId: string, version: string | null) => Promise<Runnable>
    /** Where the files of runs are, a folder for each. */
    folder: string
  },
): WorkflowRuns {
  const { database, clock, random, logger, host, journalStore, streams, approvals, executions, folder } = deps
  const store = createRunStore(database)
  const journal = createJournal<RunTold>({
    ...deps,
    store: journalStore,
    shownAs: logEntryOf,
    onPublishError: (err) => logger.error({ err }, 'bus refused a message'),
  })
  const folderOf = (id: string) => join(folder, id)
  /** Of commands that run at once. */
  const places = createPlaces(deps.config.maxExecutions)

  const worker: Worker = async (run, pending, { signal }) => {
    const { entry, work, state } = pending
    const isWanted = (within: Parameters<typeof store.isCurrent>[3]) =>
      store.isCurrent(scopeOfRecord(run), run.id, entry, within)
    switch (work.kind) {
      case 'Agent':
        return workAgent(executions, run, { entry, work }, { signal, isWanted })
      case 'System': {
        const place = await places.take(signal)
        const workspace = join(folderOf(run.id), 'workspace')
        return workSystem({ host, clock, random, workspace }, work, signal).finally(place.giveBack)
      }
      case 'Human':
        return workHuman(
          { approvals, clock },
          run,
          { ...pending, work },
          { signal, isWanted: () => database.db.transaction().execute(isWanted) },
        )
      default:
        // Refused when the run was started; a server of another version may have started it.
        throw new Error(`State '${state}' is of kind ${work.kind}, which this server does not run yet.`)
    }
  }

  /** Everything that the run asked for and that it does not wait for any more: whatever is asked twice stays as it is. */
  async function release(run: RunRecord): Promise<void> {
    const hasEnded = run.state.status !== 'running'
    const ids = Array.from({ length: run.state.entry }, (_, index) => executionIdOf(run.id, index + 1))
    const over = hasEnded ? ids : ids.slice(0, -1)
    await executions.cancel({ tenantId: run.tenantId, ids: over }, 'The workflow does not wait for it any more.')
    if (!hasEnded) return
    await approvals.withdraw({ tenantId: run.tenantId, subject: subjectOf(run) }, 'What asked has ended.')
    await rm(folderOf(run.id), { recursive: true, force: true })
  }

  const engine = createEngine({ ...deps, store, journal, worker, release })
  const runs = createRuns({ ...deps, store, engine, release })

  /** Files of runs that another server brought to their end while this one was gone. */
  async function clear(): Promise<void> {
    const ids = await readdir(folder).catch(() => [])
    const alive = await store.listUnreleased(ids)
    for (const id of ids) if (!alive.has(id)) await rm(folderOf(id), { recursive: true, force: true })
  }

  return {
    routes: (app) => runRoutes(app, { runs, streams }),
    count: (caller, ids) => store.count(scopeOf(caller), ids),
    async beat() {
      await engine.beat()
      await engine.sweep()
    },
    start() {
      const begin = async () => {
        await clear()
        await engine.sweep()
      }
      begin().catch((err: unknown) => logger.error({ err }, 'workflows could not be taken up; it is tried again'))
    },
    stop: engine.stop,
  }
}
