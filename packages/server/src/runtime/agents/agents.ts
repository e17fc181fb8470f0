import { AgentManifest, ManifestError } from '@lictor/aegis'
import type { Journal, JournalSubject } from '../../changes/journal/journal.ts'
import { BadRequest, Conflict, InvalidInput, NotFound } from '../../errors.ts'
import { actorOf } from '../../identity/caller.ts'
import { scopeOf, scopeOfRecord, type TenantScope } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { Queryable } from '../../storage/database.ts'
import { type Micros, microsOf } from '../../storage/instants.ts'
import type { SecurityContexts } from '../contexts/contexts.ts'
import type { Limits } from '../limits/limits.ts'
import type { KnownTools } from '../plan/plan.ts'
import { draft, type EventDraft } from '../record/events.ts'
import { requireMayRefer } from '../references/may-refer.ts'
import {
  GLOBAL_TENANT,
  globalScope,
  homeOf,
  isOperator,
  mayChange,
  moved,
  type RuntimeCaller,
  refusal,
  requireChange,
  requireMayDeploy,
  requireTarget,
  type Visibility,
} from '../visibility.ts'
import { type Agent, type AgentFilter, type AgentVersion, settableStatuses } from './agent.ts'
import { manifestPatch, mergePatch } from './merge.ts'
import type { AgentStore } from './store.ts'
import { globalWarnings, requireKnown, requireTimely, warningsOf } from './warnings.ts'

const NOT_FOUND = 'Agent not found'

export interface Deployed {
  readonly agent: Agent
  readonly deployedAt: number
  readonly warnings: readonly string[]
}

/** Deployed agents: their manifests, versions and visibility. */
export interface Agents {
  /** @throws BadRequest, InvalidInput for a bad manifest, Conflict when this version is deployed, Forbidden. */
  deploy(caller: RuntimeCaller, text: string, options: { force: boolean; scope: Visibility }): Promise<Deployed>
  list(caller: RuntimeCaller, filter: AgentFilter): Promise<Agent[]>
  /** @throws NotFound, also for an agent of another tenant. */
  get(caller: { readonly tenantId: string }, id: string): Promise<Agent>
  lookup(caller: { readonly tenantId: string }, name: string): Promise<Agent>
  /** @throws NotFound, Conflict for another name, InvalidInput for what makes no manifest. */
  update(caller: RuntimeCaller, id: string, body: Record<string, unknown>): Promise<Omit<Deployed, 'deployedAt'>>
  /** What runs of it goes on to its end. */
  delete(caller: RuntimeCaller, id: string): Promise<void>
  versions(caller: RuntimeCaller, id: string, limit: number | null): Promise<AgentVersion[]>
  setScope(caller: RuntimeCaller, id: string, scope: string | undefined): Promise<Agent>
  /** Executions of these agents in the caller's tenant, ever. */
  executionCounts(caller: RuntimeCaller, agents: readonly Agent[]): Promise<ReadonlyMap<string, number>>
}

/** What is started by the clock because the manifest of an agent says so. */
export interface AgentSchedules {
  /** Follow its manifest, in the transaction that changes it. Null: the agent is gone. */
  follow(id: string, agent: Agent | null, within: Queryable): Promise<void>
  /** The transaction is done. */
  changed(): Promise<void>
}

