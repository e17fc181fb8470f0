import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { createJournal } from '../../changes/journal/journal.ts'
import type { JournalStore } from '../../changes/journal/store.ts'
import type { Approvals } from '../../governance/governance.ts'
import type { App } from '../../http/server.ts'
import { scopeOf, scopeOfRecord, type TenantScope } from '../../identity/scope.ts'
import type { Outbound } from '../../ports/outbound.ts'
import type { Shared } from '../../shared.ts'
import type { RunExecutions } from '../children/of-runs.ts'
import { createPlaces } from '../executions/places.ts'
import { removeTree } from '../files/own.ts'
import type { Host } from '../host.ts'
import { viewOf } from '../interpreter/blackboard.ts'
import type { Limits } from '../limits/limits.ts'
import type { JournalStreams } from '../record/streams.ts'
import type { RunVolumes } from '../run-volumes/run-volumes.ts'
import { createEmbeddedEngine } from '../runs/embedded.ts'
import { type Engine, type Outcome, subjectOf, type Worker } from '../runs/engine.ts'
import { runRoutes } from '../runs/routes.ts'
import type { RunRecord } from '../runs/run-record.ts'
import { createRuns, type Runnable, type Runs, requireRoom } from '../runs/runs.ts'
import { createRunStore } from '../runs/store.ts'
import { logEntryOf, type RunTold } from '../runs/told.ts'
import { loadTemplates } from '../templates/renderer.ts'
import type { RuntimeCaller } from '../visibility.ts'
import { workAgent } from './agent.ts'
import { createEntryAgents } from './agents.ts'
import { workContainer, workContainers } from './containers.ts'
import { workHandler } from './handler.ts'
import { createHumanStates } from './human.ts'
import { workParallelAgents } from './parallel.ts'
import { workSubworkflow } from './subworkflow.ts'
import { workSystem } from './system.ts'

/** What keeps runs of workflows going here. */
export interface WorkflowRuns {
  readonly runs: Runs
  routes(app: App): void
  /** Take up what this server did when it ended; needs the sandbox. Keeps nobody waiting. */
  start(): void
  /** Work for nothing any more. */
  stop(): Promise<void>
  /** Say that what runs here is alive, and take over what nobody works for. */
  beat(): Promise<void>
  /** For what starts workflows by itself. */
  readonly begin: Runs['begin']
  /** Runs of each of these workflows that the caller's tenant has. */
  count(caller: RuntimeCaller, workflowIds: readonly string[]): Promise<ReadonlyMap<string, number>>
  /** End all that are under way. */
  cancelAll(scope: TenantScope, reason: string): Promise<void>
}

const CANCELLED_AT_ONCE = 100

