import { describeIssue } from '@lictor/aegis'
import type { Journal } from '../../changes/journal/journal.ts'
import { Conflict, type InputProblem, NotFound } from '../../errors.ts'
import { actorOf } from '../../identity/caller.ts'
import { scopeOf, scopeOfRecord } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import { microsOf } from '../../storage/instants.ts'
import { draft, type EventDraft } from '../record/events.ts'
import { tenantSubject } from '../record/tenant-events.ts'
import {
  globalScope,
  homeOf,
  mayChange,
  moved,
  type RuntimeCaller,
  readScope,
  refusal,
  requireChange,
  requireMayDeploy,
  requireTarget,
} from '../visibility.ts'
import { type FindAgent, withAgentIds } from './agents-of.ts'
import { NotRegistrable, problemOf, readRegistration } from './registration.ts'
import type { WorkflowStore } from './store.ts'
import type { Workflow, WorkflowFilter, WorkflowVersion } from './workflow.ts'

export interface Registered {
  readonly workflow: Workflow
  readonly warnings: readonly string[]
}

/** What a registration would say. */
export interface Verdict {
  readonly name: string | null
  readonly version: string | null
  /** The refusal in the words of the API; null for a workflow that would be registered. */
  readonly reason: string | null
  readonly problems: readonly InputProblem[]
  readonly warnings: readonly InputProblem[]
}

/** Registered workflows: their manifests, versions and visibility. */
export interface Workflows {
  /**
   * @param options.force replaces a version that is there; what the body says comes first
   * @throws DomainError 400 for what cannot be registered, Conflict when this version is registered, Forbidden
   */
  register(
    caller: RuntimeCaller,
    body: string,
    options: { force: boolean; scope: string | undefined },
  ): Promise<Registered>
  /** The same judgement without its effect; a version that is there already is no fault. */
  validate(caller: RuntimeCaller, body: string): Promise<Verdict>
  list(of: { readonly tenantId: string }, filter: WorkflowFilter): Promise<Workflow[]>
  /** By name or id, own before global. @throws NotFound, also for a workflow of another tenant. */
  get(caller: { readonly tenantId: string }, nameOrId: string): Promise<Workflow>
  /** As `get`; with a version, as it was in that one. @throws NotFound, also for a version that there is not. */
  getVersion(caller: { readonly tenantId: string }, nameOrId: string, version: string | null): Promise<Workflow>
  /** @throws NotFound */
  delete(caller: RuntimeCaller, nameOrId: string): Promise<Workflow>
  /** Newest first; none for a workflow that there is not. */
  versions(
    caller: RuntimeCaller,
    nameOrId: string,
    limit: number | null,
  ): Promise<{ workflow: Workflow | null; versions: WorkflowVersion[] }>
  /** @throws DomainError 400, 403, 404, 409 */
  setScope(
    caller: RuntimeCaller,
    nameOrId: string,
    target: string | undefined,
  ): Promise<{ before: Workflow; workflow: Workflow }>
}

