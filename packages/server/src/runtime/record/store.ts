import type { Insertable, Selectable } from 'kysely'
import type { SystemScope, TenantScope } from '../../identity/scope.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import { inBatches } from '../../storage/in-batches.ts'
import type { Micros } from '../../storage/instants.ts'
import { prepared } from '../../storage/prepared.ts'
import type { ExecutionIterationRow, ExecutionRow } from '../../storage/schema.ts'
import {
  type Execution,
  type ExecutionChange,
  type ExecutionSummary,
  type Iteration,
  type IterationChange,
  type Orphan,
  type TrajectoryStep,
  unfinished,
} from './execution.ts'

/** SQL for executions and their iterations. */
export interface ExecutionStore {
  insert(execution: Execution, within: Queryable): Promise<void>
  find(scope: TenantScope, id: string): Promise<Execution | null>
  /** Newest first. */
  list(
    scope: TenantScope,
    filter: { agentId: string | null; status: string | null; limit: number; offset: number },
  ): Promise<ExecutionSummary[]>
  /**
   * Change an execution that has not ended; false when it has, or when it is not of this generation any more. One that ends waits
   * for nothing.
   */
  update(id: string, change: ExecutionChange, within: Queryable, generation?: number): Promise<boolean>
  /** Of all servers that take an orphan over, exactly one gets true: from then on it is of the next generation, and `owner`'s. */
  adopt(orphan: Orphan, owner: string, at: Micros): Promise<boolean>
  delete(id: string, within: Queryable): Promise<void>
  /** Say that these are still supervised. */
  touch(owner: string, at: Micros): Promise<void>
  /** Unfinished executions of this owner, and of owners that have been silent since `before`, oldest first. */
  listOrphans(scope: SystemScope, owner: string, before: Micros): Promise<Orphan[]>
  /** Of these, the generation of each that has not ended. */
  generationsOf(ids: readonly string[]): Promise<ReadonlyMap<string, number>>

  /** The child that an execution knows by this key. */
  findChild(parentId: string, key: string): Promise<Execution | null>
  /** Children of it, theirs and so on, that have not ended. */
  listUnfinishedBelow(id: string): Promise<(ExecutionSummary & Pick<Execution, 'childKey'>)[]>
  /** Note that the parent's journal says that this child has ended; false when that was noted before. */
  markEndTold(id: string, within: Queryable): Promise<boolean>

  insertIteration(iteration: Iteration, within: Queryable): Promise<void>
  updateIteration(executionId: string, number: number, change: IterationChange, within?: Queryable): Promise<void>
  /** Change an attempt as long as its instance has the address that is known by this token. */
  updateOwnIteration(executionId: string, number: number, tokenHash: string, change: IterationChange): Promise<void>
  /** Close what is open of an execution that has ended. */
  endIterations(executionId: string, at: Micros, within: Queryable): Promise<void>
  /** In their order. */
  listIterations(executionId: string): Promise<Iteration[]>
  findIterationByToken(tokenHash: string): Promise<Iteration | null>

  /** The oldest of an agent's newest `count` executions; null when it has no more than those. */
  oldestOfNewest(scope: TenantScope, agentId: string, count: number): Promise<string | null>
}

/** What a list shows: the long texts stay where they are. */
const summaryColumns = [
  ...(['id', 'tenant_id', 'agent_id', 'agent_name', 'agent_version', 'env', 'status', 'waiting_for'] as const),
  ...(['total_iterations', 'error', 'started_at', 'ended_at', 'updated_at', 'parent_id'] as const),
] as const

