import type { Selectable } from 'kysely'
import { type SystemScope, scopeOfRecord, type TenantScope } from '../../identity/scope.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import type { Micros } from '../../storage/instants.ts'
import type { CortexPatternRow, CortexTrajectoryRow } from '../../storage/schema.ts'

/** What helped against an error. */
export interface Pattern {
  readonly id: string
  readonly tenantId: string
  readonly agentId: string
  readonly executionId: string
  readonly errorSignature: string
  readonly errorType: string
  readonly errorMessage: string
  readonly approach: string
  readonly solution: string | null
  /** From 0 to 1. */
  readonly weight: number
  readonly frequency: number
  readonly successCount: number
  readonly totalCount: number
  readonly recalled: number
  readonly recalledWell: number
  readonly createdAt: Micros
  readonly lastUsedAt: Micros
  readonly decayedAt: Micros
}

/** How a task was done. */
export interface Trajectory {
  readonly id: string
  readonly tenantId: string
  readonly agentId: string
  readonly executionId: string
  readonly taskSignature: string
  readonly stepNames: string
  /** JSON. */
  readonly steps: string
  readonly weight: number
  readonly count: number
  readonly createdAt: Micros
  readonly lastUsedAt: Micros
  readonly decayedAt: Micros
}

/** What fades: of which tenant, and what it became. */
export interface Faded {
  readonly tenantId: string
  readonly agentId: string
  readonly executionId: string
  readonly before: number
  readonly after: number
  readonly isRemoved: boolean
}

export interface DecayState {
  readonly ranAt: Micros
  readonly decayed: number
  readonly removed: number
}

/** SQL for what agents of a tenant have learned. */
export interface CortexStore {
  /** Held until the transaction ends: what is learned about one thing is written by one after the other. */
  lock(scope: TenantScope, what: string, within: Queryable): Promise<void>
  findPattern(scope: TenantScope, errorSignature: string, within?: Queryable): Promise<Pattern | null>
  putPattern(pattern: Pattern, within: Queryable): Promise<void>
  /** Those that match, the weightiest first; `q` is looked for in error and approach. */
  listPatterns(scope: TenantScope, filter: { q: string | null; limit: number }): Promise<Pattern[]>
  allPatterns(scope: TenantScope): Promise<Pattern[]>
  countPatterns(scope: TenantScope, within: Queryable): Promise<number>
  findTrajectory(
    scope: TenantScope,
    key: Pick<Trajectory, 'taskSignature' | 'stepNames'>,
    within: Queryable,
  ): Promise<Trajectory | null>
  putTrajectory(trajectory: Trajectory, within: Queryable): Promise<void>
  countTrajectories(scope: TenantScope): Promise<number>
  /** Note that an execution was given a pattern. */
  use(executionId: string, patternId: string, at: Micros): Promise<void>
  /** What an execution was given, once: it is noted no more. */
  takeUses(scope: TenantScope, executionId: string, within: Queryable): Promise<Pattern[]>
  /** Let fade what was not used since `unusedSince` and did not fade since `fadedBefore`, by the factor; below `least` it goes. */
  fade(
    scope: SystemScope,
    rule: { unusedSince: Micros; fadedBefore: Micros; factor: number; least: number; at: Micros },
  ): Promise<Faded[]>
  decayOf(scope: TenantScope): Promise<DecayState | null>
  /** How executions that completed did: how many at their first attempt, and attempts on average. */
  attemptsOf(scope: TenantScope): Promise<{ readonly firstAttempt: number | null; readonly average: number | null }>
}

