import { Conflict, Forbidden, NotFound } from '../../errors.ts'
import { scopeOfRecord, systemScope, type TenantScope } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Queryable } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import type { Children, MadeAgent } from '../children/children.ts'
import { derivedId } from '../children/derived-id.ts'
import { draft, type EventDraft } from '../record/events.ts'
import { type Execution, type ExecutionSummary, unfinished } from '../record/execution.ts'
import type { ExecutionStore } from '../record/store.ts'
import type { TenantEvents } from '../record/tenant-events.ts'
import type { SwarmStore } from './store.ts'
import type { DissolvedBecause, Lock, Member, Message, Swarm, SwarmDetail, SwarmStatus, SwarmView } from './swarm.ts'

/** Bytes of one message. */
export const LARGEST_PAYLOAD = 65_536
/** Messages that wait for one member, and that are sent in one swarm. */
const MOST_UNREAD = 1000
const MOST_MESSAGES = 10_000
/** Names that are locked in one swarm at once. */
const MOST_LOCKS = 1000
/** Messages that one call reads. */
const READ_AT_ONCE = 50
/** Messages that a swarm is shown with. */
const RECENT = 100
const SWEPT_AT_ONCE = 100
/** How long a dissolved swarm is kept. */
const KEPT_MS = 90 * 86_400_000

const NOT_FOUND = 'swarm not found'

/** What is asked of a lock. */
export interface LockRequest {
  /** The call that asks: made again, it has what it had. */
  readonly callId: string
  readonly resource: string
  readonly ttlSeconds: number
  /** Null: the swarm that it was begun in, else its own. */
  readonly swarmId: string | null
}

/** Who holds a name now. */
export type LockAnswer = { readonly kind: 'held'; readonly lock: Lock } | { readonly kind: 'taken'; readonly by: Lock }

/** Counts, for metrics. */
export interface SwarmCounts {
  spawned(): void
  messages(count: number): void
  locked(): void
  dissolved(because: DissolvedBecause): void
}

/**
 * Executions that work together. A swarm is of an execution, and of the children that it began by its tools; they tell each other
 * things and lock names. Children are executions as all others are: who runs them, ends them and takes them up is not this room's.
 * A swarm is there as long as its parent or one of its children goes on.
 */
export interface Swarms {
  list(
    scope: TenantScope,
    filter: { readonly statuses: readonly SwarmStatus[]; readonly limit: number; readonly offset: number },
  ): Promise<SwarmView[]>
  /** @throws NotFound */
  get(scope: TenantScope, id: string): Promise<SwarmDetail>
  /**
   * Begin a child in a swarm, which is made when there is none yet.
   * @param request.key names the child within its parent: asked for again, it is the child that there is
   * @throws what `Children.spawn` throws; NotFound a swarm that the parent is no member of; Conflict a dissolved one
   */
  spawn(
    parent: Execution,
    request: { readonly key: string; readonly agent: MadeAgent; readonly swarmId: string | null },
  ): Promise<Execution>
  /** An execution that is a member of a swarm of the caller's. @throws NotFound */
  member(of: Execution, executionId: string): Promise<Member>
  /** @throws NotFound no such member of a swarm of the caller's; Conflict it has ended, or too many messages wait */
  send(
    from: Execution,
    message: { readonly callId: string; readonly toAgentId: string; readonly payload: string },
  ): Promise<{ readonly payloadBytes: number }>
  /** To all other members that go on; how many. @throws NotFound, Conflict */
  broadcast(
    from: Execution,
    message: { readonly callId: string; readonly swarmId: string; readonly payload: string },
  ): Promise<number>
  /** What an execution was told, oldest first, and whether there is more. */
  read(by: Execution, callId: string): Promise<{ readonly messages: readonly Message[]; readonly hasMore: boolean }>
  /** Take a lock, if nobody else holds it. @throws Conflict the caller is in no swarm, or too many names are locked */
  acquire(by: Execution, request: LockRequest): Promise<LockAnswer>
  /** False when the lock is not held any more. @throws Forbidden another execution holds it */
  release(by: Execution, token: string): Promise<boolean>
  /** After an execution has ended, before its children are: what it held is free, and its swarm takes nobody in. */
  ending(execution: Pick<ExecutionSummary, 'id' | 'tenantId' | 'agentId'>): Promise<void>
  /** After an execution and its children have ended: a swarm in which nothing goes on is dissolved. */
  ended(execution: Pick<ExecutionSummary, 'id' | 'tenantId'>): Promise<void>
  /** Free what has run out, and finish what a server that died had begun. */
  sweep(): Promise<void>
  countActive(): Promise<number>
}

