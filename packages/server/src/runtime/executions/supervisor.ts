import { mkdir, readdir } from 'node:fs/promises'
import type { Logger } from 'pino'
import type { Clock } from '../../ports/clock.ts'
import { isDatabaseAway } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import { isStorageFull } from '../../storage/room.ts'
import type { Memory, Recalled } from '../cortex/cortex.ts'
import type { Step } from '../dispatch/conversation.ts'
import type { Judgement } from '../judges/judgement.ts'
import { HandedOver, isHandedOver } from '../judging/handover.ts'
import type { Waiting } from '../judging/human.ts'
import type { OutputHandler } from '../plan/output-handler.ts'
import { planOf } from '../plan/plan.ts'
import { draft, type EventDraft } from '../record/events.ts'
import type { Execution, ExecutionChange, HistoryEntry, Iteration } from '../record/execution.ts'
import type { ExecutionJournal } from '../record/journal.ts'
import type { ExecutionStore } from '../record/store.ts'
import type { AttemptOutcome, AttemptRunner } from './attempt.ts'
import { describeFailure, isFinal } from './failure.ts'
import { createPlaces, type Place } from './places.ts'
import { describeStop, Stopped } from './stop.ts'
import type { Tally } from './tally.ts'
import { createTimeLimit } from './time-limit.ts'

/** Runs executions: attempt by attempt, within their limits, to one end. */
export interface Supervisor {
  /** An execution of this id is about to be begun or taken over here; `supervise` follows, or `forget`. */
  expect(id: string): void
  forget(id: string): void
  /** Take an execution up that begins, or go on with it where its record says that it is; returns at once. */
  supervise(execution: Execution): void
  /** Whether this server runs it, or is about to. */
  has(id: string): boolean
  /** The executions that run here. */
  readonly running: readonly Pick<Execution, 'id' | 'generation'>[]
  /** The record of this execution was ended, or another server has it: stop what runs of it. Resolves when nothing does. */
  letGo(id: string): Promise<void>
  /**
   * Nothing new is taken up. Steps under way have `graceMs` to end; then everything is let go of, for another server to go on with.
   */
  stop(): Promise<void>
  /**
   * Do `work`, which waits for a person or a child on behalf of an execution whose own program goes on: its place is lent meanwhile,
   * and its time runs on. One that has no place here has none to lend.
   */
  lendPlace<T>(id: string, work: () => Promise<T>): Promise<T>
  readonly isStopping: boolean
  readonly count: number
}

/** Taken over this often without a new turn, an execution ends: something in it brings servers down. */
const MOST_ADOPTIONS = 3

/** Give the accepted output to the handler that the manifest names; the final output, or why the execution fails. */
export type DeliverOutput = (delivery: {
  readonly execution: Execution
  readonly handler: OutputHandler
  readonly output: string
  readonly signal: AbortSignal
  readonly waiting: Waiting
}) => Promise<
  { readonly kind: 'delivered'; readonly output: string } | { readonly kind: 'failed'; readonly reason: string }
>

/** One execution that runs here. */
interface Run {
  readonly execution: Execution
  readonly controller: AbortController
  /** Steps under way that are worth finishing. */
  steps: number
  /** How many wait for a person or a child: nothing is lost when that ends now. */
  waiting: number
  /** The place it holds, once it has one. */
  place: Place | null
  done: Promise<void>
}

