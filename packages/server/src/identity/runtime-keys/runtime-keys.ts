import { BadRequest, DomainError, Forbidden, NotFound, Unauthenticated } from '../../errors.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import { type Micros, microsOf } from '../../storage/instants.ts'
import type { TokenCaller, UserCaller } from '../caller.ts'
import { digestOf } from '../opaque-tokens.ts'
import type { AnnounceWithdrawal } from '../open-calls.ts'
import { isAtLeast } from '../roles.ts'
import { scopeOf } from '../scope.ts'
import { FIRST_TENANT, type TenantStatus } from '../store.ts'
import { requireActive } from '../suspension.ts'
import { executionScopes, isKnownScope, scopesOfAccount, scopesOfPerson, tokenRoleOf } from '../tokens/scopes.ts'
import type { AccessStore } from '../tokens/store.ts'
import type { KeyOwner, RuntimeKey, RuntimeKeyStore } from './store.ts'

export type KeyMaker = TokenCaller | UserCaller

/** API keys of the runtime API: each belongs to whoever made it, and gives a part of what they may do. */
export interface RuntimeKeys {
  /**
   * `key` is told once and kept only as a digest.
   * @param input.scopes null: what running agents takes, as far as the caller may
   * @throws BadRequest for the name, a scope or the time; Forbidden for a scope that the caller lacks
   */
  create(
    caller: KeyMaker,
    input: { name: string; scopes: readonly string[] | null; expiresAt: Micros | null },
  ): Promise<{ apiKey: RuntimeKey; key: string }>
  /** The caller's own. */
  list(caller: KeyMaker): Promise<RuntimeKey[]>
  /** One of the caller's own; in force when it returns. @throws NotFound. */
  revoke(caller: KeyMaker, id: string): Promise<void>
  /** Whom a key stands for. @throws Unauthenticated when it is unknown, revoked or expired, or its owner is gone. */
  verify(key: string): Promise<TokenCaller>
  /** Who the keys of these ids stand for now; those in force only. */
  standing(ids: readonly string[]): Promise<ReadonlyMap<string, TokenCaller>>
}

export const KEY_PREFIX = 'aegis_'
const KEY_CHARACTERS = 40
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const LONGEST_NAME = 64
/** How exactly the last use of a key is known. */
const LAST_USE_MICROS = 60_000_000
const NOT_FOUND = 'API key not found or already revoked'

/** Whom a key stands for, and how their tenant does. */
interface Standing {
  readonly caller: TokenCaller
  readonly status: TenantStatus
}

