import type { Emit, StreamLog } from '../../changes/stream-log.ts'
import { InvalidInput, NotFound } from '../../errors.ts'
import type { KeyClient, UserCaller } from '../../identity/caller.ts'
import { environments } from '../../identity/keys.ts'
import { scopeOf, scopeOfRecord, type TenantScope } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import { microsOf, toWireTime } from '../../storage/instants.ts'
import { type AssignedAgent, type Assignment, type AssignmentRule, resolveAssignment } from '../assignment/resolve.ts'
import type { RuleStore } from '../assignment/store.ts'
import type { AgentManifest } from '../events/sightings.ts'
import type { Registration, RegistrationStore } from './store.ts'

/** What an agent says of itself when it connects. */
export interface Introduction {
  readonly tenantId: string
  readonly agentId: string
  readonly env: string
  /** The bundle it runs from here on: named by itself, or assigned. */
  readonly bundleName: string | null
  /** The same, when it was assigned. */
  readonly assignedBundle: string | null
  readonly reads: KeyClient
  readonly policyVersion: string | null
  /** Overlay the tags that are there; null says nothing of tags. */
  readonly tags: Readonly<Record<string, unknown>> | null
}

export interface RegistrationView extends Registration {
  /** What the assignment resolves to, by a rule of any environment. */
  readonly resolvedBundle: string | null
}

export interface Registrations {
  /** What assignments are judged by; undefined for an agent that is not registered. */
  assigned(scope: TenantScope, agentId: string): Promise<AssignedAgent | undefined>
  /** The server itself runs the agent, and saw it under this bundle. */
  sighted(
    agent: { readonly tenantId: string; readonly name: string; readonly env: string },
    policy: { readonly bundleName: string; readonly revisionHash: string } | null,
  ): Promise<void>
  /** Make or refresh the agent's registration. Many at once share one transaction. */
  introduce(introduction: Introduction): Promise<void>
  list(caller: UserCaller): Promise<RegistrationView[]>
  /** Absent means unchanged; an empty `bundleName` clears the explicit assignment. @throws NotFound. */
  update(
    caller: UserCaller,
    agentId: string,
    change: {
      displayName?: string | undefined
      tags?: Readonly<Record<string, unknown>> | undefined
      bundleName?: string | undefined
    },
  ): Promise<RegistrationView>
  /** Assign a bundle to those of the agents that are registered; how many. */
  assign(caller: UserCaller, agentIds: readonly string[], bundleName: string): Promise<number>
  /** Keep what an agent says it enforces by itself; makes the registration when there is none. */
  keepManifest(scope: TenantScope, manifest: AgentManifest): Promise<void>
}

const LARGEST_BATCH = 200
/** Longer ones do not fit an index of PostgreSQL. */
export const LONGEST_AGENT_ID = 512

