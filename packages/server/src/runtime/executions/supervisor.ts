import { mkdir } from 'node:fs/promises'
import type { AgentManifestDocument } from '@lictor/aegis'
import type { Logger } from 'pino'
import type { Metrics } from '../../operations/metrics.ts'
import type { Clock } from '../../ports/clock.ts'
import { microsOf } from '../../storage/instants.ts'
import { validate } from '../validation/validators.ts'
import type { AttemptOutcome, AttemptRunner } from './attempt.ts'
import type { HistoryEntry } from './environment.ts'
import { draft, type EventDraft } from './events.ts'
import type { Journal } from './journal.ts'
import { planOf } from './plan.ts'
import { slots } from './slots.ts'
import type { Execution, ExecutionStore } from './store.ts'

/** The whole execution took longer than it may. */
class TimedOut extends Error {
  override readonly name = 'TimedOut'
  readonly seconds: number
  constructor(seconds: number) {
    super(`Execution timed out after ${seconds} seconds`)
    this.seconds = seconds
  }
}

/** The record says that it has ended: whoever supervises lets go. */
class Ended extends Error {
  override readonly name = 'Ended'
}

/** Runs executions: attempt by attempt, within their limits, to one end (aegis-runtime §2.6). */
export interface Supervisor {
  /** Take an execution up; returns at once. */
  supervise(execution: Execution): void
  /** The record of this execution was ended: stop what runs of it. Resolves when nothing does. */
  letGo(id: string): Promise<void>
  /** End everything that runs; nothing new is taken up. */
  stop(): Promise<void>
  readonly count: number
}

export const RESTARTED = 'orchestrator restarted'

