import type { Logger } from 'pino'
import type { Journal, JournalSubject } from '../../changes/journal/journal.ts'
import { scopeOfRecord, systemScope } from '../../identity/scope.ts'
import type { Bus } from '../../ports/bus.ts'
import type { Clock } from '../../ports/clock.ts'
import { type Micros, microsOf } from '../../storage/instants.ts'
import { interpret } from '../interpreter/interpreter.ts'
import type { Command, RunEvent, RunState, Step } from '../interpreter/run.ts'
import { loadTemplates } from '../templates/renderer.ts'
import type { Pending, RunRecord } from './run-record.ts'
import type { LostRun, RunStore } from './store.ts'

/** A server that has not been heard of for this long is gone. */
const SILENT_OWNER_MS = 90_000
/** A run has something new to do, or nothing any more: whoever owns it looks. */
const RUN_TOPIC = 'workflow-run'

/** What happened while a state worked: an event without its entry and its instant, which the engine knows. */
export type Outcome = RunEvent extends infer Event
  ? Event extends { readonly entry: number }
    ? Omit<Event, 'entry' | 'at'>
    : never
  : never

/**
 * Does the work of a state, and says how it ended. It may be asked for the same entry again, by another server, after a crash:
 * `key` is the same then. Null: it ends otherwise, by an event that comes from elsewhere.
 */
export type Worker = (
  run: Pick<RunRecord, 'id' | 'tenantId' | 'definition' | 'startedBy'>,
  pending: Pending,
  options: { readonly key: string; readonly signal: AbortSignal },
) => Promise<Outcome | null>

/** What a run is started with. */
export type NewRun = Pick<RunRecord, 'id' | 'tenantId' | 'workflowId' | 'workflowName' | 'definition' | 'startedBy'> &
  Omit<Extract<RunEvent, { type: 'started' }>, 'type' | 'at' | 'runId' | 'tenantId'>

/** What the journal is told of a run. */
export interface RunTold {
  readonly type: string
  readonly fields: Readonly<Record<string, unknown>>
}

/**
 * Runs of workflows over an append-only log. Each event is taken in once, in a transaction with the state that it leads to and what
 * is told of it; only then is the work of the next state begun. A state that is under way when its server is gone is asked for again
 * by exactly one other. Nothing is polled for: an event wakes whoever owns the run, a timer of its own ends a state that takes too
 * long.
 */
export interface Engine {
  start(run: NewRun): Promise<RunRecord>
  /** Take an event in: the run after it, null for a run that there is not. */
  tell(
    run: Pick<RunRecord, 'id' | 'tenantId'>,
    event: Exclude<RunEvent, { type: 'started' }>,
  ): Promise<RunRecord | null>
  /** Take over what nobody works for. */
  sweep(): Promise<void>
  /** Say that what this server works for is alive. */
  beat(): Promise<void>
  /** Work for nothing any more; what is under way is asked for again by whoever takes it over. */
  stop(): void
}

/** A state that is worked for here. */
interface Underway {
  readonly entry: number
  readonly abort: AbortController
  readonly cancelTimer: () => void
}

