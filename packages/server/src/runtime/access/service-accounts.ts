import { InvalidInput, NotFound } from '../../errors.ts'
import type { UserCaller } from '../../http/caller.ts'
import { digestOf, digestsEqual } from '../../identity/tokens.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import { microsOf } from '../../storage/instants.ts'
import type { ServiceAccountRow } from '../../storage/schema.ts'
import { isKnownScope } from './scopes.ts'
import type { AccessStore } from './store.ts'

/** Roles a service account may be given. */
export const accountRoles = ['aegis:admin', 'aegis:operator', 'aegis:readonly'] as const
export type AccountRole = (typeof accountRoles)[number]

/** Programs that call the runtime API: each belongs to one tenant and proves itself with a client id and secret. */
export interface ServiceAccounts {
  /** `secret` is told once and kept only as a digest. @throws InvalidInput naming unknown scopes. */
  create(
    caller: UserCaller,
    input: { name: string; role: AccountRole; scopes: readonly string[] | null },
  ): Promise<{ row: ServiceAccountRow; secret: string }>
  list(caller: UserCaller): Promise<ServiceAccountRow[]>
  /** In force when it returns: tokens issued before stop working. @throws NotFound. */
  revoke(caller: UserCaller, id: string): Promise<void>
  /** The account these credentials belong to, or null. */
  authenticate(clientId: string, secret: string): Promise<ServiceAccountRow | null>
}

export function serviceAccounts(deps: { store: AccessStore; clock: Clock; random: Random }): ServiceAccounts {
  const { store, clock, random } = deps
  return {
    async create(caller, { name, role, scopes }) {
      const unknown = (scopes ?? []).filter((scope) => !isKnownScope(scope))
      if (unknown.length > 0)
        throw new InvalidInput(
          unknown.map((scope) => ({ loc: ['body', 'scopes'], msg: `Value error, Unknown scope '${scope}'` })),
        )
      const secret = Buffer.from(random.bytes(32)).toString('base64url')
      const row: ServiceAccountRow = {
        id: random.uuid(),
        tenant_id: caller.tenantId,
        client_id: `sa-${Buffer.from(random.bytes(9)).toString('hex')}`,
        name,
        secret_hash: digestOf(secret),
        role,
        scopes: scopes && scopes.length > 0 ? [...new Set(scopes)].join(' ') : null,
        created_by: caller.email,
        created_at: microsOf(clock.now()),
        revoked_at: null,
      }
      await store.insertAccount(row)
      return { row, secret }
    },
    list: (caller) => store.listAccounts(caller.tenantId),
    async revoke(caller, id) {
      if (!(await store.revokeAccount(caller.tenantId, id, microsOf(clock.now()))))
        throw new NotFound('Service account not found or already revoked.')
    },
    async authenticate(clientId, secret) {
      const row = await store.findAccount(clientId)
      // Compared also when there is none, so that the time does not tell which ids exist.
      const matches = digestsEqual(row?.secret_hash ?? digestOf(''), digestOf(secret))
      return row && matches ? row : null
    },
  }
}
