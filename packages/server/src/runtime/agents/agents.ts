import { AgentManifest, type AgentManifestDocument, ManifestError } from '@lictor/aegis'
import type { Selectable } from 'kysely'
import { BadRequest, Conflict, DomainError, Forbidden, InvalidInput, NotFound } from '../../errors.ts'
import type { StreamLog } from '../../governance/stream/log.ts'
import type { TokenCaller, UserCaller } from '../../http/caller.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import { microsOf } from '../../storage/instants.ts'
import type { AgentRow, AgentVersionRow } from '../../storage/schema.ts'
import { isKnownContext } from '../tools/security-contexts.ts'
import { manifestPatch, mergePatch } from './merge.ts'
import { type AgentStore, GLOBAL_TENANT } from './store.ts'
import { warningsOf } from './warnings.ts'

/** Who may call the runtime API: a bearer of an access token, or a person signed in to the console. */
export type RuntimeCaller = TokenCaller | UserCaller

export const agentStatuses = ['active', 'paused', 'archived', 'failed'] as const
export type AgentScope = 'tenant' | 'global'

const NOT_FOUND = 'Agent not found'

export interface Deployed {
  readonly row: AgentRow
  readonly deployedAt: number
  readonly warnings: readonly string[]
}

/** Deployed agents: their manifests, versions and visibility (aegis-runtime §1). */
export interface Agents {
  /** @throws BadRequest, InvalidInput for a bad manifest, Conflict when this version is deployed, Forbidden. */
  deploy(caller: RuntimeCaller, text: string, options: { force: boolean; scope: AgentScope }): Promise<Deployed>
  list(caller: RuntimeCaller, filter: { scope: string | null; limit: number | null }): Promise<AgentRow[]>
  /** @throws NotFound, also for an agent of another tenant. */
  get(caller: { readonly tenantId: string }, id: string): Promise<AgentRow>
  lookup(caller: { readonly tenantId: string }, name: string): Promise<AgentRow>
  update(caller: RuntimeCaller, id: string, body: Record<string, unknown>): Promise<AgentRow>
  delete(caller: RuntimeCaller, id: string): Promise<void>
  versions(caller: RuntimeCaller, id: string, limit: number | null): Promise<Selectable<AgentVersionRow>[]>
  setScope(caller: RuntimeCaller, id: string, scope: string | undefined): Promise<AgentRow>
  executionCounts(rows: readonly AgentRow[]): Promise<ReadonlyMap<string, number>>
}

