import { setImmediate } from 'node:timers/promises'
import { InvalidInput, NotFound, TooManyRequests } from '../../errors.ts'
import type { UserCaller } from '../../identity/caller.ts'
import { scopeOf } from '../../identity/scope.ts'
import type { Metrics } from '../../operations/metrics.ts'
import { NoThreadFree, ThreadFailed, type Threads, ThreadTimeout } from '../../operations/threads/threads.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Micros } from '../../storage/instants.ts'
import type { Page } from '../../storage/page.ts'
import type { BundleStore } from '../bundles/store.ts'
import { type ChangedCall, createRecordedCalls, type OpenCall, type ReplayReport } from './changes.ts'
import type { DecisionEvent, ReplayStore, ShownEvent } from './store.ts'
import type { ReplayAnswer, ReplayTask } from './worker.ts'

export interface ReplayRange {
  readonly env: string
  readonly since: Micros
  /** Events to read at most. */
  readonly limit: number
}

export interface ReplayResult extends Omit<ReplayReport, 'examples'> {
  readonly examples: readonly (ChangedCall & { readonly event: ShownEvent })[]
  /** There were more events than the limit; the newest were read. */
  readonly isTruncated: boolean
}

/** Threads that judge for all replays together. */
export const REPLAY_THREADS = 2
const EVENTS_AT_ONCE = 2_000
const WAIT_MS = 10_000
const RUN_MS = 10_000

export type Replay = (caller: UserCaller, name: string, version: number, range: ReplayRange) => Promise<ReplayResult>

/**
 * Judge recorded calls of an environment by a bundle version that need not be deployed: which of them would have been decided
 * differently. Only what an event tells is judged; limits of sessions are not.
 *
 * @throws NotFound, InvalidInput when judging takes too long, TooManyRequests while others replay
 */
export function createReplay(deps: {
  metrics: Pick<Metrics, 'replays' | 'replayTime' | 'replayedEvents'>
  clock: Clock
  store: ReplayStore
  bundleStore: BundleStore
  threads: Threads<ReplayTask, ReplayAnswer>
}): Replay {
  const { store, bundleStore, threads, metrics, clock } = deps

  async function judge(candidate: Omit<ReplayTask, 'calls'>, calls: readonly OpenCall[], env: string) {
    const task = {
      ...candidate,
      calls: calls.map(({ toolName, payload, recorded }) => [toolName, payload, env, recorded] as const),
    }
    const answer = await threads.run(task, { waitMs: WAIT_MS, runMs: RUN_MS }).catch(explain)
    for (const [index, call] of calls.entries()) call.settle(answer[index] ?? null)
  }

  return async (caller, name, version, range) => {
    const started = clock.now()
    let outcome = 'failed'
    try {
      const report = await replay(caller, name, version, range)
      metrics.replayedEvents.inc(report.events)
      outcome = 'done'
      return report
    } finally {
      metrics.replays.inc({ outcome })
      metrics.replayTime.observe((clock.now() - started) / 1000)
    }
  }

  async function replay(...[caller, name, version, { env, since, limit }]: Parameters<Replay>): Promise<ReplayResult> {
    const scope = scopeOf(caller)
    const bundle = await bundleStore.find(scope, name, version)
    if (!bundle) throw new NotFound(`Bundle '${name}' v${version} not found`)
    const candidate = { hash: bundle.revisionHash, yaml: Buffer.from(bundle.yamlBytes).toString() }
    const recorded = createRecordedCalls()
    const judging = new Set<Promise<void>>()
    let after: DecisionEvent | null = null
    let left = limit
    let isTruncated = false
    for (;;) {
      // One more than may be read tells whether there are more.
      const wanted = Math.min(EVENTS_AT_ONCE, left + 1)
      const { rows: events, hasMore }: Page<DecisionEvent> = await store.decisions(scope, env, since, wanted, after)
      isTruncated = events.length > left
      const read = isTruncated ? events.slice(0, left) : events
      left -= read.length
      after = read.at(-1) ?? null
      const calls = recorded.add(read)
      if (calls.length > 0) {
        const part = judge(candidate, calls, env)
        judging.add(part)
        part.then(
          () => judging.delete(part),
          // It is kept, so that the next wait meets the failure.
          () => {},
        )
      }
      // While the threads judge, the next parts are read.
      if (judging.size >= 2 * REPLAY_THREADS) await Promise.race(judging)
      if (isTruncated || !hasMore) break
      await setImmediate()
    }
    await Promise.all(judging)
    const report = recorded.report()
    const shown = await store.shown(
      scope,
      report.examples.map((call) => call.seq),
    )
    const examples = report.examples.flatMap((call) => {
      const event = shown.get(call.seq)
      return event ? [{ ...call, event }] : []
    })
    return { ...report, examples, isTruncated }
  }
}

function explain(error: unknown): never {
  if (error instanceof NoThreadFree) throw new TooManyRequests('Too many replays at once. Try again shortly.', 5)
  if (error instanceof ThreadTimeout || error instanceof ThreadFailed)
    throw new InvalidInput('Replay broke off — contract bundle may be too complex.', 'replay_failed')
  throw error
}
