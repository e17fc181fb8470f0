import type { AgentManifestDocument, VolumeSpec } from '@lictor/aegis'
import { Forbidden, NotFound } from '../../errors.ts'
import { scopeOfRecord } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import { isUniqueViolation, type Queryable } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import type { Admit } from '../admission/admission.ts'
import type { Agent } from '../agents/agent.ts'
import type { Agents } from '../agents/agents.ts'
import type { SecurityContext } from '../contexts/security-contexts.ts'
import type { Supervisor } from '../executions/supervisor.ts'
import type { Tally } from '../executions/tally.ts'
import type { Limits } from '../limits/limits.ts'
import { draft } from '../record/events.ts'
import { type Execution, type ExecutionSummary, unfinished, unowned, unstarted } from '../record/execution.ts'
import type { ExecutionJournal } from '../record/journal.ts'
import type { ExecutionStore } from '../record/store.ts'
import type { Children } from './children.ts'
import { isWithin } from './within.ts'

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
  /** What a judge is given, by what its own manifest says that it takes; in place of `input` and `intent`. */
  readonly inputFor?: (agent: { readonly name: string; readonly manifest: AgentManifestDocument }) => {
    readonly input: unknown
    readonly intent: string | null
  }
  /** Volumes of the run that it has mounted, beside those of its own manifest. */
  readonly volumes?: readonly VolumeSpec[]
  /** What the execution stays within; null: what its agent may. */
  readonly bound: SecurityContext | null
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

/** An agent by its id or name. @throws NotFound */
export async function agentNamed(
  agents: Pick<Agents, 'get' | 'lookup'>,
  of: { readonly tenantId: string },
  named: string,
): Promise<Agent> {
  const found = uuid.test(named) ? agents.get(of, named.toLowerCase()) : agents.lookup(of, named)
  return found.catch((error: unknown) => {
    if (!(error instanceof NotFound)) throw error
    throw new NotFound(`There is no agent '${named}'.`, 'agent_not_found')
  })
}

export function createRunExecutions(deps: {
  store: Pick<ExecutionStore, 'find' | 'insert'>
  journal: Pick<ExecutionJournal, 'open'>
  agents: Pick<Agents, 'get' | 'lookup'>
  admit: Admit
  limits: Pick<Limits, 'begin' | 'requireExecution'>
  tally: Pick<Tally, 'began'>
  /** Where it is worked on: by this server, or by whoever takes it up. */
  place: () => Promise<'here' | 'elsewhere'>
  supervisor: Pick<Supervisor, 'expect' | 'forget' | 'supervise'>
  ended: Children['ended']
  cancel: (execution: ExecutionSummary, reason: string) => Promise<unknown>
  clock: Clock
  owner: string
}): RunExecutions {
  const { store, journal, agents, admit, limits, supervisor, cancel, clock, owner } = deps

  return {
    ended: deps.ended,
    async begin({ id, tenantId, startedBy, agent: named, input, intent, inputFor, volumes = [], bound, isWanted }) {
      const scope = scopeOfRecord({ tenantId })
      const known = await store.find(scope, id)
      if (known) return known
      const agent = await agentNamed(agents, { tenantId }, named)
      const admitted = await admit(agent, inputFor?.(agent) ?? { input, intent }, scope)
      if (bound !== null && !isWithin(admitted.securityContext, bound))
        throw new Forbidden(
          `The security context '${admitted.securityContext.name}' of the agent '${agent.name}' allows more than '${bound.name}' of the execution that started the workflow.`,
          'wider_context',
        )
      const isHere = (await deps.place()) === 'here'
      const now = microsOf(clock.now())
      const execution: Execution = {
        id,
        tenantId,
        agentId: agent.id,
        agentName: agent.name,
        agentVersion: agent.version,
        manifest: withVolumes(agent.manifest, volumes),
        env: admitted.env,
        input: admitted.input,
        intent: admitted.intent,
        prompt: admitted.prompt,
        securityContext: admitted.securityContext,
        startedBy,
        ...unstarted(now),
        ...(isHere ? { owner } : unowned),
        parentId: null,
        ancestors: [],
        childKey: null,
        swarmId: null,
      }
      const create = async (within: Queryable) => {
        if (!(await isWanted(within))) return false
        await limits.requireExecution(execution, within)
        await store.insert(execution, within)
        return true
      }
      const begin = async () => {
        supervisor.expect(id)
        try {
          if (!(await journal.open(execution, create, [draft('execution_started', {})])))
            return { made: null, isNew: false }
          deps.tally.began(execution)
          if (isHere) supervisor.supervise(execution)
          return { made: execution, isNew: true }
        } catch (error) {
          const begun = isUniqueViolation(error) ? await store.find(scope, id) : null
          if (begun) return { made: begun, isNew: false }
          throw error
        } finally {
          supervisor.forget(id)
        }
      }
      return (await limits.begin({ tenantId, userId: startedBy }, 'agent_execution', begin)).made
    },
    async cancel({ tenantId, ids }, reason) {
      for (const id of ids) {
        const execution = await store.find(scopeOfRecord({ tenantId }), id)
        if (execution && unfinished.some((one) => one === execution.status)) await cancel(execution, reason)
      }
    },
  }
}

const withVolumes = (manifest: AgentManifestDocument, volumes: readonly VolumeSpec[]): AgentManifestDocument =>
  volumes.length === 0
    ? manifest
    : { ...manifest, spec: { ...manifest.spec, volumes: [...(manifest.spec.volumes ?? []), ...volumes] } }