export function agents(deps: { store: AgentStore; log: StreamLog; clock: Clock; random: Random }): Agents {
  const { store, log, clock, random } = deps

  async function get(caller: { readonly tenantId: string }, id: string): Promise<AgentRow> {
    const row = await store.find(caller.tenantId, id)
    if (!row) throw new NotFound(NOT_FOUND, NOT_FOUND)
    return row
  }

  /** A global agent is changed by operators only; to others it answers as if it were not there (aegis-runtime §1.2). */
  async function getChangeable(caller: RuntimeCaller, id: string): Promise<AgentRow> {
    const row = await get(caller, id)
    if (row.scope === 'global' && !isOperator(caller)) throw new NotFound(NOT_FOUND, NOT_FOUND)
    return row
  }

  async function register(row: AgentRow, manifest: AgentManifestDocument, within: Parameters<AgentStore['insert']>[1]) {
    if (row.tenant_id === GLOBAL_TENANT) return
    await store.putRegistration(
      {
        id: random.uuid(),
        tenantId: row.tenant_id,
        agentId: row.name,
        tags: JSON.stringify(manifest.metadata.labels ?? {}),
        at: row.updated_at,
      },
      within,
    )
  }

  async function save(
    caller: RuntimeCaller,
    manifest: AgentManifest,
    tenantId: string,
    decide: (existing: AgentRow | null) => { status: string },
    scope: AgentScope,
  ): Promise<AgentRow> {
    requireContext(caller, manifest)
    const now = microsOf(clock.now())
    const document = manifest.toJSON()
    const yaml = manifest.toYaml()
    return log.transact(async (within) => {
      const { name, version } = document.metadata
      const existing = await store.lockByName(tenantId, name, within)
      const { status } = decide(existing)
      const row: AgentRow = {
        id: existing?.id ?? random.uuid(),
        tenant_id: tenantId,
        name,
        version,
        scope: existing?.scope ?? scope,
        status,
        manifest: JSON.stringify(document),
        manifest_yaml: yaml,
        created_at: existing?.created_at ?? now,
        updated_at: now,
      }
      if (existing) await store.update(row.id, row, within)
      else await store.insert(row, within)
      await store.putVersion(
        { id: random.uuid(), agent_id: row.id, version, manifest_yaml: yaml, created_at: now },
        within,
      )
      await register(row, document, within)
      return row
    })
  }

  return {
    get,
    list: (caller, filter) => store.list(caller.tenantId, filter),
    executionCounts: (rows) => store.countExecutions(rows.map((row) => row.id)),
    async lookup(caller, name) {
      const row = await store.findByName(caller.tenantId, name)
      if (!row) throw new NotFound(NOT_FOUND, NOT_FOUND)
      return row
    },
    async deploy(caller, text, { force, scope }) {
      if (scope === 'global' && !isOperator(caller))
        throw new Forbidden('Only operators may deploy an agent for every tenant (scope=global).')
      const manifest = readManifest(() => AgentManifest.parse(text))
      const tenantId = scope === 'global' ? GLOBAL_TENANT : caller.tenantId
      const row = await save(
        caller,
        manifest,
        tenantId,
        (existing) => {
          if (existing && existing.version === manifest.metadata.version && !force) {
            const message = `Agent '${existing.name}' version '${existing.version}' is already deployed (ID: ${existing.id}). Use --force to overwrite it.`
            throw new Conflict(message, message)
          }
          return { status: 'active' }
        },
        scope,
      )
      return { row, deployedAt: row.updated_at, warnings: warningsOf(manifest) }
    },
    async update(caller, id, body) {
      const row = await getChangeable(caller, id)
      const { status, ...rest } = body
      if (status !== undefined && !agentStatuses.some((known) => known === status))
        throw new InvalidInput([{ loc: ['body', 'status'], msg: `Input should be one of ${agentStatuses.join(', ')}` }])
      const isWhole = 'apiVersion' in rest || ('spec' in rest && 'metadata' in rest)
      const document = isWhole ? rest : mergePatch(JSON.parse(row.manifest), manifestPatch(rest))
      const manifest = readManifest(() => AgentManifest.from(document))
      if (manifest.metadata.name !== row.name)
        throw new Conflict(`The name of an agent cannot change: it is '${row.name}'. Deploy the new name instead.`)
      return save(
        caller,
        manifest,
        row.tenant_id,
        (existing) => {
          if (!existing) throw new NotFound(NOT_FOUND, NOT_FOUND)
          return { status: typeof status === 'string' ? status : existing.status }
        },
        row.scope as AgentScope,
      )
    },
    async delete(caller, id) {
      const row = await getChangeable(caller, id)
      await log.transact((within) => store.delete(row.id, within))
    },
    async versions(caller, id, limit) {
      const row = await get(caller, id)
      return store.listVersions(row.id, limit)
    },
    async setScope(caller, id, scope) {
      if (scope === undefined) throw refuse(400, "missing 'target_scope' field")
      if (scope !== 'tenant' && scope !== 'global')
        throw refuse(400, `invalid scope: '${scope}'. Valid values: global, tenant`)
      if (!isOperator(caller)) throw refuse(403, 'Scope changes require aegis:operator or aegis:admin role')
      const row = await store.find(caller.tenantId, id)
      if (!row) throw refuse(404, 'agent not found')
      if (row.scope === scope)
        throw refuse(400, `invalid transition from '${row.scope}' to '${scope}': must traverse through Tenant`)
      const tenantId = scope === 'global' ? GLOBAL_TENANT : caller.tenantId
      return log.transact(async (within) => {
        if (await store.lockByName(tenantId, row.name, within))
          throw refuse(409, `name collision: agent '${row.name}' already exists at target scope`)
        const moved = { ...row, tenant_id: tenantId, scope, updated_at: microsOf(clock.now()) }
        await store.update(row.id, moved, within)
        await register(moved, JSON.parse(moved.manifest) as AgentManifestDocument, within)
        return moved
      })
    },
  }
}

/** Whether the caller runs the platform: administrators of the console, operators and service accounts that are no mere readers. */
export function isOperator(caller: RuntimeCaller): boolean {
  return caller.kind === 'user' ? caller.isAdmin : caller.role === 'aegis:admin' || caller.role === 'aegis:operator'
}

/** An error whose `error` is exactly the text that clients know. */
const refuse = (status: number, text: string): DomainError => new DomainError(status, text, text)

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

function requireContext(caller: RuntimeCaller, manifest: AgentManifest): void {
  const name = manifest.spec.security_context
  if (name === undefined) return
  if (!isKnownContext(name)) throw refuse(422, `Unknown security context: '${name}'`)
  if (name.startsWith('aegis-system-') && !isOperator(caller))
    throw refuse(403, 'Forbidden: only platform operators may register agents with an aegis-system-* security context')
}
