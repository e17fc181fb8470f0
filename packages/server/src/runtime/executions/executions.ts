import { rm } from 'node:fs/promises'
import type { AgentManifestDocument } from '@lictor/aegis'
import type { Logger } from 'pino'
import { Conflict, InvalidInput, NotFound } from '../../errors.ts'
import type { Approvals } from '../../governance/approvals/approvals.ts'
import { actorOf } from '../../http/caller.ts'
import type { Metrics } from '../../operations/metrics.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { Database } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import type { Agents, RuntimeCaller } from '../agents/agents.ts'
import { closeApproval } from '../governance/human.ts'
import { componentsOf, openWithin, PathRefused, resolveLinks } from '../tools/workspace.ts'
import { admit, type StartRequest } from './admission.ts'
import { draft } from './events.ts'
import type { Journal } from './journal.ts'
import type { Execution, ExecutionStore } from './store.ts'
import { RESTARTED, type Supervisor } from './supervisor.ts'

const NOT_FOUND = 'Execution not found'
const APPROVALS_PER_LOOK = 500
/** An owner that has not been heard of for this long is gone. */
const SILENT_OWNER_MS = 60_000

/** Runs of agents, as the API knows them. */
export interface Executions {
  /** Start a run; returns before it ends. @throws NotFound, Conflict, InvalidInput. */
  start(caller: RuntimeCaller, agentId: string, request: StartRequest, version?: string): Promise<Execution>
  list(
    caller: RuntimeCaller,
    filter: { agentId: string | null; status: string | null; limit: number; offset: number },
  ): Promise<Execution[]>
  /** @throws NotFound. */
  get(caller: { readonly tenantId: string }, id: string): Promise<Execution>
  /** Ended at once, whatever it is doing; an execution that has ended stays as it is. @throws NotFound. */
  cancel(caller: RuntimeCaller, id: string, reason: string | null): Promise<Execution>
  /** @throws NotFound, Conflict while it runs. */
  delete(caller: RuntimeCaller, id: string): Promise<void>
  /** A file of its workspace. @throws NotFound, InvalidInput. */
  readFile(caller: RuntimeCaller, id: string, path: string): Promise<{ content: Buffer; name: string }>
  /** End what an earlier process left unfinished. */
  recover(includingOwn: boolean): Promise<void>
  /** Say that what runs here is alive. */
  beat(): Promise<void>
  /** Close what still waits for a human on behalf of an execution that has ended. */
  closeApprovals(execution: Execution): Promise<void>
}

