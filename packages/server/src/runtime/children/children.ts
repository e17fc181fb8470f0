import type { AgentManifestDocument } from '@lictor/aegis'
import { JOURNAL_TOPIC, type JournalNews } from '../../changes/journal/journal.ts'
import { Conflict, Forbidden, NotFound } from '../../errors.ts'
import { scopeOfRecord } from '../../identity/scope.ts'
import type { Bus } from '../../ports/bus.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { Queryable } from '../../storage/database.ts'
import { isUniqueViolation } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import type { Admit } from '../admission/admission.ts'
import type { Agent } from '../agents/agent.ts'
import type { Agents } from '../agents/agents.ts'
import type { SecurityContext } from '../contexts/security-contexts.ts'
import type { Supervisor } from '../executions/supervisor.ts'
import type { Tally } from '../executions/tally.ts'
import type { Waiting } from '../judging/human.ts'
import type { Limits } from '../limits/limits.ts'
import { draft } from '../record/events.ts'
import { type Execution, type ExecutionSummary, madeName, unfinished, unstarted } from '../record/execution.ts'
import { type ExecutionJournal, ofAnybody } from '../record/journal.ts'
import type { ExecutionStore } from '../record/store.ts'
import { isWithin } from './within.ts'

/** A child of the first is at depth 1; none is deeper than this. */
const DEEPEST = 3
/** A message of the bus may be lost: who waits looks again this often. */
const LOOK_AGAIN_MS = 2_000
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** An agent that another wrote: deployed nowhere, and listed nowhere. */
export interface MadeAgent {
  readonly id: string
  readonly name: string
  readonly version: string
  readonly status: 'active'
  readonly manifest: AgentManifestDocument
}

/** What an execution has another agent do. */
export interface ChildRequest {
  /**
   * Names the child within its parent, for example `judge:2:critic`. Asked for again, also by another server after a crash, it is
   * the child that there is.
   */
  readonly key: string
  /** Id or name of an agent that the parent's tenant sees, or one of its own making, which is governed as its maker is. */
  readonly agent: string | MadeAgent
  readonly input?: unknown
  readonly intent?: string | null
  /** Files, as `attachmentsOf` found them. */
  readonly attachments?: readonly object[]
  /** Only the parent's is allowed. */
  readonly tenantId?: string
  /** Narrower than the parent's; the parent's own when left out. */
  readonly securityContext?: SecurityContext
  /** The swarm that it is begun in; `join` is done in the transaction that makes it. @throws what keeps it from being made */
  readonly swarm?: { readonly id: string; join(within: Queryable): Promise<void> }
}

/** Keys of judges, of what an attempt made and of tool calls. */
const isJudge = (key: string): boolean => /^(judge|tool):/.test(key)

/** Keys of what an execution began as a task of its own, and does not wait for. */
export const TASK_KEY = 'task:'

/**
 * Executions that executions begin: judges, output handlers, tasks. They end no later than what began them, but for one thing: a
 * task goes on when what began it has completed. Whatever else ends an execution ends all that is below it.
 */
export interface Children {
  /**
   * Begin a child, or find the one of this key; returns before it ends.
   * @throws Conflict too deep, or the parent has ended; Forbidden another tenant or a wider context; NotFound no such agent;
   *   InvalidInput an input that the agent does not take
   */
  spawn(parent: Execution, request: ChildRequest): Promise<Execution>
  /** The child when it has ended, however it ended. @throws the signal's reason when it fires */
  ended(child: Pick<Execution, 'id' | 'tenantId'>, signal: AbortSignal): Promise<Execution>
  /**
   * Begin a child and wait for its end, holding neither place nor time of the parent. Beyond `milliseconds` the child is cancelled.
   */
  run(
    parent: Execution,
    request: ChildRequest,
    options: { readonly signal: AbortSignal; readonly waiting: Waiting; readonly milliseconds?: number },
  ): Promise<Execution>
  /** After an execution has ended: its children end, and its parent hears of it. */
  afterEnd(execution: Pick<Execution, 'id' | 'tenantId' | 'agentId' | 'parentId'>): Promise<void>
}

