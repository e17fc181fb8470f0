import type { Logger } from 'pino'
import type { Journal, Written } from '../../changes/journal/journal.ts'
import { Unavailable } from '../../errors.ts'
import { scopeOfRecord, systemScope } from '../../identity/scope.ts'
import type { Bus } from '../../ports/bus.ts'
import type { Clock } from '../../ports/clock.ts'
import { isDatabaseAway } from '../../storage/database.ts'
import { createGroupCommit } from '../../storage/group-commit.ts'
import { type Micros, microsOf } from '../../storage/instants.ts'
import { interpret } from '../interpreter/interpreter.ts'
import type { RunEvent, Step } from '../interpreter/run.ts'
import { loadTemplates } from '../templates/renderer.ts'
import { type Engine, type Outcome, subjectOf, type Told, type Worker } from './engine.ts'
import { after, opened } from './progress.ts'
import type { Pending, RunRecord } from './run-record.ts'
import type { LostRun, RunStore } from './store.ts'
import { type RunTold, told } from './told.ts'

/** A server that has not been heard of for this long is gone. */
const SILENT_OWNER_MS = 90_000
const BEAT_MS = 30_000
/** Messages of the bus may be lost: what belongs to this server is looked through this often all the same. */
const LOOK_THROUGH_MS = 60_000
/** Runs of which all are read before the work of the first begins. */
const TAKEN_AT_ONCE = 200
/** A run has something new to do, or nothing any more: whoever owns it looks. */
const RUN_TOPIC = 'workflow-run'
/** Runs that are kept in memory between two events, and up to which size of their blackboards. */
const MOST_KEPT = 1_000
const LARGEST_KEPT = 64 * 1024

type LaterEvent = Exclude<RunEvent, { type: 'started' }>

/** A run as this server left it, with the place of the newest entry of its journal. */
interface Kept {
  readonly run: RunRecord
  readonly last: number
}

/** An event of a run that is kept here, and what it makes of it. */
interface Change {
  readonly before: Kept
  readonly event: LaterEvent
  readonly made: RunRecord
  readonly step: Step
}

/** What a change came to: null where the run was not what it was taken for. */
type Changed = Kept | null

/** A state that is worked for here. */
interface Underway {
  readonly entry: number
  readonly step: number
  readonly tenantId: string
  readonly abort: AbortController
  /** Milliseconds since 1970; never of what has a time of its own elsewhere. */
  readonly due: number
}

/**
 * Runs over an append-only log in the database. Events of many runs that come together are one transaction. Nothing is polled for: an
 * event wakes whoever owns the run, a timer of its own ends a state that takes too long.
 */