export function createAgents(deps: {
  store: AgentStore
  journal: Journal<EventDraft>
  clock: Clock
  random: Random
  tools: KnownTools
  contexts: Pick<SecurityContexts, 'find'>
  limits: Pick<Limits, 'requireAgent' | 'telling'>
  /** Whether the usual sandbox can keep an agent from the network; null: not known yet. */
  isolatesNetwork: () => boolean | null
  /** Who starts agents by the clock; made after them. */
  schedules: () => AgentSchedules
}): Agents {
  const { store, journal, clock, random, tools, schedules } = deps

  async function get(caller: { readonly tenantId: string }, id: string): Promise<Agent> {
    const agent = await store.find(scopeOfRecord(caller), id)
    if (!agent) throw new NotFound(NOT_FOUND, NOT_FOUND)
    return agent
  }

  /** A global agent is changed by operators only; to others it answers as if it were not there. */
  async function getChangeable(caller: RuntimeCaller, id: string): Promise<Agent> {
    const agent = await get(caller, id)
    if (!mayChange(caller, agent)) throw new NotFound(NOT_FOUND, NOT_FOUND)
    return agent
  }

  async function register(agent: Agent, within: Parameters<AgentStore['insert']>[1]) {
    if (agent.tenantId === GLOBAL_TENANT) return
    await store.putRegistration(
      scopeOfRecord(agent),
      {
        id: random.uuid(),
        agentId: agent.name,
        tags: JSON.stringify(agent.manifest.metadata.labels ?? {}),
        at: agent.updatedAt,
      },
      within,
    )
  }

  const told = (manifest: AgentManifest, { scope }: Agent): string[] => [
    ...warningsOf(manifest, tools, deps.isolatesNetwork()),
    ...(scope === 'global' ? globalWarnings(manifest) : []),
  ]

  /** What happens to a global agent is told in the tenant that did it. */
  const subjectOf = (caller: RuntimeCaller, { id }: Agent): JournalSubject => ({
    kind: 'agent',
    id,
    tenantId: caller.tenantId,
    agentId: id,
  })

  /** Write an agent under its name: what `decide` makes of the one that is there. */
  async function save(
    caller: RuntimeCaller,
    home: TenantScope,
    name: string,
    bringsManifest: boolean,
    decide: (existing: Agent | null, now: Micros) => Agent,
  ): Promise<Agent> {
    const write = () =>
      journal.write(async (within) => {
        const existing = await store.lockByName(home, name, within)
        const agent = decide(existing, microsOf(clock.now()))
        if (existing) await store.update(agent, within)
        else {
          // What every tenant sees is counted against none.
          if (home.tenantId !== GLOBAL_TENANT) await deps.limits.requireAgent(home, within)
          await store.insert(agent, within)
        }
        const { id: agentId, version, manifestYaml, updatedAt: deployedAt } = agent
        if (bringsManifest)
          await store.putVersion({ id: random.uuid(), agentId, version, manifestYaml, deployedAt }, within)
        await register(agent, within)
        await schedules().follow(agent.id, agent, within)
        return { made: agent, subject: subjectOf(caller, agent), events: changesOf(existing, agent, bringsManifest) }
      })
    const saved = await deps.limits.telling(write)
    await schedules().changed()
    return saved
  }

  return {
    get,
    list: (caller, filter) => store.list(scopeOf(caller), filter),
    executionCounts: (caller, agents) =>
      store.countExecutions(
        scopeOf(caller),
        agents.map(({ id }) => id),
      ),
    async lookup(caller, name) {
      const agent = await store.findByName(scopeOfRecord(caller), name)
      if (!agent) throw new NotFound(NOT_FOUND, NOT_FOUND)
      return agent
    },
    async deploy(caller, text, { force, scope }) {
      requireMayDeploy(caller, scope, 'an agent')
      const manifest = readManifest(() => AgentManifest.parse(text))
      requireKnown(manifest, tools)
      requireTimely(manifest, clock.now())
      requireMayRefer(caller, manifest.spec)
      const document = manifest.toJSON()
      const { name, version } = document.metadata
      const home = homeOf(caller, scope)
      await requireContext(deps.contexts, caller, home, manifest)
      const agent = await save(caller, home, name, true, (existing, now) => {
        if (existing && existing.version === version && !force) {
          const message = `Agent '${name}' version '${version}' is already deployed (ID: ${existing.id}). Use --force to overwrite it.`
          throw new Conflict(message, message)
        }
        return {
          id: existing?.id ?? random.uuid(),
          tenantId: home.tenantId,
          name,
          version,
          scope: existing?.scope ?? scope,
          status: 'active',
          manifest: document,
          manifestYaml: text,
          createdAt: existing?.createdAt ?? now,
          updatedAt: now,
        }
      })
      return { agent, deployedAt: agent.updatedAt, warnings: told(manifest, agent) }
    },
    async update(caller, id, body) {
      const agent = await getChangeable(caller, id)
      const { status = null, ...rest } = body
      if (status !== null && !settableStatuses.some((known) => known === status))
        throw new InvalidInput([
          { loc: ['body', 'status'], msg: `status must be one of ${settableStatuses.join(', ')}, not '${status}'` },
        ])
      const isWhole = 'apiVersion' in rest || ('spec' in rest && 'metadata' in rest)
      const manifest = readManifest(() =>
        AgentManifest.from(isWhole ? rest : mergePatch(agent.manifest, manifestPatch(rest))),
      )
      if (manifest.metadata.name !== agent.name)
        throw new Conflict(`The name of an agent cannot change: it is '${agent.name}'. Deploy the new name instead.`)
      const isChanged = Object.keys(rest).length > 0
      if (isChanged) {
        requireKnown(manifest, tools)
        requireTimely(manifest, clock.now())
        await requireContext(deps.contexts, caller, scopeOfRecord(agent), manifest)
        requireMayRefer(caller, manifest.spec)
      }
      const changed = await save(caller, scopeOfRecord(agent), agent.name, isChanged, (existing, now) => {
        if (existing?.id !== id) throw new NotFound(NOT_FOUND, NOT_FOUND)
        const document = manifest.toJSON()
        return {
          ...existing,
          ...(typeof status === 'string' ? { status } : {}),
          // A status alone leaves the manifest as it was sent, comments and all.
          ...(isChanged
            ? { manifest: document, manifestYaml: manifest.toYaml(), version: document.metadata.version }
            : {}),
          updatedAt: now,
        }
      })
      return { agent: changed, warnings: told(manifest, changed) }
    },
    async delete(caller, id) {
      const agent = await getChangeable(caller, id)
      await journal.write(async (within) => {
        await store.delete(agent.id, within)
        await schedules().follow(agent.id, null, within)
        const events = [draft('agent_removed', { tenant_id: agent.tenantId })]
        return { made: undefined, subject: subjectOf(caller, agent), events }
      })
    },
    async versions(caller, id, limit) {
      const agent = await get(caller, id)
      return store.listVersions(agent.id, limit)
    },
    async setScope(caller, id, target) {
      const scope = requireTarget(caller, target)
      const found = await store.find(scopeOf(caller), id)
      if (!found) throw refusal(404, 'agent not found')
      requireChange(found.scope, scope)
      const home = homeOf(caller, scope)
      return journal.write(async (within) => {
        // Both places, in one order for everybody: what is deployed or moved meanwhile is seen.
        const [own, everyones] = [
          await store.lockByName(scopeOf(caller), found.name, within),
          await store.lockByName(globalScope, found.name, within),
        ]
        const [agent, there] = scope === 'global' ? [own, everyones] : [everyones, own]
        if (agent?.id !== found.id) throw refusal(404, 'agent not found')
        if (there) throw refusal(409, `name collision: agent '${agent.name}' already exists at target scope`)
        const after: Agent = { ...agent, tenantId: home.tenantId, scope, updatedAt: microsOf(clock.now()) }
        await store.update(after, within)
        await register(after, within)
        await schedules().follow(after.id, after, within)
        const event = draft('agent_scope_changed', {
          agent_name: agent.name,
          ...moved(agent, after),
          changed_by: actorOf(caller),
        })
        return { made: after, subject: subjectOf(caller, after), events: [event] }
      })
    },
  }
}