export function supervisor(deps: {
  store: ExecutionStore
  journal: Journal
  runner: AttemptRunner
  clock: Clock
  logger: Logger
  metrics: Pick<Metrics, 'executions'>
  maxExecutions: number
  workspaceOf: (executionId: string) => string
  /** After an execution has ended, whatever ended it. */
  afterEnd: (execution: Execution) => Promise<void>
}): Supervisor {
  const { store, journal, runner, clock, logger, metrics, workspaceOf, afterEnd } = deps
  const places = slots(deps.maxExecutions)
  const running = new Map<string, { controller: AbortController; done: Promise<void> }>()
  let isStopping = false

  async function finish(
    execution: Execution,
    status: 'completed' | 'failed',
    fields: { output?: string | null; error?: string | null; total_iterations: number },
    event: EventDraft,
  ): Promise<void> {
    const ended = await journal.change(execution, { status, ended_at: microsOf(clock.now()), ...fields }, [event])
    if (ended) metrics.executions.inc({ status: event.type.replace('execution_', '') })
  }

  async function run(execution: Execution, controller: AbortController): Promise<void> {
    const { signal } = controller
    const plan = planOf(JSON.parse(execution.manifest) as AgentManifestDocument)
    const giveBack = await places.take(signal)
    const limitSeconds = plan.limit / 1000
    const cancelLimit = clock.after(plan.limit, () => controller.abort(new TimedOut(limitSeconds)))
    const history: HistoryEntry[] = []
    let iteration = 0
    let isHopeless = false
    try {
      await mkdir(workspaceOf(execution.id), { recursive: true, mode: 0o700 })
      if (!(await journal.change(execution, { status: 'running' }, []))) return
      while (iteration < plan.maxIterations && !isHopeless) {
        iteration++
        signal.throwIfAborted()
        if (!(await journal.change(execution, { total_iterations: iteration }, []))) return
        const outcome = await runner.run({ execution, plan, iteration, history, signal })
        const accepted = await judge(execution, iteration, outcome, history, plan.maxIterations)
        if (accepted !== null) {
          await finish(
            execution,
            'completed',
            { output: accepted, total_iterations: iteration },
            draft('execution_completed', { final_output: accepted, total_iterations: iteration }),
          )
          return
        }
        isHopeless = outcome.kind === 'failed' && outcome.isFinal === true
      }
      const last = history.at(-1)
      const because = last?.error ?? last?.validation_reason
      const reason = isHopeless
        ? `Failed to execute task: ${because} (not tried again: correct the key or the name of the model first)`
        : `Failed to execute task: Max retries exceeded${because ? ` (${because})` : ''}`
      await finish(
        execution,
        'failed',
        { error: reason, total_iterations: iteration },
        draft('execution_failed', { reason, total_iterations: iteration }),
      )
    } catch (error) {
      await giveUp(execution, iteration, signal.aborted ? signal.reason : error)
    } finally {
      cancelLimit()
      giveBack()
    }

    /** The accepted output, or null when another attempt has to be made. */
    async function judge(
      of: Execution,
      number: number,
      outcome: AttemptOutcome,
      entries: HistoryEntry[],
      attempts: number,
    ): Promise<string | null> {
      if (outcome.kind === 'failed') {
        entries.push({ iteration: number, error: outcome.error })
        await journal.record(
          of,
          [draft('iteration_failed', { iteration_number: number, error: { message: outcome.error } })],
          (within) =>
            store.updateIteration(
              of.id,
              number,
              { status: 'failed', error: JSON.stringify({ message: outcome.error }), ended_at: microsOf(clock.now()) },
              within,
            ),
        )
        return null
      }
      const { output, exitCode, stderr } = outcome
      await journal.record(of, [draft('iteration_completed', { iteration_number: number, output })])
      const verdict = validate(plan.validators, { exitCode, output, stderr })
      const scores = verdict.gradients.map(({ score, confidence }) =>
        draft('gradient_validation_performed', { iteration_number: number, score, confidence }),
      )
      const isLast = number === attempts
      const status = verdict.accepted ? 'success' : isLast ? 'failed' : 'refining'
      await journal.record(
        of,
        [
          ...scores,
          ...(verdict.accepted || isLast
            ? []
            : [draft('refinement_applied', { iteration_number: number, code_diff: { file_path: '', diff: '' } })]),
        ],
        (within) =>
          store.updateIteration(
            of.id,
            number,
            { status, output, validation: JSON.stringify(verdict.gradients), ended_at: microsOf(clock.now()) },
            within,
          ),
      )
      if (verdict.accepted) return output
      entries.push({
        iteration: number,
        output,
        exit_code: exitCode,
        validation_failed: true,
        validation_reason: verdict.reason,
        feedback: verdict.feedback,
      })
      return null
    }
  }

  /** End an execution that something other than its attempts ended. */
  async function giveUp(execution: Execution, iteration: number, cause: unknown): Promise<void> {
    if (cause instanceof Ended) return
    if (cause instanceof TimedOut) {
      await finish(
        execution,
        'failed',
        { error: cause.message, total_iterations: iteration },
        draft('execution_timed_out', { timeout_seconds: cause.seconds, total_iterations: iteration }),
      )
      return
    }
    if (!isStopping) logger.error({ err: cause, execution_id: execution.id }, 'execution failed in the server')
    const reason = isStopping
      ? RESTARTED
      : `The server failed: ${cause instanceof Error ? cause.message : String(cause)}`
    await finish(
      execution,
      'failed',
      { error: reason, total_iterations: iteration },
      draft('execution_failed', { reason, total_iterations: iteration }),
    )
  }

  return {
    get count() {
      return running.size
    },
    supervise(execution) {
      const controller = new AbortController()
      const done = run(execution, controller)
        .catch((error: unknown) => giveUp(execution, 0, controller.signal.aborted ? controller.signal.reason : error))
        .then(() => afterEnd(execution))
        .catch((err: unknown) => logger.error({ err, execution_id: execution.id }, 'execution could not be ended'))
        .finally(() => running.delete(execution.id))
      running.set(execution.id, { controller, done })
      if (isStopping) controller.abort(new Error(RESTARTED))
    },
    async letGo(id) {
      const found = running.get(id)
      if (!found) return
      found.controller.abort(new Ended('The execution has ended.'))
      await found.done
    },
    async stop() {
      isStopping = true
      for (const { controller } of running.values()) controller.abort(new Error(RESTARTED))
      await Promise.all([...running.values()].map(({ done }) => done))
    },
  }
}