const goesOn = ({ status }: Pick<Execution, 'status'>): boolean => unfinished.some((one) => one === status)

/** The swarm that an execution makes. */
export const swarmIdOf = (parentId: string): string => derivedId(`swarm:${parentId}`)

export function createSwarms(deps: {
  store: SwarmStore
  executionStore: Pick<ExecutionStore, 'find' | 'update'>
  children: Pick<Children, 'spawn' | 'afterEnd'>
  events: Pick<TenantEvents, 'tell' | 'add'>
  count: SwarmCounts
  clock: Clock
}): Swarms {
  const { store, executionStore, children, events, count, clock } = deps
  const now = () => microsOf(clock.now())

  /** The caller goes on, in the transaction that does something for it. @throws Conflict */
  async function requireGoingOn({ id }: Execution, within: Queryable): Promise<void> {
    if (await executionStore.update(id, { updatedAt: now() }, within)) return
    throw new Conflict('The execution has ended.', 'execution_ended')
  }

  /** A swarm that the caller is a member of. @throws NotFound, which says nothing of swarms of others */
  async function ownSwarm(of: Execution, id: string): Promise<Swarm> {
    const found = (await store.ofExecution(of.id)).find((one) => one.id === id && one.tenantId === of.tenantId)
    if (!found) throw new NotFound(NOT_FOUND, NOT_FOUND)
    return found
  }

  async function othersIn(swarm: Swarm, of: Execution): Promise<Member[]> {
    return (await store.members(swarm.id)).filter(({ executionId }) => executionId !== of.id)
  }

  /** Send, as long as the swarm is there and has room. @throws Conflict */
  async function deliver(
    swarm: Swarm,
    from: Execution,
    message: { readonly callId: string; readonly payload: string; readonly to: readonly Member[] },
    told: readonly EventDraft[] = [],
  ): Promise<void> {
    const { callId, payload, to } = message
    const sentAt = now()
    const payloadBytes = Buffer.byteLength(payload)
    const sender = { executionId: from.id, agentId: from.agentId }
    const sent = await events.tell({ tenantId: swarm.tenantId, agentId: null, executionId: null }, async (within) => {
      await requireGoingOn(from, within)
      if (!(await store.holdActive(swarm.id, within)))
        throw new Conflict('The swarm is being dissolved.', 'swarm_dissolved')
      const all = to.map((one) => ({ swarmId: swarm.id, callId, from: sender, to: one, payload, payloadBytes, sentAt }))
      const added = await store.addMessages(all, within)
      if (added > 0) {
        if ((await store.countMessages(swarm.id, within)) > MOST_MESSAGES)
          throw new Conflict(`A swarm takes ${MOST_MESSAGES} messages, and this one has had them.`, 'swarm_full')
        for (const one of to)
          if ((await store.countUnread(one.executionId, within)) > MOST_UNREAD)
            throw new Conflict(
              `${MOST_UNREAD} messages wait for the agent '${one.agentId}'; it has to read some first.`,
              'mailbox_full',
            )
      }
      return { made: added, events: added > 0 ? told : [] }
    })
    count.messages(sent)
  }

  /** In the transaction that makes a child: its swarm is there, and active. */
  async function join(parent: Execution, swarmId: string, isOwn: boolean, within: Queryable): Promise<void> {
    const swarm: Swarm = {
      id: swarmId,
      tenantId: parent.tenantId,
      parentId: parent.id,
      status: 'active',
      reason: null,
      createdAt: now(),
      dissolvedAt: null,
    }
    const isNew = isOwn && (await store.insert(swarm, within))
    if (!isNew && !(await store.holdActive(swarmId, within)))
      throw new Conflict('The swarm is dissolved; it takes no more children.', 'swarm_dissolved')
    if (!isNew) return
    const event = draft('swarm_created', { swarm_id: swarmId, parent_execution_id: parent.id })
    await events.add(parent.tenantId, [event], within)
  }

  async function free(lock: Lock, tenantId: string): Promise<boolean> {
    const { swarmId, resource } = lock
    return events.tell({ tenantId, agentId: null, executionId: null }, async (within) => {
      const isFreed = await store.dropLock(lock, within)
      return { made: isFreed, events: isFreed ? [released(swarmId, resource)] : [] }
    })
  }

  async function dissolve(swarm: Swarm): Promise<void> {
    const { id, tenantId, parentId } = swarm
    const parent = await executionStore.find(scopeOfRecord({ tenantId }), parentId)
    const because: DissolvedBecause =
      parent === null || parent.status === 'completed' ? 'AllChildrenComplete' : 'ParentCancelled'
    const isDissolved = await events.tell({ tenantId, agentId: null, executionId: null }, async (within) => {
      const made = await store.dissolve(id, because, now(), within)
      return { made, events: made ? [draft('swarm_dissolved', { swarm_id: id, reason: because })] : [] }
    })
    if (isDissolved) count.dissolved(because)
  }

  async function ending({ id, tenantId }: Pick<ExecutionSummary, 'id' | 'tenantId'>): Promise<void> {
    for (const lock of await store.locksOfHolder(id)) await free(lock, tenantId)
    const ended = await executionStore.find(scopeOfRecord({ tenantId }), id)
    if (ended?.status === 'completed') return
    const own = (await store.ofExecution(id)).find(({ parentId }) => parentId === id)
    if (!own) return
    await events.tell({ tenantId, agentId: null, executionId: null }, async (within) => ({
      made: await store.beginDissolving(own.id, within),
      events: [],
    }))
    for (const lock of await store.locks(own.id, 0)) await free(lock, tenantId)
  }

  async function ended({ id }: Pick<ExecutionSummary, 'id'>): Promise<void> {
    for (const swarm of await store.ofExecution(id)) await dissolve(swarm)
  }

  return {
    list: store.list,
    async get(scope, id) {
      const swarm = await store.find(scope, id)
      if (!swarm) throw new NotFound(NOT_FOUND, NOT_FOUND)
      const [members, locks, messages, messageCount] = await Promise.all([
        store.members(id),
        store.locks(id, now()),
        store.messages(id, RECENT),
        store.countMessages(id),
      ])
      return { swarm, members, locks, messages, lockCount: locks.length, messageCount }
    },
    async spawn(parent, { key, agent, swarmId }) {
      const own = swarmIdOf(parent.id)
      const id = swarmId ?? own
      if (id !== own) await ownSwarm(parent, id)
      const child = await children.spawn(parent, {
        key,
        agent,
        // An agent needs something to do; what, its instruction says.
        intent: agent.manifest.spec.task?.input_data === undefined ? 'Do what your instruction says.' : null,
        swarm: { id, join: (within) => join(parent, id, id === own, within) },
      })
      count.spawned()
      return child
    },
    async member(of, executionId) {
      for (const swarm of await store.ofExecution(of.id)) {
        const found = (await othersIn(swarm, of)).find((one) => one.executionId === executionId)
        if (found) return found
      }
      throw new NotFound(`No member of your swarm is the execution '${executionId}'.`, 'member_not_found')
    },
    async send(from, { callId, toAgentId, payload }) {
      for (const swarm of await store.ofExecution(from.id)) {
        const to = (await othersIn(swarm, from)).find(({ agentId }) => agentId === toAgentId)
        if (!to) continue
        if (!goesOn(to)) throw new Conflict(`The agent '${toAgentId}' has ended; nobody reads it.`, 'member_ended')
        await deliver(swarm, from, { callId, payload, to: [to] })
        return { payloadBytes: Buffer.byteLength(payload) }
      }
      throw new NotFound(`No member of your swarm is the agent '${toAgentId}'.`, 'member_not_found')
    },
    async broadcast(from, { callId, swarmId, payload }) {
      const swarm = await ownSwarm(from, swarmId)
      const to = (await othersIn(swarm, from)).filter(goesOn)
      const told = draft('swarm_message_broadcast', {
        swarm_id: swarm.id,
        from: from.agentId,
        recipient_count: to.length,
        payload_bytes: Buffer.byteLength(payload),
      })
      await deliver(swarm, from, { callId, payload, to }, [told])
      return to.length
    },
    async read(by, callId) {
      return events.tell({ tenantId: by.tenantId, agentId: null, executionId: null }, async (within) => {
        await requireGoingOn(by, within)
        const messages = await store.readMessages(by.id, callId, READ_AT_ONCE, within)
        const hasMore = (await store.countUnread(by.id, within)) > messages.length
        return { made: { messages, hasMore }, events: [] }
      })
    },
    async acquire(by, { callId, resource, ttlSeconds, swarmId }) {
      const [first] = await store.ofExecution(by.id)
      const swarm = swarmId === null ? first : await ownSwarm(by, swarmId)
      if (!swarm)
        throw new Conflict('This execution is in no swarm: begin a child first, by aegis.spawn_child.', 'no_swarm')
      const token = derivedId(`lock:${callId}`)
      const answer = await events.tell<LockAnswer>(
        { tenantId: by.tenantId, agentId: by.agentId, executionId: by.id },
        async (within) => {
          await requireGoingOn(by, within)
          if (!(await store.holdActive(swarm.id, within)))
            throw new Conflict('The swarm is being dissolved.', 'swarm_dissolved')
          const acquiredAt = now()
          const expiresAt = acquiredAt + ttlSeconds * 1_000_000
          const held = await store.findLock(swarm.id, resource, acquiredAt, within)
          if (held && held.holderId !== by.id) return { made: { kind: 'taken', by: held }, events: [] }
          if (held) {
            await store.extendLock(held, expiresAt, within)
            return { made: { kind: 'held', lock: { ...held, expiresAt } }, events: [] }
          }
          if ((await store.countLocks(swarm.id, acquiredAt, within)) >= MOST_LOCKS)
            throw new Conflict(`${MOST_LOCKS} names are locked in this swarm; release some first.`, 'too_many_locks')
          const lock: Lock = {
            swarmId: swarm.id,
            resource,
            holderId: by.id,
            holderAgentId: by.agentId,
            token,
            acquiredAt,
            expiresAt,
          }
          await store.takeLock(lock, within)
          const fields = { swarm_id: swarm.id, resource_id: resource, holder: by.agentId }
          return { made: { kind: 'held', lock }, events: [draft('swarm_lock_acquired', fields)] }
        },
      )
      if (answer.kind === 'held' && answer.lock.token === token) count.locked()
      return answer
    },
    async release(by, token) {
      const lock = await store.findLockByToken(token)
      if (!lock) return false
      // What others hold is not told of to who is not among them.
      const swarms = await store.ofExecution(by.id)
      if (!swarms.some(({ id }) => id === lock.swarmId)) return false
      if (lock.holderId !== by.id)
        throw new Forbidden('Another execution holds this lock; only its holder releases it.', 'not_the_holder')
      return free(lock, by.tenantId)
    },
    ending,
    ended,
    async sweep() {
      for (const lock of await store.listStaleLocks(systemScope, now(), SWEPT_AT_ONCE)) await free(lock, lock.tenantId)
      for (const swarm of await store.listLeft(systemScope, SWEPT_AT_ONCE)) {
        const { tenantId, parentId } = swarm
        const parent = await executionStore.find(scopeOfRecord({ tenantId }), parentId)
        if (parent && parent.status !== 'completed') {
          await ending(parent)
          await children.afterEnd(parent)
        }
        await dissolve(swarm)
      }
      await store.forget(now() - KEPT_MS * 1000)
    },
    countActive: () => store.countActive(systemScope),
  }
}

const released = (swarmId: string, resource: string): EventDraft =>
  draft('swarm_lock_released', { swarm_id: swarmId, resource_id: resource })
