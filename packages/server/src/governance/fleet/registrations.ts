import { InvalidInput, NotFound } from '../../errors.ts'
import type { UserCaller } from '../../http/caller.ts'
import { environments } from '../../identity/keys.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import { microsOf, toWireTime } from '../../storage/instants.ts'
import type { AgentRegistrationRow } from '../../storage/schema.ts'
import { type AssignedAgent, type Assignment, type AssignmentRule, resolveAssignment } from '../assignment/resolve.ts'
import { type RuleStore, ruleOf } from '../assignment/store.ts'
import type { AgentManifest } from '../events/sightings.ts'
import type { Emit, StreamLog } from '../stream/log.ts'
import type { RegistrationStore } from './store.ts'

/** What an agent says of itself when it connects. */
export interface Introduction {
  readonly tenantId: string
  readonly agentId: string
  readonly env: string
  /** The bundle it runs from here on: named by itself, or assigned. */
  readonly bundleName: string | null
  readonly policyVersion: string | null
  /** Overlay the tags that are there; null says nothing of tags. */
  readonly tags: Readonly<Record<string, unknown>> | null
}

export interface RegistrationView extends AgentRegistrationRow {
  /** What the assignment resolves to, by a rule of any environment (console-api §8.8.1). */
  readonly resolved_bundle: string | null
}

export interface Registrations {
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
  /** Keep what an agent says it enforces by itself (console-api §8.4.1); makes the registration when there is none. */
  keepManifest(tenantId: string, manifest: AgentManifest): Promise<void>
}

const LARGEST_BATCH = 200
/** Longer ones do not fit an index of PostgreSQL. */
export const LONGEST_AGENT_ID = 512

export function registrations(deps: {
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
    const { tenantId, agentId, env, bundleName, policyVersion, tags } = introduction
    const known = tags === null ? undefined : await store.find(tenantId, agentId, within)
    const merged = JSON.stringify({ ...(known ? tagsOf(known) : {}), ...tags })
    const now = microsOf(clock.now())
    const seen = { env, running_bundle: bundleName, policy_version: policyVersion, last_seen_at: now }
    await store.upsert(
      { ...blank(tenantId, agentId, now), ...seen, tags: merged },
      tags === null || known?.tags === merged ? seen : { ...seen, tags: merged, updated_at: now },
      within,
    )
  }

  const blank = (tenantId: string, agentId: string, now: number): AgentRegistrationRow => ({
    id: random.uuid(),
    tenant_id: tenantId,
    agent_id: agentId,
    display_name: null,
    tags: '{}',
    bundle_name: null,
    manifest: null,
    env: null,
    running_bundle: null,
    policy_version: null,
    last_seen_at: null,
    created_at: now,
    updated_at: now,
  })

  const viewOf = (row: AgentRegistrationRow, all: readonly AssignmentRule[]): RegistrationView => ({
    ...row,
    resolved_bundle: resolveAssignment(assignedAgentOf(row), all, null).bundleName,
  })

  const rulesOf = async (tenantId: string, within?: Queryable) => (await rules.list(tenantId, within)).map(ruleOf)

  return {
    introduce(introduction) {
      const written = new Promise<void>((done, failed) => waiting.push({ introduction, done, failed }))
      void writeWaiting()
      return written
    },

    async list(caller) {
      const [rows, all] = await Promise.all([store.list(caller.tenantId), rulesOf(caller.tenantId)])
      return rows.sort((a, b) => (a.agent_id < b.agent_id ? -1 : 1)).map((row) => viewOf(row, all))
    },

    update({ tenantId }, agentId, change) {
      return log.transact(async (within, emit) => {
        const before = await store.find(tenantId, agentId, within)
        if (!before) throw new NotFound('Agent not found')
        const after: AgentRegistrationRow = {
          ...before,
          display_name: change.displayName ?? before.display_name,
          tags: change.tags === undefined ? before.tags : JSON.stringify(change.tags),
          bundle_name: change.bundleName === undefined ? before.bundle_name : change.bundleName || null,
          updated_at: microsOf(clock.now()),
        }
        const { display_name, tags, bundle_name, updated_at } = after
        await store.update(tenantId, agentId, { display_name, tags, bundle_name, updated_at }, within)
        const all = await rulesOf(tenantId, within)
        tellChange(tenantId, before, after, all, emit)
        return viewOf(after, all)
      })
    },

    assign({ tenantId }, agentIds, bundleName) {
      const ids = [...new Set(agentIds)]
      return log.transact(async (within, emit) => {
        let updated = 0
        const bundle_name = bundleName || null
        const updated_at = microsOf(clock.now())
        for (const agentId of [...ids].sort())
          if (await store.update(tenantId, agentId, { bundle_name, updated_at }, within)) updated++
        const data = { bundle_name, source: 'explicit' }
        for (const agentId of ids)
          emit({
            tenantId,
            type: 'assignment_changed',
            data: { agent_id: agentId, ...data },
            agentId,
            dashboard: false,
          })
        emit({ tenantId, type: 'assignment_changed', data: { agent_id: '__bulk__', ...data }, dashboard: true })
        return updated
      })
    },

    async keepManifest(tenantId, { agent_id, policy_version, contracts }) {
      if (agent_id.length > LONGEST_AGENT_ID)
        throw new InvalidInput([
          {
            loc: ['body', 'agent_manifest', 'agent_id'],
            msg: `Value error, an agent id has at most ${LONGEST_AGENT_ID} characters`,
          },
        ])
      const now = microsOf(clock.now())
      const updated_at = toWireTime(now).replace('Z', '+00:00')
      const changed = { manifest: JSON.stringify({ policy_version, contracts, updated_at }), last_seen_at: now }
      await database.db
        .transaction()
        .execute((within) => store.upsert({ ...blank(tenantId, agent_id, now), ...changed }, changed, within))
    },
  }
}

/** Who hears of a changed registration: the agent, in each environment where it now runs something else, and dashboards. */
function tellChange(
  tenantId: string,
  before: AgentRegistrationRow,
  after: AgentRegistrationRow,
  rules: readonly AssignmentRule[],
  emit: Emit,
): void {
  const agentId = after.agent_id
  const tell = (assignment: Assignment, to: { agentId?: string; env?: string; dashboard: boolean }) =>
    emit({
      tenantId,
      type: 'assignment_changed',
      data: { agent_id: agentId, bundle_name: assignment.bundleName, source: assignment.source },
      ...to,
    })
  const isReassigned = before.bundle_name !== after.bundle_name
  if (isReassigned && after.bundle_name !== null) {
    tell({ bundleName: after.bundle_name, source: 'explicit' }, { agentId, dashboard: true })
    return
  }
  if (isReassigned) tell(resolveAssignment(assignedAgentOf(after), rules, after.env), { dashboard: true })
  for (const env of environments) {
    const now = resolveAssignment(assignedAgentOf(after), rules, env)
    if (isReassigned || now.bundleName !== resolveAssignment(assignedAgentOf(before), rules, env).bundleName)
      tell(now, { agentId, env, dashboard: false })
  }
}

export const tagsOf = (row: AgentRegistrationRow): Record<string, unknown> =>
  JSON.parse(row.tags) as Record<string, unknown>

export const assignedAgentOf = (row: AgentRegistrationRow): AssignedAgent => ({
  agentId: row.agent_id,
  bundleName: row.bundle_name,
  tags: tagsOf(row),
})
