import { BadRequest, DomainError, InvalidInput, NotFound, PayloadTooLarge } from '../../errors.ts'
import { scopeOf, scopeOfRecord } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { SecretStore } from '../../ports/secrets.ts'
import { microsOf } from '../../storage/instants.ts'
import type { AccessAudit } from '../access-audit.ts'
import { draft } from '../record/events.ts'
import type { TenantEvents } from '../record/tenant-events.ts'
import { asking } from '../secrets/secrets.ts'
import {
  type Credential,
  type CredentialCaller,
  type CredentialChange,
  type CredentialGrant,
  type CredentialType,
  type GrantTarget,
  ownerOf,
  placeOfCredential,
} from './credential.ts'
import type { Renewal } from './renewal.ts'
import type { CredentialStore } from './store.ts'
import { fieldsOfTokens, type TokenSet } from './tokens.ts'

/** A credential that is to be kept. */
export interface NewCredential {
  readonly label: string
  readonly provider: string
  readonly type: CredentialType
  readonly scope: string
  readonly metadata: Readonly<Record<string, unknown>>
}

/** Credentials of a tenant. Those of other people are not there for consumers and members; operators see all. */
export interface Credentials {
  list(caller: CredentialCaller): Promise<readonly { credential: Credential; grants: readonly CredentialGrant[] }[]>
  /** @throws NotFound. */
  get(caller: CredentialCaller, id: string): Promise<{ credential: Credential; grants: readonly CredentialGrant[] }>
  /** @throws InvalidInput, PayloadTooLarge, Unavailable. */
  store(caller: CredentialCaller, given: NewCredential, value: string): Promise<Credential>
  /** What signing in at a provider gave: a new credential, or the tokens of one that is there. @throws NotFound. */
  keepTokens(
    caller: CredentialCaller,
    given: NewCredential & { readonly id: string | null },
    tokens: TokenSet,
  ): Promise<Credential>
  /** A new value, or a new token from the provider where `value` is null. @throws NotFound, InvalidInput, Conflict. */
  rotate(caller: CredentialCaller, id: string, value: string | null): Promise<Credential>
  /** In force when it returns; its value is gone. @throws NotFound, Unavailable. */
  revoke(caller: CredentialCaller, id: string): Promise<void>
  grant(caller: CredentialCaller, id: string, target: GrantTarget, permissionType: string): Promise<CredentialGrant>
  /** @throws NotFound. */
  revokeGrant(caller: CredentialCaller, id: string, grantId: string): Promise<void>
}

const NOT_FOUND = 'Credential binding not found'
const LARGEST_VALUE = 65_536
const LONGEST_NAME = 255