export function createRuntimeKeys(deps: {
  store: RuntimeKeyStore
  accounts: Pick<AccessStore, 'findAccounts'>
  clock: Clock
  random: Random
  announceWithdrawal: AnnounceWithdrawal
}): RuntimeKeys {
  const { store, accounts, clock, random, announceWithdrawal } = deps
  const now = () => microsOf(clock.now())

  function newKey(): string {
    let text = ''
    while (text.length < KEY_CHARACTERS)
      // Each letter as likely as any other.
      for (const byte of random.bytes(64))
        if (byte < LETTERS.length * 4 && text.length < KEY_CHARACTERS) text += LETTERS[byte % LETTERS.length]
    return KEY_PREFIX + text
  }

  /** As whom each key calls now, with what its owner may still do. */
  async function callersOf(keys: readonly RuntimeKey[]): Promise<Map<string, Standing>> {
    const ownersOf = (kind: KeyOwner['kind']) => [
      ...new Set(keys.filter(({ owner }) => owner.kind === kind).map(({ owner }) => owner.id)),
    ]
    const [users, programs] = await Promise.all([
      store.findMembers(ownersOf('user')),
      accounts.findAccounts(ownersOf('service_account')),
    ])
    const found = new Map<string, Standing>()
    for (const key of keys) {
      if (key.expiresAt !== null && key.expiresAt <= now()) continue
      const user = users.find(
        ({ id, tenantId }) => key.owner.kind === 'user' && id === key.owner.id && tenantId === key.tenantId,
      )
      const program = programs.find(({ clientId }) => key.owner.kind === 'service_account' && clientId === key.owner.id)
      const holder = user ?? program
      if (!holder || holder.tenantId !== key.tenantId) continue
      const allowed = user ? scopesOfPerson(user.role) : program ? scopesOfAccount(program) : []
      const caller: TokenCaller = {
        kind: 'token',
        subject: user?.email ?? key.owner.id,
        tenantId: key.tenantId,
        identity: program ? 'service_account' : user && isAtLeast(user.role, 'admin') ? 'operator' : 'tenant_user',
        role: user ? tokenRoleOf(user.role) : holder.role,
        isOfFirstTenant: holder.tenant.slug === FIRST_TENANT,
        scopes: new Set(key.scopes.filter((scope) => allowed.includes(scope))),
        key: { id: key.id, owner: `${key.owner.kind}:${key.owner.id}` },
      }
      found.set(key.id, { caller, status: holder.tenant.status })
    }
    return found
  }

  return {
    async create(caller, { name, scopes, expiresAt }) {
      if ([...name].length < 1 || [...name].length > LONGEST_NAME || /\p{Cc}/u.test(name)) {
        const text = 'name must be between 1 and 64 characters'
        throw new BadRequest(text, text)
      }
      if (expiresAt !== null && expiresAt <= now())
        throw new BadRequest('expires_at must be in the future.', 'invalid_expires_at')
      const own = scopesOf(caller)
      for (const scope of scopes ?? []) {
        if (!isKnownScope(scope)) throw new BadRequest(`Unknown scope: ${scope.slice(0, 100)}`, 'unknown_scope')
        if (!own.has(scope)) throw new Forbidden(`You cannot grant the scope '${scope}', which you do not have.`)
      }
      const key = newKey()
      const apiKey: RuntimeKey = {
        id: random.uuid(),
        tenantId: caller.tenantId,
        name,
        hash: digestOf(key),
        scopes: [...new Set(scopes ?? executionScopes.filter((scope) => own.has(scope)))],
        role: caller.kind === 'user' ? tokenRoleOf(caller.role) : caller.role,
        owner: ownerOf(caller),
        createdAt: now(),
        expiresAt,
        lastUsedAt: null,
      }
      await store.insert(apiKey)
      return { apiKey, key }
    },
    list: (caller) => store.list(scopeOf(caller), ownerOf(caller)),
    async revoke(caller, id) {
      if (!(await store.revoke(scopeOf(caller), ownerOf(caller), id, now()))) throw new NotFound(NOT_FOUND, NOT_FOUND)
      announceWithdrawal()
    },
    async verify(text) {
      const key = await store.findByHash(digestOf(text))
      const standing = key && (await callersOf([key])).get(key.id)
      if (!key || !standing) throw new Unauthenticated('Invalid or expired API key')
      requireActive(standing.status)
      if (key.lastUsedAt === null || key.lastUsedAt + LAST_USE_MICROS <= now()) await store.used(key.id, now())
      return standing.caller
    },
    async standing(ids) {
      const found = await callersOf(await store.findMany(ids))
      return new Map([...found].flatMap(([id, { caller, status }]) => (status === 'active' ? [[id, caller]] : [])))
    },
  }
}

const scopesOf = (caller: KeyMaker): ReadonlySet<string> =>
  caller.kind === 'token' ? caller.scopes : new Set(scopesOfPerson(caller.role))

/** A key that makes a key makes it for its own owner. */
function ownerOf(caller: KeyMaker): KeyOwner {
  if (caller.kind === 'user') return { kind: 'user', id: caller.userId }
  if (caller.key) {
    const [kind = '', ...id] = caller.key.owner.split(':')
    return { kind: kind as KeyOwner['kind'], id: id.join(':') }
  }
  if (caller.identity === 'service_account' && !caller.foreign) return { kind: 'service_account', id: caller.subject }
  throw new DomainError(403, 'no_own_keys', 'API keys are for people of the console and service accounts.')
}
