import type { FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'
import type { Logger } from 'pino'
import type { Idempotency, OnceKey } from '../../changes/idempotency/idempotency.ts'
import type { JournalEntry, JournalStore } from '../../changes/journal/store.ts'
import { Conflict, InvalidInput, NotFound } from '../../errors.ts'
import type { Approvals } from '../../governance/governance.ts'
import { actorOf } from '../../identity/caller.ts'
import { scopeOf, scopeOfRecord } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import type { Admit } from '../admission/admission.ts'
import { attachmentsOf, type FindAttached } from '../admission/attachments.ts'
import type { StartRequest } from '../admission/input.ts'
import type { Agents } from '../agents/agents.ts'
import { NotAFile, openFile } from '../files/open.ts'
import { removeTree } from '../files/own.ts'
import { componentsOf, PathRefused } from '../files/path.ts'
import { resolvePath } from '../files/resolve.ts'
import type { SentFile } from '../files/send.ts'
import type { Left, Limits } from '../limits/limits.ts'
import { draft } from '../record/events.ts'
import { type Execution, type ExecutionSummary, type Iteration, unowned, unstarted } from '../record/execution.ts'
import { type ExecutionJournal, ofAnybody, subjectOf } from '../record/journal.ts'
import type { ExecutionStore } from '../record/store.ts'
import type { RuntimeCaller } from '../visibility.ts'
import type { Supervisor } from './supervisor.ts'
import type { Tally } from './tally.ts'

const NOT_FOUND = 'Execution not found'
/** An agent's stream begins this many executions ago. */
const EXECUTIONS_IN_HISTORY = 50
/** Turns of models that the record of an execution shows. */
const MOST_INTERACTIONS = 1000

/** A run as it is told when it has begun. */
export type StartedExecution = Pick<Execution, 'id' | 'agentId' | 'status'> & {
  /** What its starter has left of a limit; null: nothing limits it, or it was begun before. */
  readonly left: Left | null
}
/** What is kept of it for repetitions, which name the same agent. */
type Begun = Pick<Execution, 'id' | 'status'>

/** Runs of agents, as the API knows them. */
export interface Executions {
  /**
   * Start a run; returns before it ends. With `once`, one run for all repetitions of the request, which are answered as the
   * first was, whatever has become of the run. @throws NotFound, Conflict, InvalidInput.
   */
  start(
    caller: RuntimeCaller,
    agentId: string,
    request: StartRequest,
    options?: { readonly version?: string | undefined; readonly once?: OnceKey | null },
  ): Promise<StartedExecution>
  list(
    caller: RuntimeCaller,
    filter: { agentId: string | null; status: string | null; limit: number; offset: number },
  ): Promise<ExecutionSummary[]>
  /** @throws NotFound. */
  get(caller: { readonly tenantId: string }, id: string): Promise<Execution>
  /** Its attempts, in their order, and the newest turns of its models as they were recorded. */
  history(execution: Execution): Promise<{
    readonly iterations: readonly Iteration[]
    readonly interactions: readonly JournalEntry[]
  }>
  /** Ended at once, whatever it is doing; an execution that has ended stays as it is. @throws NotFound. */
  cancel(caller: RuntimeCaller, id: string, reason: string | null): Promise<Execution>
  /** @throws NotFound, Conflict while it runs. */
  delete(caller: RuntimeCaller, id: string): Promise<void>
  /** A file of its workspace, as far as it goes now: `size` bytes. @throws NotFound, InvalidInput. */
  readFile(
    caller: RuntimeCaller,
    id: string,
    path: string,
  ): Promise<Required<Pick<SentFile, 'name' | 'size' | 'open' | 'close'>>>
  /** End an execution that its caller may no longer be asked about: false when it had ended. */
  end(execution: ExecutionSummary, reason: string | null): Promise<boolean>
  /** The journal entry after which the events of an agent's newest executions lie. */
  historyStart(caller: { readonly tenantId: string }, agentId: string): Promise<number>
  /** Take back what still asks a person on behalf of an execution that has ended. */
  withdrawApprovals(execution: Pick<ExecutionSummary, 'id' | 'tenantId' | 'agentId'>): Promise<void>
}

export function createExecutions(deps: {
  database: Database
  store: ExecutionStore
  journalStore: Pick<JournalStore, 'delete' | 'firstId' | 'newestOfType'>
  journal: ExecutionJournal
  idempotency: Idempotency
  agents: Agents
  admit: Admit
  limits: Pick<Limits, 'begin' | 'requireExecution'>
  findAttached: FindAttached
  supervisor: Pick<Supervisor, 'expect' | 'forget' | 'supervise' | 'letGo'>
  /** After an execution was ended here: its questions, its children, its parent, and whichever server runs it. */
  afterEnd: (execution: ExecutionSummary) => Promise<void>
  approvals: Pick<Approvals, 'withdraw'>
  clock: Clock
  random: Random
  logger: Logger
  tally: Tally
  /** Where it is worked on: by this server, or by whoever takes it up. */
  place: () => Promise<'here' | 'elsewhere'>
  /** Names this server and its data folder. */
  owner: string
  workspaceOf: (executionId: string) => string
  /** A path of a file route was refused. */
  refusedPath: (execution: ExecutionSummary, refusal: PathRefused) => Promise<void>
  folderOf: (executionId: string) => string
}): Executions {
  const {
    database,
    store,
    journalStore,
    journal,
    idempotency,
    agents,
    limits,
    approvals,
    clock,
    random,
    logger,
    tally,
    owner,
  } = deps

  async function get(caller: { readonly tenantId: string }, id: string): Promise<Execution> {
    const execution = await store.find(scopeOfRecord(caller), id)
    if (!execution) throw new NotFound(NOT_FOUND, NOT_FOUND)
    return execution
  }

  async function withdrawApprovals(execution: Parameters<Executions['withdrawApprovals']>[0]): Promise<void> {
    await approvals.withdraw({ tenantId: execution.tenantId, subject: subjectOf(execution) }, 'What asked has ended.')
  }

  async function end(execution: ExecutionSummary, reason: string | null): Promise<boolean> {
    const at = microsOf(clock.now())
    const cancelled = await journal.change(
      ofAnybody(execution),
      { status: 'cancelled', error: reason, endedAt: at },
      [draft('execution_cancelled', { reason })],
      (within) => store.endIterations(execution.id, at, within),
    )
    if (!cancelled) return false
    tally.ended(execution, 'cancelled', at)
    // The record says so already; the instance is ended in the background, within its grace.
    void deps.supervisor
      .letGo(execution.id)
      .catch((err: unknown) =>
        logger.error({ err, execution_id: execution.id }, 'cancelled execution could not be ended'),
      )
    await deps.afterEnd(execution)
    return true
  }

  return {
    get,
    end,
    withdrawApprovals,
    async start(caller, agentId, request, { version, once = null } = {}) {
      const before = await idempotency.answered<Begun>(once)
      if (before) return { ...before, agentId, left: null }
      const agent = await agents.get(caller, agentId)
      requireVersion(agent, version)
      const attachments = await attachmentsOf(caller, request.attachments, deps.findAttached)
      const admitted = await deps.admit(agent, { ...request, attachments }, scopeOf(caller))
      const isHere = (await deps.place()) === 'here'
      const now = microsOf(clock.now())
      const execution: Execution = {
        id: random.uuid(),
        tenantId: caller.tenantId,
        agentId: agent.id,
        agentName: agent.name,
        agentVersion: agent.version,
        manifest: agent.manifest,
        env: admitted.env,
        input: admitted.input,
        intent: admitted.intent,
        prompt: admitted.prompt,
        securityContext: admitted.securityContext,
        startedBy: actorOf(caller),
        ...unstarted(now),
        ...(isHere ? { owner } : unowned),
        parentId: null,
        ancestors: [],
        childKey: null,
        swarmId: null,
      }
      let begun: Begun = execution
      const create = async (within: Queryable) => {
        begun = await idempotency.once(once, within, async () => {
          await limits.requireExecution(caller, within)
          await store.insert(execution, within)
          return { id: execution.id, status: execution.status }
        })
        return begun.id === execution.id
      }
      const who = { tenantId: caller.tenantId, userId: execution.startedBy }
      const { left } = await limits.begin(who, 'agent_execution', async () => {
        deps.supervisor.expect(execution.id)
        try {
          // False: it was begun meanwhile by a request with the same key.
          const isNew = await journal.open(execution, create, [draft('execution_started', {})])
          if (isNew) tally.began(execution)
          if (isNew && isHere) deps.supervisor.supervise(execution)
          return { made: undefined, isNew }
        } finally {
          deps.supervisor.forget(execution.id)
        }
      })
      return { id: begun.id, agentId, status: begun.status, left }
    },
    list: (caller, filter) => store.list(scopeOf(caller), filter),
    async history(execution) {
      const [iterations, interactions] = await Promise.all([
        store.listIterations(execution.id),
        journalStore.newestOfType(subjectOf(execution), 'llm_interaction', MOST_INTERACTIONS),
      ])
      return { iterations, interactions }
    },
    async cancel(caller, id, reason) {
      const execution = await get(caller, id)
      await end(execution, reason)
      return get(caller, id)
    },
    async delete(caller, id) {
      const execution = await get(caller, id)
      if (execution.status === 'pending' || execution.status === 'running')
        throw new Conflict('The execution is running. Cancel it before it is deleted.')
      await deps.supervisor.letGo(id)
      await database.db.transaction().execute(async (within) => {
        await journalStore.delete(subjectOf(execution), within)
        await store.delete(id, within)
      })
      await removeTree(deps.folderOf(id))
    },
    async readFile(caller, id, path) {
      const execution = await get(caller, id)
      try {
        const judged = await resolvePath(deps.workspaceOf(id), componentsOf(path, true))
        const handle = await openFile(judged)
        const { size } = await handle.stat()
        return {
          name: judged.components.at(-1) ?? 'file',
          size,
          open: async (range) => contentOf(handle, size, range),
          close: () => handle.close(),
        }
      } catch (error) {
        if (error instanceof PathRefused) {
          await deps.refusedPath(execution, error)
          throw new InvalidInput(error.message, 'invalid_path')
        }
        if (error instanceof NotAFile) throw new InvalidInput(`'${path}' is not a file.`, 'not_a_file')
        const { code } = error as NodeJS.ErrnoException
        if (code === 'ENOENT' || code === 'ENOTDIR') throw new NotFound(`There is no file '${path}'.`)
        if (code === 'EISDIR' || code === 'ENXIO') throw new InvalidInput(`'${path}' is not a file.`, 'not_a_file')
        throw error
      }
    },
    async historyStart(caller, agentId) {
      const oldest = await store.oldestOfNewest(scopeOfRecord(caller), agentId, EXECUTIONS_IN_HISTORY)
      const first = oldest === null ? null : await journalStore.firstId({ kind: 'execution', id: oldest })
      return first === null ? 0 : first - 1
    },
  }
}

/** @throws Conflict when the agent is of another version than the one that was asked for */
export function requireVersion(agent: { readonly version: string }, version: string | undefined): void {
  if (version === undefined || version === agent.version) return
  const message = `Version mismatch: requested '${version}' but agent has '${agent.version}'`
  throw new Conflict(message, message)
}

/** The bytes of a file, read as they are sent. A file that grows meanwhile is sent as long as it was. */
function contentOf(handle: FileHandle, size: number, range = { start: 0, end: size - 1 }): Readable {
  if (size > 0) return handle.createReadStream(range)
  void handle.close()
  return Readable.from([])
}