export function createEngine(deps: {
  store: RunStore
  journal: Journal<RunTold>
  worker: Worker
  bus: Bus
  clock: Clock
  logger: Logger
  owner: string
}): Engine {
  const { store, journal, worker, bus, clock, logger, owner } = deps
  const underway = new Map<string, Underway>()
  /** Runs of which something is being taken in here: one thing after the other, so that what is worked for is never older than that. */
  const turns = new Map<string, Promise<unknown>>()
  let isStopped = false

  const unsubscribe = bus.subscribe(RUN_TOPIC, (message) => {
    const { id, tenantId, from } = message as { id: string; tenantId: string; from: string }
    if (from !== owner)
      inBackground(id, () => inTurn(id, async () => follow(await store.find(scopeOfRecord({ tenantId }), id))))
  })

  function inTurn<T>(runId: string, work: () => Promise<T>): Promise<T> {
    const turn = (turns.get(runId) ?? Promise.resolve()).then(work, work)
    turns.set(runId, turn)
    const forget = () => void (turns.get(runId) === turn && turns.delete(runId))
    turn.then(forget, forget)
    return turn
  }

  function inBackground(runId: string, work: () => Promise<unknown>): void {
    work().catch((err: unknown) =>
      logger.error({ err, run_id: runId }, 'a workflow could not go on; it is tried again'),
    )
  }

  /** Work for what the run asks for now, and for nothing else of it. */
  function follow(run: RunRecord | null): void {
    if (run === null || isStopped) return
    const here = underway.get(run.id)
    const pending = run.owner === owner && run.state.status === 'running' ? run.pending : null
    if (here?.entry === pending?.entry) return
    if (here) letGo(run.id, here)
    if (pending) work(run, pending)
  }

  function letGo(runId: string, { abort, cancelTimer }: Underway): void {
    cancelTimer()
    underway.delete(runId)
    abort.abort()
  }

  function work(run: RunRecord, pending: Pending): void {
    const { entry } = pending
    const abort = new AbortController()
    const due = run.dueAt === null ? Number.POSITIVE_INFINITY : run.dueAt / 1000
    const cancelTimer = clock.after(Math.max(0, due - clock.now()), () =>
      inBackground(run.id, () => tell(run, { type: 'state_timed_out', at: clock.now(), entry })),
    )
    underway.set(run.id, { entry, abort, cancelTimer })
    inBackground(run.id, async () => {
      const outcome = await worker(run, pending, { key: `${run.id}:${entry}`, signal: abort.signal }).catch(
        (error: unknown): Outcome => ({ type: 'state_failed', error: (error as Error).message }),
      )
      // Nobody waits for it any more, or this server stops: whoever takes the run over asks again.
      if (outcome === null || abort.signal.aborted) return
      await tell(run, { ...outcome, entry, at: clock.now() } as Exclude<RunEvent, { type: 'started' }>)
    })
  }

  /** The run after an event, with its place in the log. */
  function after(run: RunRecord, { state, commands }: Step, at: Micros): RunRecord {
    const asked = commands.findLast((command): command is Pending => command.type === 'work')
    const isAsked = asked !== undefined && asked.entry === state.entry && state.status === 'running'
    const stays = run.state.entry === state.entry && state.status === 'running'
    return {
      ...run,
      state,
      sequence: run.sequence + 1,
      pending: isAsked ? asked : stays ? run.pending : null,
      dueAt: isAsked ? ((at + asked.timeoutSeconds * 1_000_000) as Micros) : stays ? run.dueAt : null,
      updatedAt: at,
      endedAt: state.status === 'running' ? null : at,
    }
  }

  const tell: Engine['tell'] = (run, event) => inTurn(run.id, () => takeIn(run, event))

  async function takeIn(
    { id, tenantId }: Pick<RunRecord, 'id' | 'tenantId'>,
    event: Exclude<RunEvent, { type: 'started' }>,
  ): Promise<RunRecord | null> {
    const templates = await loadTemplates()
    const run = await journal.write<RunRecord | null>(async (within) => {
      const before = await store.lock(scopeOfRecord({ tenantId }), id, within)
      if (!before) return { made: null, subject: null, events: [] }
      const step = interpret(before.definition, before.state, event, templates)
      if (step.state === before.state && step.commands.length === 0) return { made: before, subject: null, events: [] }
      const made = after(before, step, microsOf(clock.now()))
      await store.update(made, within)
      await store.append(id, { sequence: made.sequence, event }, within)
      return { made, subject: subjectOf(made), events: told(step) }
    })
    await spread(run)
    return run
  }

  /** Whoever owns the run looks what there is to do. */
  async function spread(run: RunRecord | null): Promise<void> {
    if (run === null) return
    follow(run)
    if (run.owner === owner) return
    await bus
      .publish(RUN_TOPIC, { id: run.id, tenantId: run.tenantId, from: owner })
      .catch((err: unknown) => logger.error({ err }, 'bus refused a message'))
  }

  async function takeOver(lost: LostRun): Promise<void> {
    if (!(await store.adopt(lost, owner, microsOf(clock.now())))) return
    logger.info({ run_id: lost.id, from: lost.owner }, 'workflow taken over')
    await inTurn(lost.id, async () => follow(await store.find(scopeOfRecord(lost), lost.id)))
  }

  return {
    async start({ id, tenantId, workflowId, workflowName, definition, startedBy, ...given }) {
      const templates = await loadTemplates()
      const event: RunEvent = { type: 'started', at: clock.now(), runId: id, tenantId, ...given }
      const now = microsOf(clock.now())
      const step = interpret(definition, null, event, templates)
      const blank = { id, tenantId, workflowId, workflowName, definition, startedBy }
      const times = { startedAt: now, heartbeatAt: now, updatedAt: now, endedAt: null }
      const place = { state: unstarted(step.state), sequence: 0, pending: null, dueAt: null, owner, generation: 0 }
      const run = await journal.write(async (within) => {
        const made = after({ ...blank, ...times, ...place }, step, now)
        await store.insert(made, within)
        await store.append(id, { sequence: made.sequence, event }, within)
        return { made, subject: subjectOf(made), events: told(step) }
      })
      follow(run)
      return run
    },
    tell,
    async sweep() {
      const silentSince = microsOf(clock.now() - SILENT_OWNER_MS)
      for (const lost of await store.listLost(systemScope, owner, silentSince)) {
        if (isStopped) return
        if (underway.has(lost.id)) continue
        await takeOver(lost).catch((err: unknown) =>
          logger.error({ err, run_id: lost.id }, 'workflow could not be taken over; it is tried again'),
        )
      }
    },
    async beat() {
      if (!isStopped) await store.touch(owner, microsOf(clock.now()))
    },
    stop() {
      isStopped = true
      unsubscribe()
      for (const [id, one] of [...underway]) letGo(id, one)
    },
  }
}

/** Before its first state was entered: whatever that asks for is new. */
const unstarted = (state: RunState): RunState => ({ ...state, entry: -1 })

const subjectOf = ({ id, tenantId }: RunRecord): JournalSubject => ({
  kind: 'workflow',
  id,
  tenantId,
  agentId: null,
})

const told = ({ commands }: Step): RunTold[] =>
  commands.flatMap((command: Command) =>
    command.type === 'tell' ? [{ type: command.event, fields: command.fields }] : [],
  )
