import { NotFound } from '../../errors.ts'
import { scopeOfRecord } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import { isUniqueViolation, type Queryable } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import type { Admit } from '../admission/admission.ts'
import type { Agents } from '../agents/agents.ts'
import type { Supervisor } from '../executions/supervisor.ts'
import { draft } from '../record/events.ts'
import { type Execution, type ExecutionSummary, unfinished, unstarted } from '../record/execution.ts'
import type { ExecutionJournal } from '../record/journal.ts'
import type { ExecutionStore } from '../record/store.ts'
import type { Children } from './children.ts'

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** What a state of a workflow has an agent do. */
export interface RunRequest {
  /** Of the execution. Asked for again, also by another server after a crash, it is the execution that there is. */
  readonly id: string
  readonly tenantId: string
  readonly startedBy: string
  /** Id or name of an agent that the tenant sees. */
  readonly agent: string
  readonly input: unknown
  readonly intent: string | null
  /** Whether the state still waits for it, asked in the transaction that makes the execution. */
  readonly isWanted: (within: Queryable) => Promise<boolean>
}

/**
 * Executions that runs of workflows begin. They have no parent among executions: what they may do is what their agents may, as if
 * whoever started the run had started them.
 */
export interface RunExecutions {
  /**
   * Begin an execution, or find it; null when nobody wants it any more.
   * @throws NotFound no such agent; Conflict, InvalidInput what the agent does not take
   */
  begin(request: RunRequest): Promise<Execution | null>
  /** As it is when it has ended. @throws the signal's reason when it fires */
  ended: Children['ended']
  /** End those of these that go on. */
  cancel(of: { readonly tenantId: string; readonly ids: readonly string[] }, reason: string): Promise<void>
}

export function createRunExecutions(deps: {
  store: Pick<ExecutionStore, 'find' | 'insert'>
  journal: Pick<ExecutionJournal, 'open'>
  agents: Pick<Agents, 'get' | 'lookup'>
  admit: Admit
  supervisor: Pick<Supervisor, 'expect' | 'forget' | 'supervise'>
  ended: Children['ended']
  cancel: (execution: ExecutionSummary, reason: string) => Promise<unknown>
  clock: Clock
  owner: string
}): RunExecutions {
  const { store, journal, agents, admit, supervisor, cancel, clock, owner } = deps

  return {
    ended: deps.ended,
    async begin({ id, tenantId, startedBy, agent: named, input, intent, isWanted }) {
      const scope = scopeOfRecord({ tenantId })
      const known = await store.find(scope, id)
      if (known) return known
      const found = uuid.test(named)
        ? agents.get({ tenantId }, named.toLowerCase())
        : agents.lookup({ tenantId }, named)
      const agent = await found.catch((error: unknown) => {
        if (!(error instanceof NotFound)) throw error
        throw new NotFound(`There is no agent '${named}'.`, 'agent_not_found')
      })
      const admitted = await admit(agent, { input, intent }, scope)
      const now = microsOf(clock.now())
      const execution: Execution = {
        id,
        tenantId,
        agentId: agent.id,
        agentName: agent.name,
        agentVersion: agent.version,
        manifest: agent.manifest,
        env: admitted.env,
        input: admitted.input,
        intent: admitted.intent,
        prompt: admitted.prompt,
        securityContext: admitted.securityContext,
        startedBy,
        owner,
        ...unstarted(now),
        parentId: null,
        ancestors: [],
        childKey: null,
      }
      const create = async (within: Queryable) => {
        if (!(await isWanted(within))) return false
        await store.insert(execution, within)
        return true
      }
      supervisor.expect(id)
      try {
        if (!(await journal.open(execution, create, [draft('execution_started', {})]))) return null
        supervisor.supervise(execution)
        return execution
      } catch (error) {
        const begun = isUniqueViolation(error) ? await store.find(scope, id) : null
        if (begun) return begun
        throw error
      } finally {
        supervisor.forget(id)
      }
    },
    async cancel({ tenantId, ids }, reason) {
      for (const id of ids) {
        const execution = await store.find(scopeOfRecord({ tenantId }), id)
        if (execution && unfinished.some((one) => one === execution.status)) await cancel(execution, reason)
      }
    },
  }
}
