import type { Logger } from 'pino'
import { type SystemScope, scopeOfRecord, systemScope, type TenantScope } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import { storableText } from '../../storage/storable.ts'
import { draft, type EventDraft } from '../record/events.ts'
import { type Execution, type ExecutionSummary, type Iteration, isJudge } from '../record/execution.ts'
import type { ExecutionStore } from '../record/store.ts'
import type { TenantEvents } from '../record/tenant-events.ts'
import { signatureOf, stepsSignature, taskSignature } from './signature.ts'
import type { CortexStore, DecayState, Pattern } from './store.ts'

/** How far a weight goes toward what came of it each time. */
const RATE = 0.1
const DECAY = 0.95
const LEAST = 0.05
const UNUSED_MS = 7 * 86_400_000
const DAY_MS = 86_400_000
const LONGEST_MESSAGE = 2_000
const LONGEST_APPROACH = 4_000
const LONGEST_SOLUTION = 8_192
const MOST_STEPS = 200
/** Patterns that one tenant keeps: what is learned beyond takes no room. */
const MOST_PATTERNS = 10_000

/** What an attempt is told of what helped before. */
export interface Recalled {
  readonly pattern: Pattern
  /** For the history of the execution. */
  readonly hint: string
}

/** A skill: patterns of one kind of error. */
export interface Skill {
  readonly type: string
  readonly patterns: number
  readonly uses: number
  /** From 0 to 1: how many of its uses came to a good end. */
  readonly successRate: number
}

export interface CortexFigures {
  readonly patterns: number
  readonly trajectories: number
  readonly averageSuccessRate: number | null
  readonly frequency: number
  readonly thisWeek: number
  readonly before: number
  readonly skills: readonly Skill[]
  /** Of what was recalled, the fraction whose execution completed; null before anything was. */
  readonly recallAccuracy: number | null
  /** Of the patterns that a tenant keeps, the fraction there is. */
  readonly utilization: number
  readonly firstAttempt: number | null
  readonly averageAttempts: number | null
  readonly decay: DecayState | null
}

/** What executions ask of the memory; it never fails them. */
export interface Memory {
  /** What helped against this before, in the tenant of the execution. */
  recall(execution: Execution, problem: string): Promise<Recalled | null>
  /** Learn from an execution that has ended. */
  ended(execution: Pick<ExecutionSummary, 'id' | 'tenantId'>): Promise<void>
}

/** The memory that an installation without one has. */
export const memoryless: Memory = { recall: async () => null, ended: async () => {} }

/** A memory of a tenant's own: what helped against which error, and by which steps tasks were done. */
export interface Cortex extends Memory {
  list(scope: TenantScope, filter: { q: string | null; limit: number }): Promise<Pattern[]>
  skills(scope: TenantScope): Promise<Skill[]>
  figures(scope: TenantScope): Promise<CortexFigures>
  /** Let fade, once a day, what has not been used for a week. */
  decay(): Promise<void>
}