export function createExecutionStore({ db }: Database): ExecutionStore {
  const updateUnfinished = prepared(
    (
      on,
      {
        executionId,
        ofGeneration,
        ...columns
      }: { executionId: string; ofGeneration: number | undefined } & ReturnType<typeof columnsOf>,
    ) => {
      const query = on
        .updateTable('executions')
        .set(columns)
        .where('id', '=', executionId)
        .where('status', 'in', unfinished)
        .returning('id')
      return ofGeneration === undefined ? query : query.where('generation', '=', ofGeneration)
    },
  )
  return {
    async insert(execution, within) {
      await within.insertInto('executions').values(rowOf(execution)).execute()
    },
    async find({ tenantId }, id) {
      const row = await db
        .selectFrom('executions')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .executeTakeFirst()
      return row ? executionOf(row) : null
    },
    async list({ tenantId }, { agentId, status, limit, offset }) {
      let query = db.selectFrom('executions').select(summaryColumns).where('tenant_id', '=', tenantId)
      if (agentId !== null) query = query.where('agent_id', '=', agentId)
      if (status !== null) query = query.where('status', '=', status)
      const rows = await query.orderBy('seq', 'desc').limit(limit).offset(offset).execute()
      return rows.map(summaryOf)
    },
    async update(id, change, within, generation) {
      const rows = await updateUnfinished(within, {
        executionId: id,
        ofGeneration: generation,
        ...columnsOf(change),
      })
      return rows.length === 1
    },
    async adopt({ id, owner: former, heartbeatAt, generation }, owner, at) {
      const result = await db
        .updateTable('executions')
        .set({ owner, heartbeat_at: at, generation: generation + 1 })
        .where('id', '=', id)
        .where('status', 'in', unfinished)
        .where('generation', '=', generation)
        .where('owner', '=', former)
        // Its owner has said meanwhile that it lives, unless that is who takes it up again.
        .where((e) => (former === owner ? e.lit(true) : e('heartbeat_at', '=', heartbeatAt)))
        .executeTakeFirst()
      return Number(result.numUpdatedRows) === 1
    },
    async delete(id, within) {
      await within.deleteFrom('execution_turns').where('execution_id', '=', id).execute()
      await within.deleteFrom('execution_iterations').where('execution_id', '=', id).execute()
      await within.deleteFrom('executions').where('id', '=', id).execute()
    },
    async touch(owner, at) {
      await db
        .updateTable('executions')
        .set({ heartbeat_at: at })
        .where('owner', '=', owner)
        .where('status', 'in', unfinished)
        .execute()
    },
    async listOrphans(_system, owner, before) {
      const rows = await db
        .selectFrom('executions')
        .select(['id', 'tenant_id', 'agent_id', 'owner', 'heartbeat_at', 'generation', 'updated_at'])
        .where('status', 'in', unfinished)
        .where((e) => e.or([e('owner', '=', owner), e('heartbeat_at', '<', before)]))
        .orderBy('seq')
        .execute()
      return rows.map((row) => ({
        id: row.id,
        tenantId: row.tenant_id,
        agentId: row.agent_id,
        owner: row.owner,
        heartbeatAt: row.heartbeat_at,
        generation: row.generation,
        updatedAt: row.updated_at,
      }))
    },
    async generationsOf(ids) {
      const rows = await inBatches(ids, (batch) =>
        db
          .selectFrom('executions')
          .select(['id', 'generation'])
          .where('id', 'in', [...batch])
          .where('status', 'in', unfinished)
          .execute(),
      )
      return new Map(rows.map(({ id, generation }) => [id, generation]))
    },
    async findChild(parentId, key) {
      const row = await db
        .selectFrom('executions')
        .selectAll()
        .where('parent_id', '=', parentId)
        .where('child_key', '=', key)
        .executeTakeFirst()
      return row ? executionOf(row) : null
    },
    async listUnfinishedBelow(id) {
      const rows = await db
        .selectFrom('executions')
        .select([...summaryColumns, 'child_key'])
        .where('status', 'in', unfinished)
        .where('parent_id', 'is not', null)
        .where('ancestors', 'like', `%"${id}"%`)
        .orderBy('seq')
        .execute()
      return rows.map((row) => ({ ...summaryOf(row), childKey: row.child_key }))
    },
    async markEndTold(id, within) {
      const result = await within
        .updateTable('executions')
        .set({ end_told: 1 })
        .where('id', '=', id)
        .where('end_told', '=', 0)
        .executeTakeFirst()
      return Number(result.numUpdatedRows) === 1
    },

    async insertIteration(iteration, within) {
      await within.insertInto('execution_iterations').values(iterationRowOf(iteration)).execute()
    },
    async updateIteration(executionId, number, change, within = db) {
      await within
        .updateTable('execution_iterations')
        .set(iterationColumnsOf(change))
        .where('execution_id', '=', executionId)
        .where('number', '=', number)
        .execute()
    },
    async updateOwnIteration(executionId, number, tokenHash, change) {
      await db
        .updateTable('execution_iterations')
        .set(iterationColumnsOf(change))
        .where('execution_id', '=', executionId)
        .where('number', '=', number)
        .where('token_hash', '=', tokenHash)
        .execute()
    },
    async endIterations(executionId, at, within) {
      await within
        .updateTable('execution_iterations')
        .set({ status: 'failed', ended_at: at })
        .where('execution_id', '=', executionId)
        .where('status', '=', 'running')
        .execute()
    },
    async listIterations(executionId) {
      const rows = await db
        .selectFrom('execution_iterations')
        .selectAll()
        .where('execution_id', '=', executionId)
        .orderBy('number')
        .execute()
      return rows.map(iterationOf)
    },
    async findIterationByToken(tokenHash) {
      const row = await db
        .selectFrom('execution_iterations')
        .selectAll()
        .where('token_hash', '=', tokenHash)
        .executeTakeFirst()
      return row ? iterationOf(row) : null
    },

    async oldestOfNewest({ tenantId }, agentId, count) {
      const newest = await db
        .selectFrom('executions')
        .select('id')
        .where('tenant_id', '=', tenantId)
        .where('agent_id', '=', agentId)
        .orderBy('seq', 'desc')
        .limit(count + 1)
        .execute()
      return newest.length > count ? (newest[count - 1]?.id ?? null) : null
    },
  }
}

