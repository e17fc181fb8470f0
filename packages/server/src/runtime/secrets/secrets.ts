import { Conflict, DomainError, Forbidden, InvalidInput, PayloadTooLarge, Unavailable } from '../../errors.ts'
import type { TokenCaller, UserCaller } from '../../identity/caller.ts'
import { scopeOf } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import {
  type ListedSecret,
  type SecretFields,
  type SecretStore,
  SecretsUnavailable,
  type SecretVersion,
} from '../../ports/secrets.ts'
import { microsOf, toWireTime } from '../../storage/instants.ts'
import type { AccessAudit } from '../access-audit.ts'
import { draft, type EventDraft } from '../record/events.ts'
import type { TenantEvents } from '../record/tenant-events.ts'
import { secretPath, secretPrefix } from './path.ts'

export type SecretCaller = TokenCaller | UserCaller

/** A secret with what it holds. */
export interface Secret {
  readonly path: string
  readonly version: number
  /** Microseconds. */
  readonly createdAt: number
  readonly fields: SecretFields
}

/** The tenant's secrets, for operators, administrators and tokens that may; every access is in the audit log. */
export interface Secrets {
  /** @throws InvalidInput for the prefix, Forbidden, Unavailable. */
  list(caller: SecretCaller, prefix: string): Promise<ListedSecret[]>
  /** @throws InvalidInput for the path, NotFound, also for another tenant's, Forbidden, Unavailable. */
  read(caller: SecretCaller, path: string, version?: number): Promise<Secret>
  /**
   * @param after only on top of this version; 0: only where there is none
   * @throws InvalidInput, PayloadTooLarge, Conflict when the newest version is another, Forbidden, Unavailable.
   */
  write(
    caller: SecretCaller,
    path: string,
    fields: SecretFields,
    after?: number,
  ): Promise<SecretVersion & { path: string }>
  /** The secret with all its versions, or one version for good. @throws NotFound, Forbidden, Unavailable. */
  delete(caller: SecretCaller, path: string, version?: number): Promise<string>
  /** @throws NotFound, Forbidden, Unavailable. */
  versions(caller: SecretCaller, path: string): Promise<{ path: string; versions: SecretVersion[] }>
}

/** Where the secrets of the API lie, beside what else the store keeps of a tenant. */
export const placeOf = (path: string): string => `secrets/${path}`
const FOLDER = placeOf('')

export const LARGEST_SECRET = 262_144

