import type { Logger } from 'pino'
import { DomainError, TooManyRequests } from '../../errors.ts'
import { systemScope } from '../../identity/scope.ts'
import type { Bus } from '../../ports/bus.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Queryable } from '../../storage/database.ts'
import { microsOf, toWireTime } from '../../storage/instants.ts'
import { derivedId } from '../children/derived-id.ts'
import type { RunExecutions } from '../children/of-runs.ts'
import type { Outcome, Schedule } from './schedule.ts'
import type { ScheduleStore } from './store.ts'
import { dueAfter } from './timing.ts'

/** A message of the bus may be lost: whoever waits looks again this often. */
const LOOK_MS = 30_000
const RETRY_MS = 5_000
/** Later than this, a time was missed. */
const MISSED_MICROS = 60_000_000
const AT_ONCE = 20
const TOPIC = 'schedules'

/** A run of a workflow, as it is begun together with what asks for it. */
type BeginRun = (
  starter: { readonly tenantId: string; readonly startedBy: string },
  workflow: string,
  given: {
    readonly input: unknown
    readonly overrides: object
    readonly intent: string | null
    readonly refused: null
  },
  alongside: (run: { readonly id: string }, within: Queryable) => Promise<boolean>,
) => Promise<unknown>

/** Starts what is due, on one of the servers that share the database. */
export interface ScheduleRunner {
  start(): void
  stop(): Promise<void>
  /** Something is due at another time than before: here and elsewhere. */
  changed(): Promise<void>
}

export function createScheduleRunner(deps: {
  store: ScheduleStore
  beginRun: BeginRun
  executions: Pick<RunExecutions, 'begin'>
  bus: Bus
  clock: Clock
  logger: Logger
  owner: string
}): ScheduleRunner {
  const { store, beginRun, executions, bus, clock, logger, owner } = deps
  /** What could not be started for a reason that passes, and when it is tried again. */
  const later = new Map<string, number>()
  let cancelTimer = () => {}
  let turning: Promise<void> | null = null
  let isAsked = false
  let isStopped = true

  const unsubscribe = bus.subscribe(TOPIC, (message) => {
    if ((message as { from: string }).from !== owner) turn()
  })

  /** One look after the other; what is asked for meanwhile is another look. */
  function turn(): void {
    if (isStopped) return
    isAsked = true
    turning ??= look()
      .catch((err: unknown) => {
        logger.error({ err }, 'what is due could not be started; it is tried again')
        wait(RETRY_MS)
      })
      .finally(() => {
        turning = null
        if (isAsked) turn()
      })
  }

  function wait(milliseconds: number): void {
    cancelTimer()
    if (!isStopped) cancelTimer = clock.after(milliseconds, turn)
  }

  async function look(): Promise<void> {
    isAsked = false
    while (!isStopped) {
      const now = microsOf(clock.now())
      const found = await store.listDue(systemScope, now, AT_ONCE + later.size)
      const due = found.filter(({ id }) => (later.get(id) ?? 0) <= now).slice(0, AT_ONCE)
      for (const schedule of due) {
        if (isStopped) return
        later.delete(schedule.id)
        await take(schedule).catch((err: unknown) => {
          later.set(schedule.id, microsOf(clock.now() + RETRY_MS))
          logger.error({ err, schedule: schedule.name }, 'a schedule could not be started; it is tried again')
        })
      }
      if (due.length > 0) continue
      const first = await store.firstDue(systemScope)
      const left = first === null ? LOOK_MS : Math.ceil(first / 1000) - clock.now()
      if (left <= 0 && later.size === 0) continue
      return wait(Math.min(later.size > 0 ? Math.max(left, RETRY_MS) : left, LOOK_MS))
    }
  }

  /** Start what was due once, whoever else is about to; or pass over it. */
  async function take(schedule: Schedule): Promise<void> {
    const { id, tenantId, name, nextAt: dueAt, kind, target, intent } = schedule
    if (dueAt === null) return
    const now = microsOf(clock.now())
    const after = { dueAt, nextAt: dueAfter(schedule.timing, schedule.updatedAt, now) }
    if (schedule.missed === 'skip' && now - dueAt > MISSED_MICROS) {
      const error = `It was due at ${toWireTime(dueAt)}, when no server could start it, and was passed over.`
      await store.settle(id, { ...after, runId: null, error })
      return
    }
    const startedBy = `schedule:${name}`
    const input = schedule.input ?? { schedule: name, scheduled_at: toWireTime(dueAt) }
    const settle = (runId: string, within: Queryable) => {
      const outcome: Outcome = { ...after, runId, error: null }
      return store.settle(id, outcome, within)
    }
    try {
      if (kind === 'workflow') {
        const given = { input, overrides: {}, intent, refused: null }
        await beginRun({ tenantId, startedBy }, target, given, (run, within) => settle(run.id, within))
        return
      }
      const executionId = derivedId(`schedule:${id}:${dueAt}`)
      await executions.begin({
        id: executionId,
        tenantId,
        startedBy,
        agent: target,
        input,
        intent,
        bound: null,
        isWanted: (within) => settle(executionId, within),
      })
    } catch (error) {
      if (!(error instanceof DomainError) || error.status >= 500 || error instanceof TooManyRequests) throw error
      // It would not be started later either: the next time may find it mended.
      await store.settle(id, { ...after, runId: null, error: error.message })
    }
  }

  return {
    start() {
      isStopped = false
      turn()
    },
    async stop() {
      isStopped = true
      unsubscribe()
      cancelTimer()
      await turning
    },
    async changed() {
      turn()
      await bus.publish(TOPIC, { from: owner }).catch((err: unknown) => logger.error({ err }, 'bus refused a message'))
    },
  }
}