const summaryOf = (row: Pick<ExecutionRow, (typeof summaryColumns)[number]>): ExecutionSummary => ({
  id: row.id,
  tenantId: row.tenant_id,
  agentId: row.agent_id,
  agentName: row.agent_name,
  agentVersion: row.agent_version,
  env: row.env as Execution['env'],
  status: row.status as Execution['status'],
  waitingFor: row.waiting_for,
  totalIterations: row.total_iterations,
  error: row.error,
  startedAt: row.started_at,
  endedAt: row.ended_at,
  updatedAt: row.updated_at,
  parentId: row.parent_id,
})

const executionOf = (row: Selectable<ExecutionRow>): Execution => ({
  ...summaryOf(row),
  manifest: JSON.parse(row.manifest) as Execution['manifest'],
  input: JSON.parse(row.input) as unknown,
  intent: row.intent,
  prompt: row.prompt,
  securityContext: JSON.parse(row.security_context) as Execution['securityContext'],
  startedBy: row.started_by,
  owner: row.owner,
  heartbeatAt: row.heartbeat_at,
  output: row.output,
  generation: row.generation,
  adoptions: row.adoptions,
  spentMs: row.spent_ms,
  ancestors: JSON.parse(row.ancestors) as string[],
  childKey: row.child_key,
  swarmId: row.swarm_id,
})

const rowOf = (execution: Execution): Insertable<ExecutionRow> => ({
  id: execution.id,
  tenant_id: execution.tenantId,
  agent_id: execution.agentId,
  agent_name: execution.agentName,
  agent_version: execution.agentVersion,
  manifest: JSON.stringify(execution.manifest),
  env: execution.env,
  status: execution.status,
  input: JSON.stringify(execution.input),
  intent: execution.intent,
  prompt: execution.prompt,
  security_context: JSON.stringify(execution.securityContext),
  started_by: execution.startedBy,
  owner: execution.owner,
  heartbeat_at: execution.heartbeatAt,
  total_iterations: execution.totalIterations,
  output: execution.output,
  error: execution.error,
  waiting_for: execution.waitingFor,
  started_at: execution.startedAt,
  ended_at: execution.endedAt,
  updated_at: execution.updatedAt,
  generation: execution.generation,
  adoptions: execution.adoptions,
  spent_ms: execution.spentMs,
  parent_id: execution.parentId,
  child_key: execution.childKey,
  swarm_id: execution.swarmId,
  ancestors: JSON.stringify(execution.ancestors),
})