export function createCortex(deps: {
  store: CortexStore
  executions: Pick<ExecutionStore, 'find' | 'listIterations'>
  database: Pick<Database, 'db'>
  events: Pick<TenantEvents, 'add' | 'record'>
  clock: Clock
  random: Random
  logger: Logger
}): Cortex {
  const { store, database, events, clock, random, logger } = deps
  const now = () => microsOf(clock.now())
  const reinforced = (weight: number, score: number): number => clamp(weight + RATE * (score - weight))

  async function learn(execution: Execution): Promise<void> {
    const scope = scopeOfRecord(execution)
    const isDone = execution.status === 'completed'
    const iterations = await deps.executions.listIterations(execution.id)
    const success = iterations.findLast(({ status }) => status === 'success')
    await database.db.transaction().execute(async (within) => {
      await store.lock(scope, 'learn', within)
      const told = await settleUses(scope, execution, isDone, within)
      if (isDone && success) {
        const failed = iterations.findLast(({ number, history }) => number < success.number && history !== null)
        if (failed) told.push(...(await keepPattern(scope, execution, failed, success, within)))
        await keepTrajectory(scope, execution, success, within)
      }
      if (told.length > 0) await events.add(execution.tenantId, told, within)
    })
  }

  /** What the execution was told helped, or did not. */
  async function settleUses(
    scope: TenantScope,
    execution: Execution,
    isDone: boolean,
    within: Queryable,
  ): Promise<EventDraft[]> {
    const told: EventDraft[] = []
    for (const pattern of await store.takeUses(scope, execution.id, within)) {
      const weight = reinforced(pattern.weight, isDone ? 1 : 0)
      await store.putPattern(
        {
          ...pattern,
          weight,
          totalCount: pattern.totalCount + 1,
          successCount: pattern.successCount + (isDone ? 1 : 0),
          recalled: pattern.recalled + 1,
          recalledWell: pattern.recalledWell + (isDone ? 1 : 0),
          lastUsedAt: now(),
        },
        within,
      )
      told.push(changed('pattern_reinforced', execution, weight - pattern.weight))
    }
    return told
  }

  async function keepPattern(
    scope: TenantScope,
    execution: Execution,
    failed: Iteration,
    success: Iteration,
    within: Queryable,
  ): Promise<EventDraft[]> {
    const problem = problemOf(failed)
    if (problem === null) return []
    const { hash, type } = signatureOf(problem)
    const score = scoreOf(success)
    const at = now()
    const known = await store.findPattern(scope, hash, within)
    if (known) {
      const weight = reinforced(known.weight, score)
      const { frequency, successCount, totalCount } = known
      await store.putPattern(
        {
          ...known,
          weight,
          frequency: frequency + 1,
          successCount: successCount + 1,
          totalCount: totalCount + 1,
          // What helped last is what is told next.
          approach: approachOf(success),
          solution: solutionOf(success),
          lastUsedAt: at,
        },
        within,
      )
      return [changed('pattern_reinforced', execution, weight - known.weight)]
    }
    if ((await store.countPatterns(scope, within)) >= MOST_PATTERNS) return []
    await store.putPattern(
      {
        id: random.uuid(),
        tenantId: execution.tenantId,
        agentId: execution.agentId,
        executionId: execution.id,
        errorSignature: hash,
        errorType: type,
        errorMessage: storableText(problem).slice(0, LONGEST_MESSAGE),
        approach: approachOf(success),
        solution: solutionOf(success),
        weight: clamp(score),
        frequency: 1,
        successCount: 1,
        totalCount: 1,
        recalled: 0,
        recalledWell: 0,
        createdAt: at,
        lastUsedAt: at,
        decayedAt: at,
      },
      within,
    )
    return [
      draft('pattern_discovered', {
        execution_id: execution.id,
        agent_id: execution.agentId,
        pattern_category: type,
      }),
    ]
  }

  async function keepTrajectory(
    scope: TenantScope,
    execution: Execution,
    success: Iteration,
    within: Queryable,
  ): Promise<void> {
    const task = execution.intent
    const steps = success.trajectory.slice(0, MOST_STEPS)
    if (task === null || steps.length === 0) return
    const key = { taskSignature: taskSignature(task), stepNames: stepsSignature(steps.map(({ tool }) => tool)) }
    const at = now()
    const known = await store.findTrajectory(scope, key, within)
    const score = scoreOf(success)
    const text = steps.map(({ tool, argumentsJson, status }) => ({
      tool_name: tool,
      arguments_json: argumentsJson,
      status,
    }))
    await store.putTrajectory(
      known
        ? { ...known, weight: reinforced(known.weight, score), count: known.count + 1, lastUsedAt: at }
        : {
            id: random.uuid(),
            tenantId: execution.tenantId,
            agentId: execution.agentId,
            executionId: execution.id,
            ...key,
            steps: JSON.stringify(text),
            weight: clamp(score),
            count: 1,
            createdAt: at,
            lastUsedAt: at,
            decayedAt: at,
          },
      within,
    )
  }

  const skills = async (scope: TenantScope): Promise<Skill[]> => skillsOf(await store.allPatterns(scope))

  return {
    async recall(execution, problem) {
      try {
        const pattern = await store.findPattern(scopeOfRecord(execution), signatureOf(problem).hash)
        if (!pattern) return null
        await store.use(execution.id, pattern.id, now())
        return { pattern, hint: `What helped against this before: ${pattern.approach}` }
      } catch (err) {
        logger.warn({ err, execution_id: execution.id }, 'nothing was recalled')
        return null
      }
    },
    async ended({ id, tenantId }) {
      try {
        const execution = await deps.executions.find(scopeOfRecord({ tenantId }), id)
        // A judge says what it thinks of others; what it went through is no lesson.
        if (execution && !isJudge(execution)) await learn(execution)
      } catch (err) {
        logger.warn({ err, execution_id: id }, 'nothing was learned of an execution')
      }
    },
    list: store.listPatterns,
    skills,
    async figures(scope) {
      const [patterns, trajectories, decay, attempts] = await Promise.all([
        store.allPatterns(scope),
        store.countTrajectories(scope),
        store.decayOf(scope),
        store.attemptsOf(scope),
      ])
      const week = now() - microsOf(UNUSED_MS)
      const thisWeek = patterns.filter(({ createdAt }) => createdAt >= week).length
      const [recalled, well] = [sum(patterns, 'recalled'), sum(patterns, 'recalledWell')]
      return {
        patterns: patterns.length,
        trajectories,
        averageSuccessRate: rateOf(patterns),
        frequency: sum(patterns, 'frequency'),
        thisWeek,
        before: patterns.length - thisWeek,
        skills: skillsOf(patterns),
        recallAccuracy: recalled === 0 ? null : well / recalled,
        utilization: patterns.length / MOST_PATTERNS,
        firstAttempt: attempts.firstAttempt,
        averageAttempts: attempts.average,
        decay,
      }
    },
    async decay() {
      const at = now()
      const everywhere: SystemScope = systemScope
      const faded = await store.fade(everywhere, {
        unusedSince: at - microsOf(UNUSED_MS),
        fadedBefore: at - microsOf(DAY_MS) + 1,
        factor: DECAY,
        least: LEAST,
        at,
      })
      for (const tenantId of new Set(faded.map((one) => one.tenantId))) {
        const own = faded.filter((one) => one.tenantId === tenantId)
        await events.record(
          tenantId,
          own.map(({ executionId, agentId, before, after, isRemoved }) =>
            draft('pattern_decayed', {
              execution_id: executionId,
              agent_id: agentId,
              delta: (isRemoved ? 0 : after) - before,
            }),
          ),
        )
      }
    },
  }
}