/** What a saved agent is told of, beside the one that was there before. */
function changesOf(before: Agent | null, agent: Agent, bringsManifest: boolean): EventDraft[] {
  const { tenantId: tenant_id } = agent
  if (before === null) return [draft('agent_deployed', { tenant_id, manifest: agent.manifest })]
  const events: EventDraft[] = []
  if (bringsManifest)
    events.push(draft('agent_updated', { tenant_id, old_version: before.version, new_version: agent.version }))
  if (before.status !== agent.status && agent.status === 'paused') events.push(draft('agent_paused', {}))
  if (before.status !== agent.status && agent.status === 'active') events.push(draft('agent_resumed', {}))
  return events
}

function readManifest(read: () => AgentManifest): AgentManifest {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error
    if (error.code === 'manifest_unreadable') throw new BadRequest(error.message, error.message)
    throw new InvalidInput(
      error.issues.map(({ path, message, line, column }) => ({
        loc: ['body', ...path.split('.').filter(Boolean)],
        msg: message,
        ...(line === undefined ? {} : { line }),
        ...(column === undefined ? {} : { column }),
      })),
      error.message,
    )
  }
}

async function requireContext(
  contexts: Pick<SecurityContexts, 'find'>,
  caller: RuntimeCaller,
  home: TenantScope,
  manifest: AgentManifest,
): Promise<void> {
  const name = manifest.spec.security_context
  if (name === undefined) return
  if (!(await contexts.find(home, name))) throw refusal(422, `Unknown security context: '${name}'`)
  if (name.startsWith('aegis-system-') && !isOperator(caller))
    throw refusal(403, 'Forbidden: only platform operators may register agents with an aegis-system-* security context')
}