export function createEmbeddedEngine(deps: {
  store: RunStore
  journal: Journal<RunTold>
  /** How many transactions are worth having in flight at once. */
  writers: number
  worker: Worker
  /** Let go of what states asked for that are over: all of it when the run has ended. May be asked again. */
  release: (run: RunRecord) => Promise<void>
  /** Whether this server takes up what another had to leave. */
  takesNew: () => boolean
  /** A run has begun, or ended so. */
  count: (status: string) => void
  bus: Bus
  clock: Clock
  logger: Logger
  owner: string
  /** Messages may be lost: wake what waits for one that was. */
  lookThrough?: () => Promise<void>
}): Engine {
  const { lookThrough = async () => {} } = deps
  const { store, journal, worker, release, bus, clock, logger, owner } = deps
  const underway = new Map<string, Underway>()
  const kept = new Map<string, Kept>()
  const changes = createGroupCommit<Change, Changed>(deps.writers, commitChanges)
  /** Ended runs that hold nothing any more. */
  const released = createGroupCommit<string, null>(1, async (ids) => {
    await store.markReleased(ids)
    return ids.map(() => null)
  })
  /** Runs of which something is being taken in here: one thing after the other, so that what is worked for is never older than that. */
  const turns = new Map<string, Promise<unknown>>()
  /** What goes on without anybody waiting for it: a server that stops does. */
  const background = new Set<Promise<void>>()
  /** When this server last said that its runs are alive, and looked through them; something of them is to be taken up again. */
  const last = { beat: 0, look: 0 }
  /** One timer for the state that has taken too long first, however many there are. */
  const deadlines = createDeadline(clock, timeOut)
  let isBehind = true
  let isStopped = false

  const unsubscribe = bus.subscribe(RUN_TOPIC, (message) => {
    const { id, tenantId, from } = message as { id: string; tenantId: string; from: string }
    if (from !== owner) inBackground(id, () => inTurn(id, () => look({ id, tenantId })))
  })

  function inTurn<T>(runId: string, work: () => Promise<T>): Promise<T> {
    const turn = (turns.get(runId) ?? Promise.resolve()).then(work, work)
    turns.set(runId, turn)
    const forget = () => void (turns.get(runId) === turn && turns.delete(runId))
    turn.then(forget, forget)
    return turn
  }

  function inBackground(runId: string, work: () => Promise<unknown>): void {
    const going: Promise<void> = work()
      .then(
        () => {},
        (err: unknown) => {
          isBehind = true
          logger.error({ err, run_id: runId }, 'a workflow could not go on; it is tried again')
        },
      )
      .finally(() => background.delete(going))
    background.add(going)
  }

  async function look({ id, tenantId }: Pick<RunRecord, 'id' | 'tenantId'>): Promise<void> {
    const run = await store.find(scopeOfRecord({ tenantId }), id)
    follow(run)
    if (run !== null && run.owner === owner) await releaseEnded(run)
  }

  /** Only its owner has its files: what fails here, or is never come to, is done by the next sweep. */
  async function releaseEnded(run: RunRecord): Promise<void> {
    if (run.state.status === 'running' || isStopped) return
    await release(run)
    await tellParent(run)
    await released.submit([run.id], 0)
  }

  /** The run that began this one hears of its end, until it has taken that in. */
  async function tellParent({ id, tenantId, parent, state }: RunRecord): Promise<void> {
    if (parent === null || state.status === 'running') return
    const { status, finalOutput: result, reason: error } = state
    const { entry } = parent
    const at = clock.now()
    await tell({ id: parent.id, tenantId }, { type: 'child_ended', at, entry, childId: id, status, result, error })
  }

  /** Work for what the run asks for now, and for nothing else of it. */
  function follow(run: RunRecord | null): void {
    if (run === null || isStopped) return
    const here = underway.get(run.id)
    const pending = run.owner === owner && run.state.status === 'running' ? run.pending : null
    // What is worked for is never older than what was: a start and a sweep may come here in either order.
    const isSame = here?.entry === pending?.entry && here?.step === pending?.step
    if (isSame || (here && (run.state.entry < here.entry || isEarlierStep(run, here)))) return
    if (here) letGo(run.id, here)
    if (pending) work(run, pending)
  }

  function letGo(runId: string, { abort }: Underway): void {
    underway.delete(runId)
    abort.abort()
  }

  /** What could not be told is found out anew: the next sweep takes the run up again. */
  function tellOrLetGo(runId: string, here: Underway, telling: () => Promise<void>): void {
    inBackground(runId, () =>
      telling().catch((error: unknown) => {
        if (underway.get(runId) === here) letGo(runId, here)
        throw error
      }),
    )
  }

  /** End the states that have taken too long; when the next will have. */
  function timeOut(): number {
    let next = Number.POSITIVE_INFINITY
    const now = clock.now()
    for (const [id, here] of underway) {
      if (here.due > now) next = Math.min(next, here.due)
      else if (!here.abort.signal.aborted) {
        const { tenantId, entry } = here
        // Told once: what could not be told is let go of, and taken up with its time.
        underway.set(id, { ...here, due: Number.POSITIVE_INFINITY })
        const event = { type: 'state_timed_out', at: now, entry } as const
        tellOrLetGo(id, underway.get(id) as Underway, async () => void (await tell({ id, tenantId }, event)))
      }
    }
    return next
  }

  /** Outside of `work`, so that what waits holds neither the run nor its state. */
  const againOf = (id: string, tenantId: string, here: Underway) => () =>
    inBackground(id, () =>
      inTurn(id, async () => {
        if (isStopped || !isUnderway(id, here)) return
        const run = await store.find(scopeOfRecord({ tenantId }), id)
        if (run?.pending?.entry === here.entry && isUnderway(id, here)) doWork(run, run.pending, here)
      }),
    )

  const isUnderway = (id: string, { entry, step }: Underway): boolean => {
    const here = underway.get(id)
    return here?.entry === entry && here.step === step
  }

  function work(run: RunRecord, pending: Pending): void {
    const { entry, step } = pending
    // What a person is asked has its own time-out, which is kept with the answer: one that came in time counts.
    const isTimed = pending.work.kind !== 'Human' && run.dueAt !== null
    const due = isTimed ? Math.ceil((run.dueAt ?? 0) / 1000) : Number.POSITIVE_INFINITY
    const here: Underway = { entry, step, tenantId: run.tenantId, abort: new AbortController(), due }
    underway.set(run.id, here)
    doWork(run, pending, here)
    deadlines.expect(due)
  }

  function doWork(run: RunRecord, pending: Pending, here: Underway): void {
    const { entry, step } = pending
    const { signal } = here.abort
    const again = againOf(run.id, run.tenantId, here)
    tellOrLetGo(run.id, here, async () => {
      const outcome = await worker(run, pending, { signal, again }).catch((error: unknown): Outcome => {
        // The state is not to blame, and is asked for again.
        if (isDatabaseAway(error) || error instanceof Unavailable) throw error
        return { type: 'state_failed', error: (error as Error).message }
      })
      // Nobody waits for it any more, or this server stops: whoever takes the run over asks again.
      if (outcome === null || signal.aborted) return
      await tell(run, { ...outcome, entry, step, at: clock.now() } as Exclude<RunEvent, { type: 'started' }>)
    })
  }

  const tell: Engine['tell'] = (run, event) => inTurn(run.id, () => takeIn(run, event))

  async function takeIn({ id, tenantId }: Pick<RunRecord, 'id' | 'tenantId'>, event: LaterEvent): Promise<Told | null> {
    const templates = await loadTemplates()
    const known = kept.get(id)
    let step: Step | null = null
    let taken: { readonly made: RunRecord | null; readonly last: number } | null = null
    if (known && known.run.tenantId === tenantId) {
      step = interpret(known.run.definition, known.run.state, event, templates)
      if (step.state === known.run.state) taken = { made: known.run, last: known.last }
      else {
        const made = after(known.run, step, microsOf(clock.now()))
        const weight = made.state.blackboardSize
        const [changed] = await changes.submit([{ before: known, event, made, step }], weight)
        taken = changed ? { made: changed.run, last: changed.last } : null
      }
    }
    if (taken === null) {
      kept.delete(id)
      const [alone] = await journal.writeAll<RunRecord | null>(async (within) => {
        step = null
        const before = await store.lock(scopeOfRecord({ tenantId }), id, within)
        if (!before) return [{ made: null, subject: null, events: [] }]
        step = interpret(before.definition, before.state, event, templates)
        if (step.state === before.state) return [{ made: before, subject: null, events: [] }]
        const made = after(before, step, microsOf(clock.now()))
        await store.advance([made], within)
        await store.append([{ runId: id, sequence: made.sequence, event }], within)
        return [{ made, subject: subjectOf(made), events: told(made, step, event, before.state.current) }]
      })
      taken = alone ?? null
    }
    const run = taken?.made ?? null
    if (run === null || taken === null) return null
    const { commands } = step as unknown as Step
    keep(run, taken.last)
    if (commands.some(({ type }) => type === 'end')) deps.count(run.state.status)
    await spread(run)
    if (run.state.status === 'running' && commands.some(({ type }) => type === 'stop_work'))
      await release(run).catch((err: unknown) =>
        logger.error({ err, run_id: id }, 'what a state asked for is let go of at the end of its workflow'),
      )
    const refused = commands.find((command) => command.type === 'refuse_signal')
    return { run, refused: refused?.reason ?? null }
  }

  /** Runs that are kept are what they were unless another server has them now, or took an event in. */
  async function commitChanges(together: readonly Change[]): Promise<Changed[]> {
    const written = await journal.writeAll<RunRecord | null>(async (within) => {
      await store.lockAll(
        together.map(({ made }) => made.id),
        within,
      )
      const still = await store.advance(
        together.map(({ made }) => made),
        within,
      )
      const taken = together.filter(({ made }) => still.has(made.id))
      await store.append(
        taken.map(({ made, event }) => ({ runId: made.id, sequence: made.sequence, event })),
        within,
      )
      return together.map(({ before, event, made, step }): Written<RunRecord | null, RunTold> => {
        if (!still.has(made.id)) return { made: null, subject: null, events: [] }
        const events = told(made, step, event, before.run.state.current)
        return { made, subject: subjectOf(made), events, last: before.last }
      })
    })
    return written.map(({ made, last }) => (made === null ? null : { run: made, last }))
  }

  /** What goes on by itself is not read again for each of its events; what waits for a person holds nothing in memory. */
  function keep(run: RunRecord, last: number): void {
    kept.delete(run.id)
    const isBusy = run.owner === owner && run.pending !== null && run.pending.work.kind !== 'Human'
    if (!isBusy || isStopped || last === 0 || run.state.blackboardSize > LARGEST_KEPT) return
    if (kept.size >= MOST_KEPT) kept.delete(kept.keys().next().value ?? '')
    kept.set(run.id, { run, last })
  }

  /** Whoever owns the run looks what there is to do. */
  async function spread(run: RunRecord): Promise<void> {
    follow(run)
    if (run.owner === owner) {
      if (run.state.status !== 'running') inBackground(run.id, () => releaseEnded(run))
      return
    }
    await bus
      .publish(RUN_TOPIC, { id: run.id, tenantId: run.tenantId, from: owner })
      .catch((err: unknown) => logger.error({ err }, 'bus refused a message'))
  }

  /** Several at once, so that a server that comes back goes on with all of its runs within a moment. */
  async function takeOver(lost: readonly LostRun[], silentSince: Micros): Promise<void> {
    const from = new Map(lost.map((one) => [one.id, one.owner]))
    for (const run of await store.adopt(lost, owner, microsOf(clock.now()), silentSince)) {
      logger.info({ run_id: run.id, from: from.get(run.id) }, 'workflow taken over')
      // Something may have been taken in since: what is worked for is never older than that.
      if (turns.has(run.id)) inBackground(run.id, () => inTurn(run.id, () => look(run)))
      else follow(run)
      if (run.state.status !== 'running') inBackground(run.id, () => releaseEnded(run))
    }
  }

  return {
    async start(given, once) {
      const templates = await loadTemplates()
      const { run: blank, event } = opened(given, owner, clock.now())
      const step = interpret(given.definition, null, event, templates)
      const [written] = await journal.writeAll<RunRecord | null>(async (within) => {
        const made = after(blank(step.state), step, microsOf(clock.now()))
        const make = async () => {
          await store.insert(made, within)
          await store.append([{ runId: made.id, sequence: made.sequence, event }], within)
        }
        if (once && !(await once(within, make))) return [{ made: null, subject: null, events: [] }]
        if (!once) await make()
        return [{ made, subject: subjectOf(made), events: told(made, step, event, made.state.current) }]
      })
      const run = written?.made ?? null
      if (run !== null) {
        keep(run, written?.last ?? 0)
        deps.count('started')
        await spread(run)
      }
      return run
    },
    tell,
    async sweep() {
      const now = clock.now()
      const own = isBehind || now - last.look >= LOOK_THROUGH_MS ? owner : null
      if (own !== null) last.look = now
      isBehind = false
      if (own !== null && underway.size > 0) await lookThrough()
      const silentSince = microsOf(now - SILENT_OWNER_MS)
      const lost = (await store.listLost(systemScope, own, silentSince)).filter(
        ({ id, owner: former }) => !underway.has(id) && (former === owner || deps.takesNew()),
      )
      for (let first = 0; first < lost.length && !isStopped; first += TAKEN_AT_ONCE) {
        await takeOver(lost.slice(first, first + TAKEN_AT_ONCE), silentSince).catch((err: unknown) => {
          isBehind = true
          logger.error({ err }, 'workflows could not be taken over; it is tried again')
        })
      }
    },
    async beat() {
      const now = clock.now()
      if (isStopped || now - last.beat < BEAT_MS) return
      last.beat = now
      await store.touch(owner, microsOf(now))
    },
    async stop() {
      isStopped = true
      unsubscribe()
      deadlines.stop()
      for (const [id, one] of [...underway]) letGo(id, one)
      await Promise.allSettled([...turns.values(), ...background])
      kept.clear()
    },
  }
}

/** One timer for the earliest of many instants. @param fire does what is due, and says when the next is */
function createDeadline(clock: Clock, fire: () => number) {
  let armed: { readonly at: number; readonly cancel: () => void } | null = null
  let isStopped = false
  function expect(at: number): void {
    if (isStopped || at === Number.POSITIVE_INFINITY || (armed && armed.at <= at)) return
    armed?.cancel()
    const cancel = clock.after(Math.max(0, at - clock.now()), () => {
      armed = null
      expect(fire())
    })
    armed = { at, cancel }
  }
  return {
    expect,
    stop() {
      isStopped = true
      armed?.cancel()
      armed = null
    },
  }
}

const isEarlierStep = ({ state }: RunRecord, here: Underway): boolean =>
  state.entry === here.entry && state.status === 'running' && state.within.step < here.step