export function createCortexStore(database: Database): CortexStore {
  const { db } = database
  return {
    lock: ({ tenantId }, what, within) => database.lock(`cortex:${tenantId}:${what}`, within as never),
    async findPattern({ tenantId }, errorSignature, within = db) {
      const row = await within
        .selectFrom('cortex_patterns')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('error_signature', '=', errorSignature)
        .executeTakeFirst()
      return row ? patternOf(row) : null
    },
    async putPattern(pattern, within) {
      const { id, tenant_id, ...columns } = patternRow(pattern)
      await within
        .insertInto('cortex_patterns')
        .values({ id, tenant_id, ...columns })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(columns))
        .execute()
    },
    async listPatterns({ tenantId }, { q, limit }) {
      let query = db.selectFrom('cortex_patterns').selectAll().where('tenant_id', '=', tenantId)
      if (q !== null) {
        const like = `%${q.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`
        query = query.where((e) =>
          e.or(
            (['error_type', 'error_message', 'approach'] as const).map((column) =>
              e(e.fn<string>('lower', [column]), 'like', like),
            ),
          ),
        )
      }
      const rows = await query
        .orderBy('weight', 'desc')
        .orderBy('created_at', 'desc')
        .orderBy('id')
        .limit(limit)
        .execute()
      return rows.map(patternOf)
    },
    async allPatterns({ tenantId }) {
      const rows = await db.selectFrom('cortex_patterns').selectAll().where('tenant_id', '=', tenantId).execute()
      return rows.map(patternOf)
    },
    async countPatterns({ tenantId }, within) {
      const row = await within
        .selectFrom('cortex_patterns')
        .select((e) => e.fn.countAll().as('count'))
        .where('tenant_id', '=', tenantId)
        .executeTakeFirst()
      return Number(row?.count ?? 0)
    },
    async findTrajectory({ tenantId }, { taskSignature, stepNames }, within) {
      const row = await within
        .selectFrom('cortex_trajectories')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('task_signature', '=', taskSignature)
        .where('step_names', '=', stepNames)
        .executeTakeFirst()
      return row ? trajectoryOf(row) : null
    },
    async putTrajectory(trajectory, within) {
      const { id, tenant_id, ...columns } = trajectoryRow(trajectory)
      await within
        .insertInto('cortex_trajectories')
        .values({ id, tenant_id, ...columns })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(columns))
        .execute()
    },
    async countTrajectories({ tenantId }) {
      const row = await db
        .selectFrom('cortex_trajectories')
        .select((e) => e.fn.countAll().as('count'))
        .where('tenant_id', '=', tenantId)
        .executeTakeFirst()
      return Number(row?.count ?? 0)
    },
    async use(executionId, patternId, at) {
      await db
        .insertInto('cortex_uses')
        .values({ execution_id: executionId, pattern_id: patternId, used_at: at })
        .onConflict((conflict) => conflict.columns(['execution_id', 'pattern_id']).doNothing())
        .execute()
    },
    async takeUses({ tenantId }, executionId, within) {
      const used = await within
        .deleteFrom('cortex_uses')
        .where('execution_id', '=', executionId)
        .returning('pattern_id')
        .execute()
      if (used.length === 0) return []
      const rows = await within
        .selectFrom('cortex_patterns')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where(
          'id',
          'in',
          used.map(({ pattern_id }) => pattern_id),
        )
        .execute()
      return rows.map(patternOf)
    },
    fade: (_system, { unusedSince, fadedBefore, factor, least, at }) =>
      db.transaction().execute(async (within) => {
        await database.lock('cortex:decay', within)
        const faded: Faded[] = []
        for (const table of ['cortex_patterns', 'cortex_trajectories'] as const) {
          const rows = await within
            .selectFrom(table)
            .select(['id', 'tenant_id', 'agent_id', 'execution_id', 'weight'])
            .where('last_used_at', '<', unusedSince)
            .where('decayed_at', '<', fadedBefore)
            .execute()
          for (const { id, tenant_id: tenantId, agent_id: agentId, execution_id: executionId, weight } of rows) {
            const after = weight * factor
            const isRemoved = after < least
            if (isRemoved) await within.deleteFrom(table).where('id', '=', id).execute()
            else await within.updateTable(table).set({ weight: after, decayed_at: at }).where('id', '=', id).execute()
            faded.push({ tenantId, agentId, executionId, before: weight, after, isRemoved })
          }
        }
        for (const tenantId of new Set(faded.map((one) => one.tenantId))) {
          const own = faded.filter((one) => one.tenantId === tenantId)
          const removed = own.filter(({ isRemoved }) => isRemoved).length
          const before = await decayOf(scopeOfRecord({ tenantId }), within)
          const row = {
            ran_at: at,
            decayed: (before?.decayed ?? 0) + own.length - removed,
            removed: (before?.removed ?? 0) + removed,
          }
          await within
            .insertInto('cortex_decays')
            .values({ tenant_id: tenantId, ...row })
            .onConflict((conflict) => conflict.column('tenant_id').doUpdateSet(row))
            .execute()
        }
        return faded
      }),
    decayOf,
    async attemptsOf({ tenantId }) {
      const row = await db
        .selectFrom('executions')
        .select((e) => [
          e.fn.countAll().as('all'),
          e.fn.avg('total_iterations').as('average'),
          e.fn.sum(e.case().when('total_iterations', '<=', 1).then(1).else(0).end()).as('first'),
        ])
        .where('tenant_id', '=', tenantId)
        .where('status', '=', 'completed')
        .executeTakeFirst()
      const all = Number(row?.all ?? 0)
      return all === 0
        ? { firstAttempt: null, average: null }
        : { firstAttempt: Number(row?.first ?? 0) / all, average: Number(row?.average ?? 0) }
    },
  }

  async function decayOf({ tenantId }: TenantScope, within: Queryable = db): Promise<DecayState | null> {
    const row = await within
      .selectFrom('cortex_decays')
      .selectAll()
      .where('tenant_id', '=', tenantId)
      .executeTakeFirst()
    return row ? { ranAt: row.ran_at, decayed: Number(row.decayed), removed: Number(row.removed) } : null
  }
}

