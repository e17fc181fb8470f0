import { existsSync } from 'node:fs'
import type { Logger } from 'pino'
import { scopeOfRecord, systemScope } from '../../identity/scope.ts'
import type { Bus } from '../../ports/bus.ts'
import type { Clock } from '../../ports/clock.ts'
import { microsOf } from '../../storage/instants.ts'
import { TASK_KEY } from '../children/children.ts'
import { draft } from '../record/events.ts'
import { type Execution, type Orphan, unfinished } from '../record/execution.ts'
import type { ExecutionJournal } from '../record/journal.ts'
import type { ExecutionStore } from '../record/store.ts'

/** An owner that has not been heard of for this long is gone. */
const SILENT_OWNER_MS = 90_000
/** An execution has ended, and whichever server runs it shall stop. */
const ENDED_TOPIC = 'execution-ended'

/** What runs executions here. */
interface Runs {
  has(id: string): boolean
  expect(id: string): void
  forget(id: string): void
  supervise(execution: Execution): void
  letGo(id: string): Promise<void>
  readonly running: readonly Pick<Execution, 'id' | 'generation'>[]
  readonly isStopping: boolean
}

/** Which of several servers runs an execution. One whose server is gone is taken over by exactly one other, or by itself come back. */
export interface Ownership {
  /** Take over what nobody runs. What cannot be taken over now is tried again the next time, and keeps nothing else waiting. */
  sweep(): Promise<void>
  /** Say that what runs here is alive, and let go of what has ended or is another's. */
  beat(): Promise<void>
  /** Tell every server that an execution has ended. */
  tellEnded(id: string): Promise<void>
  /** Begin with a sweep, which keeps nobody waiting for this server. */
  start(): void
  stop(): Promise<void>
}

export function createOwnership(deps: {
  store: ExecutionStore
  journal: ExecutionJournal
  runs: Runs
  /** End an execution whose parent has ended. */
  cancel: (execution: Execution, reason: string) => Promise<unknown>
  /** Whether this server takes up what another had to leave. */
  takesNew: () => boolean
  bus: Bus
  clock: Clock
  logger: Logger
  /** Names this server, and stays with its data folder. */
  owner: string
  workspaceOf: (executionId: string) => string
}): Ownership {
  const { store, journal, runs, cancel, bus, clock, logger, owner, workspaceOf } = deps

  const letGo = (id: string) =>
    void runs
      .letGo(id)
      .catch((err: unknown) => logger.error({ err, execution_id: id }, 'execution could not be let go of'))
  const unsubscribe = bus.subscribe(ENDED_TOPIC, (message) => letGo((message as { readonly id: string }).id))

  /** One that was handed over with files is for servers that see them, until its owner counts as gone. */
  function isForUs(orphan: Orphan): boolean {
    const isHandedOver = orphan.heartbeatAt === 0
    if (orphan.owner === owner || orphan.owner === '' || !isHandedOver) return true
    return existsSync(workspaceOf(orphan.id)) || clock.now() * 1000 - orphan.updatedAt >= SILENT_OWNER_MS * 1000
  }

  async function takeOver(orphan: Orphan): Promise<void> {
    runs.expect(orphan.id)
    try {
      if (!(await store.adopt(orphan, owner, microsOf(clock.now())))) return
      const execution = await store.find(scopeOfRecord(orphan), orphan.id)
      if (!execution || !unfinished.some((one) => one === execution.status)) return
      if (await hasLostParent(execution)) {
        await cancel(execution, 'The execution that began it has ended.')
        return
      }
      if (execution.status === 'running') await tellResumed(execution, orphan)
      logger.info({ execution_id: execution.id, from: orphan.owner }, 'execution taken over')
      runs.supervise(execution)
    } finally {
      runs.forget(orphan.id)
    }
  }

  async function hasLostParent({ parentId, tenantId, childKey }: Execution): Promise<boolean> {
    if (parentId === null) return false
    const parent = await store.find(scopeOfRecord({ tenantId }), parentId)
    // A task goes on when what began it has completed.
    if (parent?.status === 'completed' && childKey?.startsWith(TASK_KEY)) return false
    return !parent || !unfinished.some((one) => one === parent.status)
  }

  async function tellResumed(execution: Execution, orphan: Orphan): Promise<void> {
    const hasWorkspace = existsSync(workspaceOf(execution.id))
    await journal.record(execution, [
      draft('execution_resumed', {
        iteration_number: Math.max(1, execution.totalIterations),
        on_another_server: orphan.owner !== owner,
        workspace: hasWorkspace ? 'kept' : 'not on this server',
      }),
    ])
  }

  async function sweep(): Promise<void> {
    const silentSince = microsOf(clock.now() - SILENT_OWNER_MS)
    for (const orphan of await store.listOrphans(systemScope, owner, silentSince)) {
      if (runs.isStopping) return
      if (runs.has(orphan.id) || !isForUs(orphan)) continue
      if (orphan.owner !== owner && !deps.takesNew()) continue
      await takeOver(orphan).catch((err: unknown) =>
        logger.error({ err, execution_id: orphan.id }, 'execution could not be taken over; it is tried again'),
      )
    }
  }

  let sweeping: Promise<void> | null = null
  /** One at a time. */
  const sweepOnce = () => {
    sweeping ??= sweep().finally(() => {
      sweeping = null
    })
    return sweeping
  }

  return {
    sweep: sweepOnce,
    start() {
      sweepOnce().catch((err: unknown) =>
        logger.error({ err }, 'executions could not be taken over; it is tried again'),
      )
    },
    async beat() {
      // What was handed over must not look alive.
      if (runs.isStopping) return
      await store.touch(owner, microsOf(clock.now()))
      const held = await store.generationsOf(runs.running.map(({ id }) => id))
      for (const { id, generation } of runs.running) if (held.get(id) !== generation) letGo(id)
    },
    tellEnded: (id) => bus.publish(ENDED_TOPIC, { id }),
    async stop() {
      unsubscribe()
      await sweeping?.catch(() => {})
    },
  }
}