export function executions(deps: {
  database: Database
  store: ExecutionStore
  journal: Journal
  agents: Agents
  supervisor: () => Supervisor
  approvals: Approvals
  clock: Clock
  random: Random
  logger: Logger
  metrics: Pick<Metrics, 'executions'>
  /** Names this server and its data folder. */
  owner: string
  workspaceOf: (executionId: string) => string
  folderOf: (executionId: string) => string
}): Executions {
  const { database, store, journal, agents, approvals, clock, random, logger, metrics, owner } = deps

  async function get(caller: { readonly tenantId: string }, id: string): Promise<Execution> {
    const execution = await store.find(caller.tenantId, id)
    if (!execution) throw new NotFound(NOT_FOUND, NOT_FOUND)
    return execution
  }

  async function closeApprovals(execution: Execution): Promise<void> {
    const pending = await approvals.list(execution.tenant_id, {
      status: 'pending',
      limit: APPROVALS_PER_LOOK,
      offset: 0,
    })
    for (const approval of pending)
      if (approval.executionId === execution.id) await closeApproval(approvals, approval, 'The execution ended.')
  }

  return {
    get,
    closeApprovals,
    async start(caller, agentId, request, version) {
      const agent = await agents.get(caller, agentId)
      if (version !== undefined && version !== agent.version) {
        const message = `Version mismatch: requested '${version}' but agent has '${agent.version}'`
        throw new Conflict(message, message)
      }
      const manifest = JSON.parse(agent.manifest) as AgentManifestDocument
      const admitted = await admit(agent, manifest, request)
      const now = microsOf(clock.now())
      const row = {
        id: random.uuid(),
        tenant_id: caller.tenantId,
        agent_id: agent.id,
        agent_name: agent.name,
        agent_version: agent.version,
        manifest: agent.manifest,
        env: admitted.env,
        status: 'pending',
        input: JSON.stringify(admitted.input),
        intent: admitted.intent,
        prompt: admitted.prompt,
        security_context: JSON.stringify(admitted.securityContext),
        started_by: actorOf(caller),
        owner,
        heartbeat_at: now,
        total_iterations: 0,
        output: null,
        error: null,
        started_at: now,
        ended_at: null,
        updated_at: now,
      }
      await journal.open(row, (within) => store.insert(row, within), [draft('execution_started')])
      const execution = await get(caller, row.id)
      deps.supervisor().supervise(execution)
      return execution
    },
    list: (caller, filter) => store.list(caller.tenantId, filter),
    async cancel(caller, id, reason) {
      const execution = await get(caller, id)
      const cancelled = await journal.change(
        execution,
        { status: 'cancelled', error: reason, ended_at: microsOf(clock.now()) },
        [draft('execution_cancelled', { reason })],
      )
      if (cancelled) {
        metrics.executions.inc({ status: 'cancelled' })
        // The record says so already; the instance is ended in the background, within its grace.
        void deps
          .supervisor()
          .letGo(id)
          .catch((err: unknown) => logger.error({ err, execution_id: id }, 'cancelled execution could not be ended'))
      }
      return get(caller, id)
    },
    async delete(caller, id) {
      const execution = await get(caller, id)
      if (execution.status === 'pending' || execution.status === 'running')
        throw new Conflict('The execution is running. Cancel it before it is deleted.')
      await deps.supervisor().letGo(id)
      await database.db.transaction().execute((within) => store.delete(id, within))
      await rm(deps.folderOf(id), { recursive: true, force: true })
    },
    async readFile(caller, id, path) {
      await get(caller, id)
      const root = deps.workspaceOf(id)
      try {
        const components = await resolveLinks(root, componentsOf(path, true))
        const handle = await openWithin(root, components, { write: false })
        try {
          if (!(await handle.stat()).isFile()) throw new InvalidInput(`'${path}' is not a file.`, 'not_a_file')
          return { content: await handle.readFile(), name: components.at(-1) ?? 'file' }
        } finally {
          await handle.close()
        }
      } catch (error) {
        if (error instanceof PathRefused) {
          logger.warn({ execution_id: id, problem: error.problem }, 'path refused')
          throw new InvalidInput(error.message, 'invalid_path')
        }
        const { code } = error as NodeJS.ErrnoException
        if (code === 'ENOENT' || code === 'ENOTDIR') throw new NotFound(`There is no file '${path}'.`)
        if (code === 'EISDIR' || code === 'ENXIO') throw new InvalidInput(`'${path}' is not a file.`, 'not_a_file')
        throw error
      }
    },
    async recover(includingOwn) {
      const silentSince = microsOf(clock.now() - SILENT_OWNER_MS)
      for (const orphan of await store.listOrphans(includingOwn ? owner : null, silentSince)) {
        const ended = await journal.change(
          orphan,
          { status: 'failed', error: RESTARTED, ended_at: microsOf(clock.now()) },
          [draft('execution_failed', { reason: RESTARTED, total_iterations: orphan.total_iterations })],
        )
        if (!ended) continue
        metrics.executions.inc({ status: 'failed' })
        logger.warn({ execution_id: orphan.id }, 'execution ended: its server is gone')
        await closeApprovals(orphan)
      }
    },
    beat: () => store.touch(owner, microsOf(clock.now())),
  }
}