export function createRegistrations(deps: {
  database: Database
  store: RegistrationStore
  rules: RuleStore
  log: StreamLog
  clock: Clock
  random: Random
}): Registrations {
  const { database, store, rules, log, clock, random } = deps
  const waiting: { introduction: Introduction; done: () => void; failed: (error: unknown) => void }[] = []
  let isWriting = false

  /** Whoever connects while a transaction is being committed is written with the next one. */
  async function writeWaiting(): Promise<void> {
    if (isWriting) return
    isWriting = true
    for (let batch = waiting.splice(0, LARGEST_BATCH); batch.length > 0; batch = waiting.splice(0, LARGEST_BATCH)) {
      try {
        // By id, so that two servers never wait for each other's rows.
        const ordered = batch
          .map((one) => one.introduction)
          .sort((a, b) => (`${a.tenantId}\n${a.agentId}` < `${b.tenantId}\n${b.agentId}` ? -1 : 1))
        await database.db.transaction().execute(async (within) => {
          for (const introduction of ordered) await write(introduction, within)
        })
        for (const one of batch) one.done()
      } catch (error) {
        for (const one of batch) one.failed(error)
      }
    }
    isWriting = false
  }

  async function write(introduction: Introduction, within: Queryable): Promise<void> {
    const { tenantId, agentId, env, bundleName, assignedBundle, reads, policyVersion, tags } = introduction
    const known = tags === null ? undefined : await store.find(scopeOfRecord(introduction), agentId, within)
    const merged = { ...known?.tags, ...tags }
    const isUnchanged = tags === null || (known !== undefined && JSON.stringify(known.tags) === JSON.stringify(merged))
    const now = microsOf(clock.now())
    const seen = { env, runningBundle: bundleName, assignedBundle, reads, policyVersion, lastSeenAt: now }
    await store.upsert(
      { ...blank(tenantId, agentId, now), ...seen, tags: merged },
      isUnchanged ? seen : { ...seen, tags: merged, updatedAt: now },
      within,
    )
  }

  const blank = (tenantId: string, agentId: string, now: number): Registration => ({
    id: random.uuid(),
    tenantId,
    agentId,
    displayName: null,
    tags: {},
    bundleName: null,
    manifest: null,
    env: null,
    runningBundle: null,
    policyVersion: null,
    lastSeenAt: null,
    createdAt: now,
    updatedAt: now,
    assignedBundle: null,
    reads: null,
  })

  const viewOf = (registration: Registration, all: readonly AssignmentRule[]): RegistrationView => ({
    ...registration,
    resolvedBundle: resolveAssignment(registration, all, null).bundleName,
  })

  return {
    introduce(introduction) {
      const written = new Promise<void>((done, failed) => waiting.push({ introduction, done, failed }))
      void writeWaiting()
      return written
    },

    assigned: (scope, agentId) => store.find(scope, agentId),

    async sighted({ tenantId, name, env }, policy) {
      await store.update(scopeOfRecord({ tenantId }), name, {
        env,
        runningBundle: policy?.bundleName ?? null,
        policyVersion: policy?.revisionHash ?? null,
        lastSeenAt: microsOf(clock.now()),
      })
    },

    async list(caller) {
      const [known, all] = await Promise.all([store.list(scopeOf(caller)), rules.list(scopeOf(caller))])
      return known.sort((a, b) => (a.agentId < b.agentId ? -1 : 1)).map((registration) => viewOf(registration, all))
    },

    update(caller, agentId, change) {
      return log.transact(async (within, emit) => {
        const before = await store.find(scopeOf(caller), agentId, within)
        if (!before) throw new NotFound('Agent not found')
        const changed = {
          displayName: change.displayName ?? before.displayName,
          tags: change.tags ?? before.tags,
          bundleName: change.bundleName === undefined ? before.bundleName : change.bundleName || null,
          updatedAt: microsOf(clock.now()),
        }
        const after: Registration = { ...before, ...changed }
        await store.update(scopeOf(caller), agentId, changed, within)
        const all = await rules.list(scopeOf(caller), within)
        tellChange(caller.tenantId, before, after, all, emit)
        return viewOf(after, all)
      })
    },

    assign(caller, agentIds, bundleName) {
      const ids = [...new Set(agentIds)]
      return log.transact(async (within, emit) => {
        let updated = 0
        const changed = { bundleName: bundleName || null, updatedAt: microsOf(clock.now()) }
        for (const agentId of [...ids].sort())
          if (await store.update(scopeOf(caller), agentId, changed, within)) updated++
        const data = { bundle_name: changed.bundleName, source: 'explicit' }
        for (const agentId of ids)
          emit({
            tenantId: caller.tenantId,
            type: 'assignment_changed',
            data: { agent_id: agentId, ...data },
            agentId,
            dashboard: false,
          })
        emit({
          tenantId: caller.tenantId,
          type: 'assignment_changed',
          data: { agent_id: '__bulk__', ...data },
          dashboard: true,
        })
        return updated
      })
    },

    async keepManifest({ tenantId }, { agent_id, policy_version, contracts }) {
      if (agent_id.length > LONGEST_AGENT_ID)
        throw new InvalidInput([
          {
            loc: ['body', 'agent_manifest', 'agent_id'],
            msg: `Value error, an agent id has at most ${LONGEST_AGENT_ID} characters`,
          },
        ])
      const now = microsOf(clock.now())
      const updated_at = toWireTime(now).replace('Z', '+00:00')
      const changed = { manifest: JSON.stringify({ policy_version, contracts, updated_at }), lastSeenAt: now }
      await database.db
        .transaction()
        .execute((within) => store.upsert({ ...blank(tenantId, agent_id, now), ...changed }, changed, within))
    },
  }
}

/** Who hears of a changed registration: the agent, in each environment where it now runs something else, and dashboards. */
function tellChange(
  tenantId: string,
  before: Registration,
  after: Registration,
  rules: readonly AssignmentRule[],
  emit: Emit,
): void {
  const agentId = after.agentId
  const tell = (assignment: Assignment, to: { agentId?: string; env?: string; dashboard: boolean }) =>
    emit({
      tenantId,
      type: 'assignment_changed',
      data: { agent_id: agentId, bundle_name: assignment.bundleName, source: assignment.source },
      ...to,
    })
  const isReassigned = before.bundleName !== after.bundleName
  if (isReassigned && after.bundleName !== null) {
    tell({ bundleName: after.bundleName, source: 'explicit' }, { agentId, dashboard: true })
    return
  }
  if (isReassigned) tell(resolveAssignment(after, rules, after.env), { dashboard: true })
  for (const env of environments) {
    const now = resolveAssignment(after, rules, env)
    if (isReassigned || now.bundleName !== resolveAssignment(before, rules, env).bundleName)
      tell(now, { agentId, env, dashboard: false })
  }
}
