import type { WorkflowManifestDocument } from '@lictor/aegis'
import type { Idempotency, OnceKey } from '../../changes/idempotency/idempotency.ts'
import type { JournalEntry, JournalStore } from '../../changes/journal/store.ts'
import { Conflict, InvalidInput, NotFound, TooManyRequests } from '../../errors.ts'
import type { Approvals } from '../../governance/governance.ts'
import { actorOf } from '../../identity/caller.ts'
import { scopeOf, scopeOfRecord, type TenantScope } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import type { SecurityContext } from '../contexts/security-contexts.ts'
import { overrideProblem } from '../interpreter/blackboard.ts'
import type { Values } from '../interpreter/run.ts'
import type { Left, Limits } from '../limits/limits.ts'
import type { RunVolumes } from '../run-volumes/run-volumes.ts'
import { compileSchema } from '../validation/json-schema.ts'
import type { RuntimeCaller } from '../visibility.ts'
import { askedBy } from './asked.ts'
import { type Engine, subjectOf } from './engine.ts'
import type { Given } from './given.ts'
import type { RunFilter, RunRecord, RunSummary } from './run-record.ts'
import type { RunStore } from './store.ts'
import { unsupportedIn } from './supported.ts'

const NOT_FOUND = 'workflow execution not found'
/** Runs of a tenant that may be under way at once. */
const MOST_RUNNING = 10_000
const RETRY_SECONDS = 60

/** A run that a run begins is at depth 1; none is deeper than this. */
const DEEPEST = 3

/** @throws Conflict when a run at this depth begins none */
export function depthBelow(depth: number, from: string): number {
  if (depth < DEEPEST) return depth + 1
  throw new Conflict(
    `Maximum recursive depth reached at depth ${depth}; cannot start a sub-workflow from ${from}`,
    'too_deep',
  )
}

/** A workflow as a run needs it. */
export interface Runnable {
  readonly id: string
  readonly name: string
  readonly manifest: WorkflowManifestDocument
}

/** A run as it is told when it has begun. */
export interface BegunRun {
  readonly id: string
  readonly workflowId: string
  readonly workflowName: string
  /** Microseconds. */
  readonly startedAt: number
}

/** With what its starter has left of a limit; null: nothing limits it, or it was begun before. */
export type StartedRun = BegunRun & { readonly left: Left | null }

/** On whose behalf a run begins. */
export interface Starter {
  readonly tenantId: string
  /** Who is told as having started it. */
  readonly startedBy: string
}

/** What a signal says, however its client spells it. */
export interface SignalGiven {
  readonly response: string
  readonly feedback: string
  readonly name: string | null
  readonly payload: unknown
}

/** Runs of workflows, as the API knows them. */
export interface Runs {
  /**
   * Start a run; returns before it ends. With `once`, one run for all repetitions of the request.
   * @throws NotFound; InvalidInput for an input that does not fit and for a workflow that this server does not run;
   *   TooManyRequests
   */
  start(
    caller: RuntimeCaller,
    nameOrId: string,
    given: Given,
    options: {
      readonly version: string | null
      readonly once: OnceKey | null
      /** The execution that asks for it: its agents stay within what that one may. */
      readonly by?: string | null
      /** What is made in the transaction that makes the run. */
      readonly alongside?: (run: BegunRun, within: Queryable) => Promise<void>
    },
  ): Promise<StartedRun>
  /**
   * Start a run together with what asks for it: `alongside` is the first of its transaction, and where it answers false there is no
   * run, and null is returned. @throws as `start`
   */
  begin(
    starter: Starter,
    nameOrId: string,
    given: Given,
    alongside: (run: BegunRun, within: Queryable) => Promise<boolean>,
  ): Promise<BegunRun | null>
  list(caller: RuntimeCaller, filter: RunFilter): Promise<RunSummary[]>
  /** @throws NotFound */
  get(caller: RuntimeCaller, id: string): Promise<RunRecord>
  /** Ended at once, whatever it is doing; one that has ended stays as it is. @throws NotFound */
  cancel(caller: RuntimeCaller, id: string, reason: string | null): Promise<void>
  /** An answer for the Human state that is under way, or the next one. @throws NotFound, Conflict */
  signal(caller: RuntimeCaller, id: string, signal: SignalGiven): Promise<void>
  /** @throws NotFound, Conflict while it runs */
  remove(caller: RuntimeCaller, id: string): Promise<void>
  /** Entries of its log after the `offset`-th, in their order. @throws NotFound */
  logs(
    caller: RuntimeCaller,
    id: string,
    page: { readonly limit: number; readonly offset: number },
  ): Promise<{ readonly entries: readonly JournalEntry[]; readonly hasMore: boolean }>
}