const patternOf = (row: Selectable<CortexPatternRow>): Pattern => ({
  id: row.id,
  tenantId: row.tenant_id,
  agentId: row.agent_id,
  executionId: row.execution_id,
  errorSignature: row.error_signature,
  errorType: row.error_type,
  errorMessage: row.error_message,
  approach: row.approach,
  solution: row.solution,
  weight: row.weight,
  frequency: row.frequency,
  successCount: row.success_count,
  totalCount: row.total_count,
  recalled: row.recalled,
  recalledWell: row.recalled_well,
  createdAt: row.created_at,
  lastUsedAt: row.last_used_at,
  decayedAt: row.decayed_at,
})

const patternRow = (pattern: Pattern): CortexPatternRow => ({
  id: pattern.id,
  tenant_id: pattern.tenantId,
  agent_id: pattern.agentId,
  execution_id: pattern.executionId,
  error_signature: pattern.errorSignature,
  error_type: pattern.errorType,
  error_message: pattern.errorMessage,
  approach: pattern.approach,
  solution: pattern.solution,
  weight: pattern.weight,
  frequency: pattern.frequency,
  success_count: pattern.successCount,
  total_count: pattern.totalCount,
  recalled: pattern.recalled,
  recalled_well: pattern.recalledWell,
  created_at: pattern.createdAt,
  last_used_at: pattern.lastUsedAt,
  decayed_at: pattern.decayedAt,
})

const trajectoryOf = (row: Selectable<CortexTrajectoryRow>): Trajectory => ({
  id: row.id,
  tenantId: row.tenant_id,
  agentId: row.agent_id,
  executionId: row.execution_id,
  taskSignature: row.task_signature,
  stepNames: row.step_names,
  steps: row.steps,
  weight: row.weight,
  count: row.count,
  createdAt: row.created_at,
  lastUsedAt: row.last_used_at,
  decayedAt: row.decayed_at,
})

const trajectoryRow = (trajectory: Trajectory): CortexTrajectoryRow => ({
  id: trajectory.id,
  tenant_id: trajectory.tenantId,
  agent_id: trajectory.agentId,
  execution_id: trajectory.executionId,
  task_signature: trajectory.taskSignature,
  step_names: trajectory.stepNames,
  steps: trajectory.steps,
  weight: trajectory.weight,
  count: trajectory.count,
  created_at: trajectory.createdAt,
  last_used_at: trajectory.lastUsedAt,
  decayed_at: trajectory.decayedAt,
})