const changed = (type: 'pattern_reinforced', { id, agentId }: Execution, delta: number): EventDraft =>
  draft(type, { execution_id: id, agent_id: agentId, delta })

/** What an attempt came to grief over, in words; null where nothing says. */
const problemOf = ({ history }: Iteration): string | null => history?.error ?? history?.validation_reason ?? null

/** What was said of an accepted attempt by the last that was asked; 1 where nobody was. */
const scoreOf = ({ validation }: Iteration): number => clamp(validation?.at(-1)?.score ?? 1)

function approachOf({ trajectory, output }: Iteration): string {
  const steps = trajectory.map(({ tool, status }) => (status === 'failed' ? `${tool} (failed)` : tool))
  const by = steps.length === 0 ? 'without a tool' : `by ${steps.slice(0, 50).join(', ')}`
  const text = `it was done ${by}; the accepted answer began: ${(output ?? '').slice(0, 500)}`
  return storableText(text).slice(0, LONGEST_APPROACH)
}

const solutionOf = ({ output }: Iteration): string | null =>
  output === null ? null : storableText(output).slice(0, LONGEST_SOLUTION)

function skillsOf(patterns: readonly Pattern[]): Skill[] {
  const byType = Map.groupBy(patterns, ({ errorType }) => errorType)
  return [...byType]
    .map(([type, of]) => ({ type, patterns: of.length, uses: sum(of, 'frequency'), successRate: rateOf(of) ?? 0 }))
    .sort((one, other) => other.uses - one.uses || one.type.localeCompare(other.type))
}

const sum = (
  patterns: readonly Pattern[],
  field: 'frequency' | 'successCount' | 'totalCount' | 'recalled' | 'recalledWell',
): number => patterns.reduce((total, pattern) => total + pattern[field], 0)

function rateOf(patterns: readonly Pattern[]): number | null {
  const total = sum(patterns, 'totalCount')
  return total === 0 ? null : sum(patterns, 'successCount') / total
}

const clamp = (weight: number): number => Math.min(1, Math.max(0, weight))