export function createWorkflowRuns(
  deps: Pick<Shared, 'config' | 'database' | 'bus' | 'clock' | 'random' | 'idempotency'> & {
    logger: Logger
    owner: string
    host: Pick<Host, 'sandboxFor' | 'gateway'>
    journalStore: JournalStore
    streams: JournalStreams
    approvals: Approvals
    limits: Pick<Limits, 'begin'>
    takesNew: () => boolean
    count: (status: string) => void
    executions: RunExecutions
    outbound: Outbound
    volumes: RunVolumes
    findExecution: Parameters<typeof createRuns>[0]['findExecution']
    findWorkflow: (of: { readonly tenantId: string }, nameOrId: string, version: string | null) => Promise<Runnable>
    /** A run has ended: told until it was heard, which may be more than once. */
    ended: (run: RunRecord) => Promise<void>
    removed: Parameters<typeof createRuns>[0]['removed']
    /** Where the files of runs are, a folder for each. */
    folder: string
  },
): WorkflowRuns {
  const { database, clock, random, logger, host, journalStore, streams, approvals, executions, volumes, folder } = deps
  const store = createRunStore(database)
  const journal = createJournal<RunTold>({
    ...deps,
    store: journalStore,
    shownAs: logEntryOf,
    onPublishError: (err) => logger.error({ err }, 'bus refused a message'),
  })
  const folderOf = (id: string) => join(folder, id)
  const workspaceOf = ({ id }: Pick<RunRecord, 'id'>) => join(folderOf(id), 'workspace')
  /** Of commands that run at once. */
  const places = createPlaces(deps.config.maxExecutions)

  const people = createHumanStates({ approvals, clock })

  const worker: Worker = async (run, pending, { signal, again }) => {
    const { entry, work } = pending
    const isWanted = (within: Parameters<typeof store.isCurrent>[3]) =>
      store.isCurrent(scopeOfRecord(run), run.id, entry, within)
    const agents = createEntryAgents({ executions, clock }, run, {
      entry,
      signal,
      async isWanted(within, id) {
        if (!(await isWanted(within))) return false
        await store.addChild(run.id, { kind: 'execution', id, entry }, within)
        return true
      },
    })
    const own = join(folderOf(run.id), `state-${entry}`)
    const mounted = (use: (workspace: string) => Promise<Outcome | null>) =>
      volumes.within(run, { shared: workspaceOf(run), own }, signal, use)
    const view = async () => ({ values: viewOf(run.state), templates: await loadTemplates() })
    switch (work.kind) {
      case 'Agent':
        return workAgent(agents, work, await view(), await volumes.forAgents(run))
      case 'ParallelAgents':
        return workParallelAgents(agents, work, await view(), await volumes.forAgents(run))
      case 'Handler':
        return workHandler({ agents, outbound: deps.outbound }, run, { entry, work })
      case 'Subworkflow':
        return workSubworkflow(
          {
            store,
            volumes,
            start: engine.start,
            findWorkflow: deps.findWorkflow,
            requireRoom: (of) => requireRoom(store, scopeOfRecord(of)),
          },
          run,
          { entry, work },
          isWanted,
        )
      case 'System': {
        const place = await places.take(signal)
        return mounted((workspace) => workSystem({ host, clock, random, workspace }, work, signal)).finally(
          place.giveBack,
        )
      }
      case 'ContainerRun':
        return mounted((workspace) => workContainer({ host, places, clock, random, workspace }, work, signal))
      case 'ParallelContainerRun':
        return mounted((workspace) => workContainers({ host, places, clock, random, workspace }, work, signal))
      case 'Human':
        return people.ask(
          run,
          { ...pending, work },
          { signal, again, isWanted: () => database.db.transaction().execute(isWanted) },
        )
    }
  }

  /** Everything that the run asked for and that it does not wait for any more: whatever is asked twice stays as it is. */
  async function release(run: RunRecord): Promise<void> {
    const hasEnded = run.state.status !== 'running'
    const before = hasEnded ? run.state.entry + 1 : run.state.entry
    const { tenantId } = run
    const over = await store.listChildren(run.id, before)
    const ids = over.flatMap(({ kind, id }) => (kind === 'execution' ? [id] : []))
    await executions.cancel({ tenantId, ids }, 'The workflow does not wait for it any more.')
    for (const { kind, id } of over)
      if (kind === 'run')
        await engine.tell(
          { id, tenantId },
          { type: 'cancelled', at: clock.now(), reason: 'The workflow that began it does not wait for it any more.' },
        )
    if (over.length > 0) await store.forgetChildren(run.id, before)
    if (!hasEnded) return
    await approvals.withdraw({ tenantId: run.tenantId, subject: subjectOf(run) }, 'What asked has ended.')
    await deps.ended(run)
    await removeTree(folderOf(run.id))
    await volumes.release(run)
  }

  const engine: Engine = createEmbeddedEngine({
    ...deps,
    store,
    journal,
    writers: database.writers,
    worker,
    release,
    lookThrough: people.lookThrough,
  })
  const runs = createRuns({ ...deps, store, engine, release })

  /** Files of runs that another server brought to their end while this one was gone. */
  async function clear(): Promise<void> {
    const ids = await readdir(folder).catch(() => [])
    const alive = await store.listUnreleased(ids)
    for (const id of ids) if (!alive.has(id)) await removeTree(folderOf(id))
  }

  return {
    runs,
    routes: (app) => runRoutes(app, { runs, streams }),
    begin: runs.begin,
    count: (caller, ids) => store.count(scopeOf(caller), ids),
    async cancelAll(scope, reason) {
      const page = { workflowId: null, workflowName: null, status: 'running', limit: CANCELLED_AT_ONCE, offset: 0 }
      const tried = new Set<string>()
      for (;;) {
        const found = (await store.list(scope, page)).filter(({ id }) => !tried.has(id))
        if (found.length === 0) break
        for (const { id } of found) {
          tried.add(id)
          const run = await store.find(scope, id)
          if (run) await engine.tell(run, { type: 'cancelled', at: clock.now(), reason })
        }
      }
    },
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