export function createSecrets(deps: {
  store: SecretStore
  audit: AccessAudit
  events: TenantEvents
  clock: Clock
  /** Names this server. */
  owner: string
}): Secrets {
  const { store, audit, events, clock, owner } = deps

  /** In the log of accesses, and as what happened: a path of the caller's own tenant, never a value. */
  const tell = (
    caller: SecretCaller,
    eventOf: (common: { engine: string; access_context: object }) => EventDraft,
  ): Promise<unknown> => {
    const requested_at = toWireTime(microsOf(clock.now()))
    const access_context = { orchestrator_id: owner, execution_id: null, agent_id: null, requested_at }
    return events.record(caller.tenantId, [eventOf({ engine: 'kv', access_context })])
  }
  const denied = (caller: SecretCaller, path: string | null, reason: string) =>
    tell(caller, (common) => draft('secret_access_denied', { ...common, path, reason }))

  /** People who may read what is kept secret: of those signed in to the console the administrators; tokens by their scope. */
  async function requireOperator(caller: SecretCaller, action: string, about: object): Promise<void> {
    if (caller.kind === 'token' || caller.isAdmin) return
    await audit.record(caller, action, { ...about }, 'not an administrator')
    const { path, path_prefix: prefix } = about as { path?: string; path_prefix?: string }
    await denied(caller, path ?? prefix ?? null, 'not an administrator')
    throw new Forbidden('Operator or Admin role required', 'Operator or Admin role required')
  }

  async function refuse(caller: SecretCaller, action: string, path: string, reason: string): Promise<never> {
    await audit.record(caller, action, { path }, reason)
    await denied(caller, path, reason)
    throw missing(path, reason)
  }

  return {
    async list(caller, text) {
      const prefix = secretPrefix(text)
      await requireOperator(caller, 'secret.list', { path_prefix: prefix })
      const found = await asking(() => store.list(scopeOf(caller), FOLDER + prefix))
      await audit.record(caller, 'secret.list', { path_prefix: prefix }, null)
      return found.map((one) => ({ ...one, path: one.path.slice(FOLDER.length) }))
    },

    async read(caller, text, version) {
      const path = secretPath(text)
      const about = version === undefined ? { path } : { path, version }
      await requireOperator(caller, 'secret.read', about)
      const found = await asking(() => store.read(scopeOf(caller), placeOf(path), version))
      if (found.state !== 'live') return refuse(caller, 'secret.read', path, reasonOf(found.state, version))
      await audit.record(caller, 'secret.read', { path, version: found.version }, null)
      const { version: read } = found
      await tell(caller, (common) => draft('secret_retrieved', { ...common, path, version: read }))
      return { path, version: found.version, createdAt: found.createdAt, fields: found.fields }
    },

    async write(caller, text, fields, after) {
      const path = secretPath(text)
      await requireOperator(caller, 'secret.write', { path })
      requireFields(fields)
      const written = await asking(() => store.write(scopeOf(caller), placeOf(path), fields, after))
      if (written === null) {
        await audit.record(caller, 'secret.write', { path }, 'another version is the newest')
        throw new Conflict(
          `The newest version of the secret '${path}' is not ${after}. Read it again, then write on top of that version.`,
          'version_mismatch',
        )
      }
      await audit.record(caller, 'secret.write', { path, version: written.version }, null)
      await tell(caller, (common) => draft('secret_written', { ...common, path, version: written.version }))
      return { ...written, path }
    },

    async delete(caller, text, version) {
      const path = secretPath(text)
      await requireOperator(caller, 'secret.delete', { path })
      const scope = scopeOf(caller)
      const isGone = await asking(() =>
        version === undefined ? store.remove(scope, placeOf(path)) : store.destroy(scope, placeOf(path), version),
      )
      if (!isGone) return refuse(caller, 'secret.delete', path, reasonOf('missing', version))
      await audit.record(caller, 'secret.delete', version === undefined ? { path } : { path, version }, null)
      return path
    },

    async versions(caller, text) {
      const path = secretPath(text)
      await requireOperator(caller, 'secret.list', { path })
      const versions = await asking(() => store.versions(scopeOf(caller), placeOf(path)))
      if (versions.length === 0) return refuse(caller, 'secret.list', path, reasonOf('missing', undefined))
      return { path, versions }
    },
  }
}

/** What the store cannot do now is told as such, and nothing older is given instead. */
export async function asking<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof SecretsUnavailable)
      throw new Unavailable(error.message, { cause: error, code: 'secrets_unavailable', retryAfter: 5 })
    throw error
  }
}

function reasonOf(state: 'deleted' | 'destroyed' | 'missing', version: number | undefined): string {
  const what = version === undefined ? 'it' : `version ${version}`
  return state === 'missing'
    ? `there is no such ${version === undefined ? 'secret' : 'version'}`
    : `${what} was ${state}`
}

const NOT_FOUND = 'Secret not found'

const missing = (path: string, reason: string): DomainError =>
  reason.startsWith('there is no')
    ? new DomainError(404, NOT_FOUND, `${NOT_FOUND}: ${reason} at '${path}'.`, { members: { path } })
    : new DomainError(404, NOT_FOUND, `${NOT_FOUND}: '${path}' has no value, ${reason}.`, { members: { path } })

function requireFields(fields: SecretFields): void {
  const names = Object.keys(fields)
  if (names.length === 0) throw invalid("A secret holds a 'value', or fields under 'data'; this one holds nothing.")
  for (const name of names)
    if (name === '' || name.length > 255) throw invalid('A field is named by 1 to 255 characters.')
  if (Buffer.byteLength(JSON.stringify(fields)) > LARGEST_SECRET) throw new PayloadTooLarge(LARGEST_SECRET)
}

const invalid = (msg: string) => new InvalidInput([{ loc: ['body'], msg }], 'invalid_secret')