export function createSupervisor(deps: {
  store: ExecutionStore
  journal: ExecutionJournal
  runner: AttemptRunner
  judgement: Judgement
  clock: Clock
  logger: Logger
  tally: Pick<Tally, 'ended'>
  maxExecutions: number
  /** Milliseconds that steps under way have to end when this server stops. */
  graceMs: number
  workspaceOf: (executionId: string) => string
  deliver: DeliverOutput
  memory: Pick<Memory, 'recall'>
  /** After an execution has ended here. */
  afterEnd: (execution: Execution) => Promise<void>
  /** When nothing of an execution runs here any more, whether it has ended or goes on elsewhere. */
  afterRun: (id: string) => void
}): Supervisor {
  const { store, journal, runner, judgement, memory, clock, logger, tally, workspaceOf, afterEnd } = deps
  const places = createPlaces(deps.maxExecutions)
  const running = new Map<string, Run>()
  const expected = new Set<string>()
  let isStopping = false

  /** Let an execution go, for another server to go on with. */
  const handOver = ({ controller }: Run) => controller.abort(new HandedOver())

  async function finish(
    execution: Execution,
    status: 'completed' | 'failed',
    result: { output?: string; error?: string; totalIterations: number },
    event: EventDraft,
  ): Promise<void> {
    const at = microsOf(clock.now())
    const ended = await journal.change(execution, { status, endedAt: at, ...result }, [event], (within) =>
      store.endIterations(execution.id, at, within),
    )
    if (!ended) return
    const { totalIterations } = result
    tally.ended({ ...execution, totalIterations }, event.type.replace('execution_', ''), at)
    await afterEnd(execution)
  }

  function failTask(execution: Execution, reason: string, totalIterations: number): Promise<void> {
    const event = draft('execution_failed', { reason, total_iterations: totalIterations })
    return finish(execution, 'failed', { error: reason, totalIterations }, event)
  }

  /** Count, once, that an execution which was taken over is worked on. @throws TakenUpTooOften. */
  function adoptionOf(execution: Execution): () => Promise<void> {
    let isCounted = execution.generation === 0
    return async () => {
      if (isCounted) return
      isCounted = true
      const adoptions = execution.adoptions + 1
      if (adoptions > MOST_ADOPTIONS) throw new TakenUpTooOften()
      await journal.change(execution, { adoptions }, [])
    }
  }

  async function run(execution: Execution, of: Run): Promise<void> {
    const { controller } = of
    const { signal } = controller
    const plan = planOf(execution.manifest)
    const says = async (change: Pick<ExecutionChange, 'waitingFor' | 'adoptions' | 'spentMs'>) => {
      await journal.change(execution, change, [])
    }
    const place = await places.take(signal, () => says({ waitingFor: 'place' }))
    of.place = place
    const limit = createTimeLimit(clock, Math.max(0, plan.limit - execution.spentMs), () =>
      controller.abort(new Stopped({ kind: 'timed_out', seconds: plan.limit / 1000 })),
    )
    const spentMs = () => execution.spentMs + limit.spent()
    const waiting: Waiting = (work, waitingFor = 'person') =>
      limit.pause(async () => {
        of.waiting++
        try {
          if (isStopping) handOver(of)
          signal.throwIfAborted()
          // Whoever waits brings no server down.
          await says({ waitingFor, adoptions: 0, spentMs: spentMs() })
          return await place.lend(work)
        } finally {
          of.waiting--
          if (!isHandedOver(signal)) await says({ waitingFor: null })
        }
      })
    const step: Step = async (work) => {
      if (isStopping) handOver(of)
      signal.throwIfAborted()
      of.steps++
      try {
        return await work()
      } finally {
        of.steps--
        if (isStopping && of.steps === 0) handOver(of)
      }
    }
    const goesOn = adoptionOf(execution)
    const iterations = await store.listIterations(execution.id)
    const history: HistoryEntry[] = iterations.flatMap((one) => one.history ?? [])
    let iteration = iterations.length
    let isHopeless = false
    try {
      await mkdir(workspaceOf(execution.id), { recursive: true, mode: 0o700 })
      if (!(await journal.change(execution, { status: 'running', waitingFor: null }, []))) return
      let before = iterations.at(-1) ?? null
      if (before?.status === 'success') {
        await goesOn()
        return await complete(before.output ?? '')
      }
      if (before?.status !== 'running') before = null
      while ((before !== null || iteration < plan.maxIterations) && !isHopeless) {
        if (before === null) iteration++
        signal.throwIfAborted()
        const attempt = { execution, plan, iteration, history, before, signal, waiting, step, goesOn, spentMs }
        const outcome = outcomeOfRecord(before) ?? (await runner.run(attempt))
        if (before?.output != null) await goesOn()
        const accepted = await judge(execution, iteration, outcome, history, plan.maxIterations, before)
        before = null
        if (accepted !== null) return await complete(accepted)
        isHopeless = outcome.kind === 'failed' && isFinal(outcome.failure)
      }
      const last = history.at(-1)
      const because = last?.error ?? last?.validation_reason
      const reason = isHopeless
        ? `Failed to execute task: ${because} (not tried again: correct the key or the name of the model first)`
        : `Failed to execute task: Max retries exceeded${because ? ` (${because})` : ''}`
      await failTask(execution, reason, iteration)
    } catch (error) {
      await giveUp(execution, iteration, signal.aborted ? signal.reason : error)
    } finally {
      limit.cancel()
      place.giveBack()
    }

    async function complete(accepted: string): Promise<void> {
      const handler = plan.outputHandler
      const delivered = handler
        ? await deps.deliver({ execution, handler, output: accepted, signal, waiting })
        : ({ kind: 'delivered', output: accepted } as const)
      signal.throwIfAborted()
      if (delivered.kind === 'failed')
        return failTask(execution, `Output handler failed: ${delivered.reason}`, iteration)
      const { output } = delivered
      await finish(
        execution,
        'completed',
        { output, totalIterations: iteration },
        draft('execution_completed', { final_output: output, total_iterations: iteration }),
      )
    }

    /** The accepted output, or null when another attempt has to be made. */
    async function judge(
      of: Execution,
      number: number,
      outcome: AttemptOutcome,
      entries: HistoryEntry[],
      attempts: number,
      before: Iteration | null,
    ): Promise<string | null> {
      if (outcome.kind === 'failed') {
        const message = describeFailure(outcome.failure)
        const isRetried = number < attempts && !isFinal(outcome.failure)
        const recalled = isRetried ? await memory.recall(of, message) : null
        const entry = { iteration: number, error: message, ...(recalled ? { feedback: recalled.hint } : {}) }
        entries.push(entry)
        await keep(of, [draft('iteration_failed', { iteration_number: number, error: { message } })], (within) =>
          store.updateIteration(
            of.id,
            number,
            { status: 'failed', error: { message }, history: entry, endedAt: microsOf(clock.now()) },
            within,
          ),
        )
        return null
      }
      const { output, exitCode, stderr } = outcome
      // From here on a crash does not cost the attempt: what it brought is judged, by whoever goes on.
      if (before?.output == null)
        await keep(of, [draft('iteration_completed', { iteration_number: number, output })], (within) =>
          store.updateIteration(of.id, number, { output, exitCode, stderr }, within),
        )
      const result = { exitCode, output, stderr }
      const { verdict, events } = await judgement.judge({
        execution: of,
        plan,
        iteration: number,
        result,
        signal,
        waiting,
      })
      const isLast = number === attempts
      const status = verdict.accepted ? 'success' : isLast ? 'failed' : 'refining'
      const recalled = verdict.accepted || isLast ? null : await memory.recall(of, verdict.reason)
      const entry: HistoryEntry | null = verdict.accepted
        ? null
        : {
            iteration: number,
            output,
            exit_code: exitCode,
            validation_failed: true,
            validation_reason: verdict.reason,
            feedback: recalled ? `${verdict.feedback}\n\n${recalled.hint}` : verdict.feedback,
          }
      await keep(
        of,
        [
          ...events,
          ...(verdict.accepted || isLast
            ? []
            : [
                draft('refinement_applied', {
                  iteration_number: number,
                  code_diff: { file_path: '', diff: '' },
                  ...(recalled ? recalledFields(recalled) : {}),
                }),
              ]),
        ],
        (within) =>
          store.updateIteration(
            of.id,
            number,
            { status, output, validation: verdict.gradients, history: entry, endedAt: microsOf(clock.now()) },
            within,
          ),
      )
      if (entry === null) return output
      entries.push(entry)
      return null
    }

    /** @throws when the execution has ended, or is another server's. */
    async function keep(...entry: Parameters<ExecutionJournal['record']>): Promise<void> {
      if (!(await journal.record(...entry))) throw new Stopped({ kind: 'ended' })
    }
  }

  /** What ended a run that is none of its attempts. */
  async function giveUp(execution: Execution, iteration: number, cause: unknown): Promise<void> {
    if (cause instanceof HandedOver) return release(execution)
    if (cause instanceof TakenUpTooOften) return failTask(execution, cause.message, iteration)
    const stop = cause instanceof Stopped ? cause.reason : null
    if (stop?.kind === 'ended') return
    if (stop?.kind === 'timed_out') {
      await finish(
        execution,
        'failed',
        { error: describeStop(stop), totalIterations: iteration },
        draft('execution_timed_out', { timeout_seconds: stop.seconds, total_iterations: iteration }),
      )
      return
    }
    logger.error({ err: cause, execution_id: execution.id }, 'execution failed in the server')
    // It is nobody's fault: the execution goes on when the database is back.
    if (isDatabaseAway(cause)) return
    await failTask(execution, `The server failed: ${inWords(cause)}`, iteration)
  }

  /**
   * Whoever comes first may go on with it. Where it has files, that is this server when it comes back, or one that sees the files;
   * others wait until this one counts as gone.
   */
  async function release(execution: Execution): Promise<void> {
    const files = await readdir(workspaceOf(execution.id)).catch(() => [])
    const isBound = files.length > 0
    await journal.change(execution, { heartbeatAt: 0, ...(isBound ? {} : { owner: '' }) }, [])
  }

  return {
    get count() {
      return running.size
    },
    get isStopping() {
      return isStopping
    },
    get running() {
      return [...running.values()].map(({ execution: { id, generation } }) => ({ id, generation }))
    },
    has: (id) => running.has(id) || expected.has(id),
    expect: (id) => void expected.add(id),
    forget: (id) => void expected.delete(id),
    supervise(execution) {
      const { id } = execution
      const of: Run = {
        execution,
        controller: new AbortController(),
        steps: 0,
        waiting: 0,
        place: null,
        done: Promise.resolve(),
      }
      running.set(id, of)
      expected.delete(id)
      if (isStopping) handOver(of)
      const { signal } = of.controller
      of.done = run(execution, of)
        .catch((error: unknown) => giveUp(execution, 0, signal.aborted ? signal.reason : error))
        .catch((err: unknown) => logger.error({ err, execution_id: id }, 'execution could not be ended'))
        .finally(() => {
          if (running.get(id) !== of) return
          running.delete(id)
          deps.afterRun(id)
        })
    },
    async lendPlace(id, work) {
      const place = running.get(id)?.place
      return place ? place.lend(work) : work()
    },
    async letGo(id) {
      const found = running.get(id)
      if (!found) return
      found.controller.abort(new Stopped({ kind: 'ended' }))
      await found.done
    },
    async stop() {
      isStopping = true
      const isWorthWaiting = ({ steps, waiting }: Run) => deps.graceMs > 0 && steps > 0 && waiting === 0
      for (const of of running.values()) if (!isWorthWaiting(of)) handOver(of)
      const cancel = clock.after(deps.graceMs, () => {
        for (const of of running.values()) handOver(of)
      })
      await Promise.all([...running.values()].map(({ done }) => done))
      cancel()
    },
  }
}

/** How an attempt ended that only has to be judged; null when it has to be made, or to go on. */
function outcomeOfRecord(before: Iteration | null): AttemptOutcome | null {
  if (before === null || before.output === null) return null
  return { kind: 'ended', exitCode: before.exitCode ?? 0, output: before.output, stderr: before.stderr ?? '' }
}

/** Without a path of this machine, which the file system's own words hold. */
function inWords(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  if (isStorageFull(cause)) return 'its disk is full.'
  const { code, syscall } = cause as NodeJS.ErrnoException
  return code !== undefined && syscall !== undefined ? `${code} (${syscall})` : cause.message
}

const recalledFields = ({ pattern }: Recalled) => ({
  cortex_pattern_id: pattern.id,
  cortex_pattern_category: pattern.errorType,
  cortex_success_score: pattern.weight,
  cortex_solution_approach: pattern.approach,
})

class TakenUpTooOften extends Error {
  override readonly name = 'TakenUpTooOften'
  constructor() {
    super(
      `The server that ran it was interrupted, and ${MOST_ADOPTIONS} times in a row it was taken up again without a new turn.`,
    )
  }
}