export function createCredentials(deps: {
  store: CredentialStore
  secretStore: SecretStore
  renewal: Renewal
  audit: AccessAudit
  events: TenantEvents
  /** @throws NotFound */
  requireAgent: (caller: CredentialCaller, id: string) => Promise<void>
  clock: Clock
  random: Random
}): Credentials {
  const { store, secretStore, renewal, audit, events, clock, random } = deps
  const now = () => microsOf(clock.now())

  async function find(caller: CredentialCaller, id: string): Promise<Credential> {
    const credential = await store.find(scopeOf(caller), id)
    if (!credential || !isVisible(caller, credential)) throw new NotFound(NOT_FOUND, NOT_FOUND)
    return credential
  }

  async function findInForce(caller: CredentialCaller, id: string): Promise<Credential> {
    const credential = await find(caller, id)
    if (credential.status === 'revoked')
      throw new DomainError(
        409,
        'credential_revoked',
        `The credential '${credential.label}' was revoked; store a new one.`,
      )
    return credential
  }

  async function put(credential: Credential, fields: Readonly<Record<string, string>>): Promise<void> {
    await asking(() => secretStore.write(credential, placeOfCredential(credential.id), fields))
  }

  const told = (caller: CredentialCaller, action: string, credential: Credential, more: object = {}) =>
    audit.record(caller, action, { credential: credential.label, credential_id: credential.id, ...more }, null)

  const made = (caller: CredentialCaller, given: NewCredential, scopes: readonly string[]): Credential => ({
    ...given,
    id: random.uuid(),
    tenantId: caller.tenantId,
    ownerId: ownerOf(caller),
    status: 'active',
    scopes,
    createdAt: now(),
    updatedAt: now(),
    lastUsedAt: null,
  })

  const insert = (credential: Credential) =>
    events.record(
      credential.tenantId,
      [
        draft('credential_created', {
          binding_id: credential.id,
          owner_user_id: credential.ownerId,
          tenant_id: credential.tenantId,
          provider: credential.provider,
          credential_type: credential.type,
        }),
      ],
      async (within) => {
        await store.insert(credential, within)
        return true
      },
    )

  const rotated = ({ id, tenantId }: Credential, change: CredentialChange) =>
    events.record(tenantId, [draft('credential_rotated', { binding_id: id, tenant_id: tenantId })], (within) =>
      store.update(scopeOfRecord({ tenantId }), id, change, within),
    )

  return {
    async list(caller) {
      const found = (await store.list(scopeOf(caller))).filter((one) => isVisible(caller, one))
      const grants = await store.listGrants(
        scopeOf(caller),
        found.map(({ id }) => id),
      )
      return found.map((credential) => ({
        credential,
        grants: grants.filter(({ credentialId }) => credentialId === credential.id),
      }))
    },
    async get(caller, id) {
      const credential = await find(caller, id)
      return { credential, grants: await store.listGrants(scopeOf(caller), [id]) }
    },
    async store(caller, given, value) {
      requireNames(given)
      requireValue(value)
      const credential = made(caller, given, [])
      // The value first: a credential that is listed has one.
      await put(credential, { value })
      await insert(credential)
      await told(caller, 'credential.create', credential)
      return credential
    },
    async keepTokens(caller, { id, ...given }, tokens) {
      requireNames(given)
      const existing = id === null ? null : await findInForce(caller, id)
      const credential = existing ?? made(caller, given, tokens.scopes)
      await put(credential, fieldsOfTokens(tokens))
      if (existing) {
        const change = { status: 'active', scopes: tokens.scopes, updatedAt: now() } as const
        await rotated(existing, change)
        await told(caller, 'credential.rotate', existing)
        return { ...existing, ...change }
      }
      await insert(credential)
      await told(caller, 'credential.create', credential)
      return credential
    },
    async rotate(caller, id, value) {
      const credential = await findInForce(caller, id)
      if (credential.type === 'oauth2') {
        if (value !== null)
          throw new InvalidInput(
            'The token of an OAuth credential comes from its provider: rotate it without a value.',
            'value_not_taken',
          )
        await renewal.current(credential, true)
      } else {
        if (value === null)
          throw new InvalidInput(
            `new_value required: the provider '${credential.provider}' issues no new keys by itself.`,
            'new_value required',
          )
        requireValue(value)
        await put(credential, { value })
      }
      await rotated(credential, { status: 'active', updatedAt: now() })
      await told(caller, 'credential.rotate', credential)
      return find(caller, id)
    },
    async revoke(caller, id) {
      const credential = await find(caller, id)
      // Out of force first: whatever happens to the value, nobody is given it any more.
      const event = draft('credential_revoked', { binding_id: id, tenant_id: credential.tenantId })
      await events.record(credential.tenantId, [event], async (within) => {
        await store.revoke(scopeOf(caller), id, now(), within)
        return true
      })
      await asking(() => secretStore.remove(credential, placeOfCredential(id)))
      await told(caller, 'credential.revoke', credential)
    },
    async grant(caller, id, target, permissionType) {
      const credential = await findInForce(caller, id)
      if (target.type === 'agent') await deps.requireAgent(caller, target.value)
      const grant: CredentialGrant = {
        id: random.uuid(),
        tenantId: caller.tenantId,
        credentialId: id,
        target,
        permissionType,
        grantedBy: ownerOf(caller),
        createdAt: now(),
      }
      const event = draft('credential_granted', {
        binding_id: id,
        grant_id: grant.id,
        target: shownTarget(target),
        granted_by: grant.grantedBy,
      })
      await events.record(caller.tenantId, [event], async (within) => {
        await store.insertGrant(grant, within)
        return true
      })
      await told(caller, 'credential.grant', credential, { target: { ...target } })
      return grant
    },
    async revokeGrant(caller, id, grantId) {
      const credential = await find(caller, id)
      const event = draft('credential_grant_revoked', { binding_id: id, grant_id: grantId })
      const isGone = await events.record(caller.tenantId, [event], (within) =>
        store.deleteGrant(scopeOf(caller), id, grantId, within),
      )
      if (!isGone) throw new NotFound('Credential grant not found', 'Credential grant not found')
      await told(caller, 'credential.revoke_grant', credential, { grant_id: grantId })
    },
  }
}

/** To whom a grant is, as events spell it. */
const shownTarget = ({ type, value }: GrantTarget) =>
  value === null ? { kind: type } : { kind: type, [`${type}_id`]: value }

/** Operators and administrators look after all credentials of their tenant, others after their own. */
function isVisible(caller: CredentialCaller, credential: Credential): boolean {
  const looksAfterAll =
    caller.kind === 'user' ? caller.isAdmin : caller.identity === 'operator' || caller.identity === 'service_account'
  return looksAfterAll || credential.ownerId === ownerOf(caller)
}

function requireNames({ label, provider, scope, metadata }: NewCredential): void {
  if (provider.trim() === '') throw new BadRequest('Provider name must not be empty', 'Provider name must not be empty')
  for (const [field, text] of Object.entries({ provider, name: label }))
    if (text.length > LONGEST_NAME || /[\p{Cc}\u2028\u2029]/u.test(text))
      throw new InvalidInput([
        { loc: ['body', field], msg: `${field} has at most ${LONGEST_NAME} characters, in one line.` },
      ])
  if (scope !== 'personal') {
    if (!scope.startsWith('team:')) {
      const text = `Invalid scope: ${scope.slice(0, 100)}. Expected 'personal' or 'team:<uuid>'`
      throw new BadRequest(text, text)
    }
    if (!/^team:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(scope)) {
      const text = `Invalid team UUID in scope: ${scope.slice(5, 105)}`
      throw new BadRequest(text, text)
    }
  }
  if (JSON.stringify(metadata).length > LARGEST_VALUE) throw new PayloadTooLarge(LARGEST_VALUE)
}

function requireValue(value: string): void {
  if (value === '') throw new InvalidInput([{ loc: ['body', 'api_key'], msg: 'api_key must not be empty.' }])
  if (Buffer.byteLength(value) > LARGEST_VALUE) throw new PayloadTooLarge(LARGEST_VALUE)
}