const columnsOf = (change: ExecutionChange) => ({
  status: change.status,
  waiting_for: change.endedAt ? null : change.waitingFor,
  total_iterations: change.totalIterations,
  output: change.output,
  error: change.error,
  ended_at: change.endedAt,
  updated_at: change.updatedAt,
  adoptions: change.adoptions,
  spent_ms: change.spentMs,
  owner: change.owner,
  heartbeat_at: change.heartbeatAt,
})

const iterationOf = (row: Selectable<ExecutionIterationRow>): Iteration => ({
  executionId: row.execution_id,
  number: row.number,
  tokenHash: row.token_hash,
  status: row.status as Iteration['status'],
  action: row.action,
  instanceId: row.instance_id,
  exitCode: row.exit_code,
  output: row.output,
  error: row.error === null ? null : (JSON.parse(row.error) as Iteration['error']),
  validation: row.validation === null ? null : (JSON.parse(row.validation) as Iteration['validation']),
  trajectory: (JSON.parse(row.trajectory) as StoredStep[]).map(stepOf),
  policyViolations: JSON.parse(row.policy_violations) as string[],
  stderr: row.stderr,
  history: row.history === null ? null : (JSON.parse(row.history) as Iteration['history']),
  spentBeforeMs: row.spent_before_ms,
  startedAt: row.started_at,
  endedAt: row.ended_at,
})

const iterationRowOf = (iteration: Iteration): Insertable<ExecutionIterationRow> => ({
  execution_id: iteration.executionId,
  number: iteration.number,
  token_hash: iteration.tokenHash,
  status: iteration.status,
  action: iteration.action,
  instance_id: iteration.instanceId,
  exit_code: iteration.exitCode,
  output: iteration.output,
  error: textOf(iteration.error),
  validation: textOf(iteration.validation),
  trajectory: JSON.stringify(iteration.trajectory.map(storedStepOf)),
  policy_violations: JSON.stringify(iteration.policyViolations),
  stderr: iteration.stderr,
  history: textOf(iteration.history),
  spent_before_ms: iteration.spentBeforeMs,
  started_at: iteration.startedAt,
  ended_at: iteration.endedAt,
})

const iterationColumnsOf = (change: IterationChange) => ({
  token_hash: change.tokenHash,
  instance_id: change.instanceId,
  status: change.status,
  stderr: change.stderr,
  history: change.history === undefined ? undefined : textOf(change.history),
  exit_code: change.exitCode,
  output: change.output,
  error: change.error === undefined ? undefined : textOf(change.error),
  validation: change.validation === undefined ? undefined : textOf(change.validation),
  trajectory: change.trajectory && JSON.stringify(change.trajectory.map(storedStepOf)),
  policy_violations: change.policyViolations && JSON.stringify(change.policyViolations),
  ended_at: change.endedAt,
})

const textOf = (value: object | null): string | null => (value === null ? null : JSON.stringify(value))

/** A step of a trajectory as its column holds it. */
interface StoredStep extends Pick<TrajectoryStep, 'tool' | 'status' | 'error'> {
  readonly arguments_json: string
  readonly result_json?: string
}

const stepOf = ({ arguments_json, result_json, ...rest }: StoredStep): TrajectoryStep => ({
  ...rest,
  argumentsJson: arguments_json,
  ...(result_json === undefined ? {} : { resultJson: result_json }),
})

const storedStepOf = ({ argumentsJson, resultJson, ...rest }: TrajectoryStep): StoredStep => ({
  ...rest,
  arguments_json: argumentsJson,
  ...(resultJson === undefined ? {} : { result_json: resultJson }),
})