export function createRuns(deps: {
  database: Database
  store: RunStore
  engine: Engine
  limits: Pick<Limits, 'begin'>
  volumes: Pick<RunVolumes, 'prepare'>
  journalStore: Pick<JournalStore, 'after' | 'delete'>
  idempotency: Idempotency
  approvals: Pick<Approvals, 'withdraw' | 'listOf'>
  /** @throws NotFound */
  findWorkflow: (of: { readonly tenantId: string }, nameOrId: string, version: string | null) => Promise<Runnable>
  /** The execution above all that led to one, and the security context of that one itself. @throws NotFound */
  findExecution: (
    scope: TenantScope,
    id: string,
  ) => Promise<{ readonly root: string; readonly securityContext: SecurityContext }>
  /** Let go of whatever a run that has ended asked for. */
  release: (run: RunRecord) => Promise<void>
  /** A run is removed, in this transaction: so is what is known of it elsewhere. */
  removed: (run: RunRecord, within: Queryable) => Promise<void>
  clock: Clock
  random: Random
}): Runs {
  const { database, store, engine, limits, journalStore, idempotency, approvals, findWorkflow, clock, random } = deps

  async function get(caller: RuntimeCaller, id: string): Promise<RunRecord> {
    const run = await store.find(scopeOf(caller), id)
    if (!run) throw new NotFound(NOT_FOUND, NOT_FOUND)
    return run
  }

  /** Of an answer and a decision that come at once, the one that took the request counts. @throws Conflict */
  async function takeRequest(run: RunRecord): Promise<void> {
    if (run.pending?.work.kind !== 'Human') return
    const { tenantId } = run
    const taken = await approvals.withdraw({ tenantId, subject: subjectOf(run) }, 'It was answered by a signal.')
    if (taken > 0) return
    const asked = await askedBy(approvals, run, run.state.entry)
    if (asked !== undefined && asked.outcome.status !== 'pending')
      throw new Conflict(`What state '${run.state.current}' asked was decided already.`, 'already_decided')
  }

  type Make = NonNullable<Parameters<Engine['start']>[1]>

  /** @param makeOf decides within the transaction whether there is the run */
  async function open(
    { tenantId, startedBy }: Starter,
    nameOrId: string,
    given: Given,
    { version, depth, bound }: { version: string | null } & Pick<RunRecord, 'depth' | 'bound'>,
    makeOf: (run: BegunRun) => Make,
  ): Promise<StartedRun> {
    const workflow = await findWorkflow({ tenantId }, nameOrId, version)
    requireRunnable(workflow, given)
    await requireRoom(store, scopeOfRecord({ tenantId }))
    const { name, manifest } = workflow
    const run = { id: random.uuid(), workflowId: workflow.id, workflowName: name, startedAt: clock.now() * 1000 }
    const { input, intent } = given
    const volumes = await deps.volumes.prepare({ id: run.id, tenantId, startedBy }, manifest)
    const make = makeOf(run)
    const started = {
      id: run.id,
      tenantId,
      workflowId: workflow.id,
      workflowName: name,
      definition: manifest,
      startedBy,
      depth,
      bound,
      input,
      intent,
      overrides: given.overrides as Values,
      volumes: volumes.ids,
    }
    const { left } = await limits.begin({ tenantId, userId: startedBy }, 'workflow_execution', async () => ({
      made: undefined,
      isNew:
        (await engine.start(started, (within, insert) =>
          make(within, async () => {
            await volumes.make(within)
            await insert()
          }),
        )) !== null,
    }))
    return { ...run, left }
  }

  /** What holds for a run that an execution starts: as deep as that one is, and within what it may. @throws Conflict */
  async function below(caller: RuntimeCaller, executionId: string): Promise<Pick<RunRecord, 'depth' | 'bound'>> {
    const scope = scopeOf(caller)
    const { root, securityContext } = await deps.findExecution(scope, executionId)
    const run = await store.findRunOf(scope, root)
    return { depth: depthBelow(run?.depth ?? 0, `execution ${executionId}`), bound: securityContext }
  }

  return {
    get,
    list: (caller, filter) => store.list(scopeOf(caller), filter),
    async start(caller, nameOrId, given, { version, once, by = null, alongside }) {
      const before = await idempotency.answered<BegunRun>(once)
      if (before) return { ...before, left: null }
      const { tenantId } = caller
      const { depth, bound } = by === null ? { depth: 0, bound: null } : await below(caller, by)
      let begun: BegunRun | null = null
      const starter = { tenantId, startedBy: actorOf(caller) }
      const made = await open(starter, nameOrId, given, { version, depth, bound }, (run) => {
        return async (within, insert) => {
          begun = await idempotency.once(once, within, async () => {
            await insert()
            await alongside?.(run, within)
            return run
          })
          return begun.id === run.id
        }
      })
      return { ...made, ...((begun as BegunRun | null) ?? {}) }
    },
    async begin(starter, nameOrId, given, alongside) {
      let isBegun = false
      const made = await open(starter, nameOrId, given, { version: null, depth: 0, bound: null }, (run) => {
        return async (within, insert) => {
          isBegun = await alongside(run, within)
          if (isBegun) await insert()
          return isBegun
        }
      })
      return isBegun ? made : null
    },
    async cancel(caller, id, reason) {
      await engine.tell(await get(caller, id), { type: 'cancelled', at: clock.now(), reason })
    },
    async signal(caller, id, signal) {
      const run = await get(caller, id)
      if (run.state.status !== 'running')
        throw new Conflict(`The workflow execution is ${run.state.status}; it takes no signals.`, 'not_running')
      await takeRequest(run)
      const told = await engine.tell(run, { type: 'signalled', at: clock.now(), ...signal })
      if (told === null) throw new NotFound(NOT_FOUND, NOT_FOUND)
      if (told.refused !== null) throw new Conflict(told.refused, 'signal_refused')
    },
    async remove(caller, id) {
      const run = await get(caller, id)
      if (run.state.status === 'running')
        throw new Conflict('The workflow execution is running. Cancel it before it is deleted.')
      await deps.release(run)
      await database.db.transaction().execute(async (within) => {
        await journalStore.delete(subjectOf(run), within)
        await deps.removed(run, within)
        await store.delete(id, within)
      })
    },
    async logs(caller, id, { limit, offset }) {
      const run = await get(caller, id)
      const { rows, hasMore } = await journalStore.after(subjectOf(run), offset, limit)
      return { entries: rows, hasMore }
    },
  }
}

/** @throws TooManyRequests when as many runs of the tenant are under way as may be */
export async function requireRoom(store: Pick<RunStore, 'countRunning'>, scope: TenantScope): Promise<void> {
  if ((await store.countRunning(scope)) >= MOST_RUNNING)
    throw new TooManyRequests(`${MOST_RUNNING} workflows of this tenant are running already.`, RETRY_SECONDS)
}

/** @throws InvalidInput */
export function requireRunnable({ manifest }: Pick<Runnable, 'manifest'>, { input, overrides, refused }: Given): void {
  const problem = unsupportedIn(manifest) ?? refused ?? overrideProblem(overrides)
  if (problem !== null) refuse(problem)
  const { input_schema: schema } = manifest.metadata
  if (schema === undefined) return
  let judge: ReturnType<typeof compileSchema>
  try {
    judge = compileSchema(schema, 'input')
  } catch (error) {
    refuse(`Workflow input_schema is invalid: ${(error as Error).message}`)
  }
  const problems = judge(input)
  if (problems.length > 0) refuse(`Input validation failed: ${problems.join('; ')}`)
}

function refuse(reason: string): never {
  const message = `Failed to start workflow execution: ${reason}`
  throw new InvalidInput(message, message)
}