export function createWorkflows(deps: {
  store: WorkflowStore
  journal: Journal<EventDraft>
  findAgent: FindAgent
  clock: Clock
  random: Random
}): Workflows {
  const { store, journal, findAgent, clock, random } = deps

  async function get(caller: { readonly tenantId: string }, nameOrId: string): Promise<Workflow> {
    const workflow = await store.find(scopeOfRecord(caller), nameOrId)
    if (!workflow) throw missing(nameOrId)
    return workflow
  }

  const told = (caller: RuntimeCaller) => tenantSubject(caller.tenantId)

  return {
    get,
    async getVersion(caller, nameOrId, version) {
      const workflow = await get(caller, nameOrId)
      if (version === null || version === workflow.version) return workflow
      const found = await store.findVersion(workflow.id, version)
      if (found) return { ...workflow, version, manifest: found.manifest, manifestYaml: found.manifestYaml }
      const message = `Workflow '${workflow.name}' has no version '${version}'`
      throw new NotFound(message, message)
    },
    list: (of, filter) => store.list(scopeOfRecord(of), filter),
    async register(caller, body, options) {
      const { manifest, yaml, force, scope: said } = await readRegistration(body).catch(answered)
      const scope = readScope(said ?? options.scope)
      requireMayDeploy(caller, scope, 'a workflow')
      const home = homeOf(caller, scope)
      const document = await withAgentIds(manifest.toJSON(), home, findAgent).catch(answered)
      const { name, version } = document.metadata
      const workflow = await journal.write(async (within) => {
        const existing = await store.lockByName(home, name, within)
        if (existing && !(force ?? options.force) && (await store.hasVersion(existing.id, version, within))) {
          const message = `Failed to register workflow: Workflow '${name}' with version '${version}' already exists. Create a new version or use 'force' to overwrite.`
          throw new Conflict(message, message, { existing_id: existing.id })
        }
        const now = microsOf(clock.now())
        const made: Workflow = {
          id: existing?.id ?? random.uuid(),
          tenantId: home.tenantId,
          name,
          version,
          scope,
          manifest: document,
          manifestYaml: yaml,
          createdAt: existing?.createdAt ?? now,
          updatedAt: now,
        }
        if (existing) await store.update(made, within)
        else await store.insert(made, within)
        const kept = { id: random.uuid(), workflowId: made.id, version, manifest: document, manifestYaml: yaml }
        await store.putVersion({ ...kept, registeredAt: now }, within)
        const { id: workflow_id, tenantId: tenant_id } = made
        const event = draft('workflow_registered', { workflow_id, tenant_id, name, version, scope })
        return { made, subject: told(caller), events: [event] }
      })
      return { workflow, warnings: manifest.warnings.map(describeIssue) }
    },
    async validate(caller, body) {
      let named: Pick<Verdict, 'name' | 'version'> = { name: null, version: null }
      let warnings: readonly InputProblem[] = []
      try {
        const { manifest, scope } = await readRegistration(body)
        named = { name: manifest.metadata.name, version: manifest.metadata.version }
        warnings = manifest.warnings.map(problemOf)
        await withAgentIds(manifest.toJSON(), homeOf(caller, readScope(scope ?? undefined)), findAgent)
        return { ...named, reason: null, problems: [], warnings }
      } catch (error) {
        if (!(error instanceof NotRegistrable)) throw error
        const { reason, problems } = error
        return {
          ...named,
          reason,
          problems: problems.length > 0 ? problems : [{ loc: ['body'], msg: reason }],
          warnings,
        }
      }
    },
    async delete(caller, nameOrId) {
      const workflow = await get(caller, nameOrId)
      if (!mayChange(caller, workflow)) throw missing(nameOrId)
      await journal.write(async (within) => {
        await store.delete(workflow.id, within)
        const { id: workflow_id, tenantId: tenant_id, name: workflow_name } = workflow
        const event = draft('workflow_removed', { workflow_id, tenant_id, workflow_name })
        return { made: undefined, subject: told(caller), events: [event] }
      })
      return workflow
    },
    async versions(caller, nameOrId, limit) {
      const workflow = await store.find(scopeOf(caller), nameOrId)
      return { workflow, versions: workflow ? await store.listVersions(workflow.id, limit) : [] }
    },
    async setScope(caller, nameOrId, target) {
      const scope = requireTarget(caller, target)
      const found = await store.find(scopeOf(caller), nameOrId)
      if (!found) throw refusal(404, `workflow '${nameOrId}' not found`)
      requireChange(found.scope, scope)
      const { name } = found
      return journal.write(async (within) => {
        // Both places, in one order for everybody: what is registered or moved meanwhile is seen.
        const [own, everyones] = [
          await store.lockByName(scopeOf(caller), name, within),
          await store.lockByName(globalScope, name, within),
        ]
        const [before, there] = scope === 'global' ? [own, everyones] : [everyones, own]
        if (before?.id !== found.id) throw refusal(404, `workflow '${nameOrId}' not found`)
        if (there) {
          const message = `Name collision: workflow '${name}' v${before.version} already exists at target scope`
          throw refusal(409, message, { existing_id: there.id })
        }
        const { tenantId } = homeOf(caller, scope)
        const after: Workflow = { ...before, tenantId, scope, updatedAt: microsOf(clock.now()) }
        await store.update(after, within)
        const event = draft('workflow_scope_changed', {
          workflow_id: before.id,
          workflow_name: before.name,
          ...moved(before, after),
          changed_by: actorOf(caller),
        })
        return { made: { before, workflow: after }, subject: told(caller), events: [event] }
      })
    },
  }
}

const missing = (nameOrId: string): NotFound => {
  const message = `Workflow '${nameOrId}' not found`
  return new NotFound(message, message)
}

function answered(error: unknown): never {
  throw error instanceof NotRegistrable ? error.refusal() : error
}