const hasEnded = ({ status }: Pick<Execution, 'status'>) => !unfinished.some((one) => one === status)

export function createChildren(deps: {
  store: ExecutionStore
  journal: ExecutionJournal
  agents: Pick<Agents, 'get' | 'lookup'>
  admit: Admit
  limits: Pick<Limits, 'begin' | 'requireExecution'>
  tally: Pick<Tally, 'began'>
  supervisor: Pick<Supervisor, 'expect' | 'forget' | 'supervise'>
  /** End an execution of which something else decided that it ends. */
  cancel: (execution: ExecutionSummary, reason: string) => Promise<unknown>
  bus: Bus
  clock: Clock
  random: Random
  owner: string
}): Children {
  const { store, journal, admit, supervisor, cancel, bus, clock, random, owner } = deps

  async function deployedAgent(parent: Execution, name: string): Promise<Agent> {
    const found = uuid.test(name) ? deps.agents.get(parent, name.toLowerCase()) : deps.agents.lookup(parent, name)
    return found.catch((error: unknown) => {
      if (!(error instanceof NotFound)) throw error
      throw new NotFound(`There is no agent '${name}'.`, 'agent_not_found')
    })
  }

  async function spawn(parent: Execution, request: ChildRequest): Promise<Execution> {
    const known = await store.findChild(parent.id, request.key)
    if (known) return known
    if (request.tenantId !== undefined && request.tenantId !== parent.tenantId)
      throw new Forbidden('Cross-tenant spawn forbidden', 'cross_tenant_spawn')
    const depth = parent.ancestors.length
    if (depth >= DEEPEST) {
      const message = `Maximum recursive depth reached at depth ${depth}; cannot spawn child from execution ${parent.id}`
      throw new Conflict(message, 'too_deep')
    }
    const { input, intent = null, attachments, agent: named, swarm } = request
    const isMade = typeof named !== 'string'
    const agent = isMade ? named : await deployedAgent(parent, named)
    const admitted = await admit(agent, { input, intent, attachments }, scopeOfRecord(parent))
    const usual = agent.manifest.spec.security_context === undefined ? parent.securityContext : admitted.securityContext
    const securityContext = request.securityContext ?? usual
    if (!isWithin(securityContext, parent.securityContext))
      throw new Forbidden(
        `The security context '${securityContext.name}' of the agent '${agent.name}' allows more than '${parent.securityContext.name}' of the execution that begins it.`,
        'wider_context',
      )
    const now = microsOf(clock.now())
    const child: Execution = {
      id: random.uuid(),
      tenantId: parent.tenantId,
      agentId: agent.id,
      agentName: isMade ? madeName(parent, agent.name) : agent.name,
      agentVersion: agent.version,
      manifest: agent.manifest,
      env: parent.env,
      input: admitted.input,
      intent: admitted.intent,
      prompt: admitted.prompt,
      securityContext,
      startedBy: parent.startedBy,
      owner,
      ...unstarted(now),
      parentId: parent.id,
      ancestors: [...parent.ancestors, parent.id],
      childKey: request.key,
      swarmId: swarm?.id ?? null,
    }
    // A judge is part of what it judges, which was counted.
    if (isJudge(request.key)) return (await begin(parent, child, swarm)).made
    const who = { tenantId: parent.tenantId, userId: parent.startedBy }
    return (await deps.limits.begin(who, 'agent_execution', () => begin(parent, child, swarm))).made
  }

  async function begin(
    parent: Execution,
    child: Execution,
    swarm: ChildRequest['swarm'],
  ): Promise<{ made: Execution; isNew: boolean }> {
    // Whoever has ended, or is another server's by now, begins nothing.
    const create = async (within: Queryable) => {
      if (!(await store.update(parent.id, { updatedAt: child.startedAt }, within, parent.generation))) return false
      if (swarm) {
        await swarm.join(within)
        await deps.limits.requireExecution(child, within)
      }
      await store.insert(child, within)
      return true
    }
    const began = [
      draft('execution_started', {}),
      ...(swarm ? [draft('swarm_child_spawned', { swarm_id: swarm.id })] : []),
    ]
    supervisor.expect(child.id)
    try {
      const isBegun = await journal.open(child, create, began)
      if (!isBegun) throw new Conflict('The execution that begins another has ended.', 'execution_ended')
    } catch (error) {
      supervisor.forget(child.id)
      const known = isUniqueViolation(error) ? await store.findChild(parent.id, child.childKey ?? '') : null
      if (known) return { made: known, isNew: false }
      throw error
    }
    deps.tally.began(child)
    supervisor.supervise(child)
    await journal.record(parent, [
      draft('child_execution_spawned', {
        parent_execution_id: parent.id,
        child_execution_id: child.id,
        child_agent_id: child.agentId,
      }),
    ])
    return { made: child, isNew: true }
  }

  async function ended(child: Pick<Execution, 'id' | 'tenantId'>, signal: AbortSignal): Promise<Execution> {
    for (;;) {
      signal.throwIfAborted()
      const { promise, resolve: wake } = Promise.withResolvers<void>()
      // Listening begins before the look: what happens in between wakes.
      const stopListening = bus.subscribe(JOURNAL_TOPIC, (message) => {
        if ((message as JournalNews).subject.id === child.id) wake()
      })
      const cancelLook = clock.after(LOOK_AGAIN_MS, wake)
      const giveUp = () => wake()
      signal.addEventListener('abort', giveUp, { once: true })
      try {
        const found = await store.find(scopeOfRecord(child), child.id)
        if (!found) throw new NotFound('The child execution was deleted.', 'execution_not_found')
        if (hasEnded(found)) return found
        await promise
      } finally {
        cancelLook()
        stopListening()
        signal.removeEventListener('abort', giveUp)
      }
    }
  }

  async function cancelBelow(of: Pick<Execution, 'id' | 'tenantId'>): Promise<void> {
    const below = await store.listUnfinishedBelow(of.id)
    if (below.length === 0) return
    const isCompleted = (await store.find(scopeOfRecord(of), of.id))?.status === 'completed'
    for (const one of below) {
      const isTask = one.childKey?.startsWith(TASK_KEY) ?? false
      if (isCompleted && (isTask || one.parentId !== of.id)) continue
      await cancel(one, 'The execution that began it has ended.')
    }
  }

  async function tellParent(child: Pick<Execution, 'id' | 'tenantId' | 'parentId'>): Promise<void> {
    if (child.parentId === null) return
    const [parent, found] = await Promise.all([
      store.find(scopeOfRecord(child), child.parentId),
      store.find(scopeOfRecord(child), child.id),
    ])
    if (!parent || !found) return
    // Several may see it end; the journal says it once.
    const note = async (within: Queryable) =>
      (await store.update(parent.id, { updatedAt: microsOf(clock.now()) }, within)) &&
      (await store.markEndTold(child.id, within))
    await journal.open(ofAnybody(parent), note, [
      draft('child_execution_completed', { child_execution_id: found.id, outcome: found.status }),
    ])
  }

  return {
    spawn,
    ended,
    async run(parent, request, { signal, waiting, milliseconds }) {
      const child = await spawn(parent, request)
      const cancelTimer =
        milliseconds === undefined
          ? () => {}
          : clock.after(milliseconds, () => {
              void Promise.resolve(cancel(child, `It took longer than ${milliseconds / 1000} seconds.`)).catch(() => {})
            })
      try {
        const found = await waiting(() => ended(child, signal), 'child')
        await tellParent(found)
        return found
      } finally {
        cancelTimer()
      }
    },
    async afterEnd(execution) {
      await cancelBelow(execution)
      await tellParent(execution)
    },
  }
}
