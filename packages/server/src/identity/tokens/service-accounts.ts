import { InvalidInput, NotFound } from '../../errors.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import { microsOf } from '../../storage/instants.ts'
import type { UserCaller } from '../caller.ts'
import { digestOf, digestsEqual } from '../opaque-tokens.ts'
import type { AnnounceWithdrawal } from '../open-calls.ts'
import { scopeOf } from '../scope.ts'
import type { IdentityTelling } from '../telling.ts'
import { isKnownScope } from './scopes.ts'
import type { AccessStore, ServiceAccount, StandingAccount } from './store.ts'

/** Roles a service account may be given. */
export const accountRoles = ['aegis:admin', 'aegis:operator', 'aegis:readonly'] as const
export type AccountRole = (typeof accountRoles)[number]

/** Programs that call the runtime API: each belongs to one tenant and proves itself with a client id and secret. */
export interface ServiceAccounts {
  /** `secret` is told once and kept only as a digest. @throws InvalidInput naming unknown scopes. */
  create(
    caller: UserCaller,
    input: { name: string; role: AccountRole; scopes: readonly string[] | null },
  ): Promise<{ account: ServiceAccount; secret: string }>
  list(caller: UserCaller): Promise<ServiceAccount[]>
  /** In force when it returns: tokens issued before stop working. @throws NotFound. */
  revoke(caller: UserCaller, id: string): Promise<void>
  /** The account these credentials belong to, or null; `refused` is told whose the client id is when the secret is not. */
  authenticate(
    clientId: string,
    secret: string,
    refused?: (account: ServiceAccount) => void,
  ): Promise<StandingAccount | null>
}

export function createServiceAccounts(deps: {
  store: AccessStore
  clock: Clock
  random: Random
  announceWithdrawal: AnnounceWithdrawal
  telling: Pick<IdentityTelling, 'change'>
}): ServiceAccounts {
  const { store, clock, random, announceWithdrawal, telling } = deps
  return {
    async create(caller, { name, role, scopes }) {
      const unknown = (scopes ?? []).filter((scope) => !isKnownScope(scope))
      if (unknown.length > 0)
        throw new InvalidInput(
          unknown.map((scope) => ({ loc: ['body', 'scopes'], msg: `Value error, Unknown scope '${scope}'` })),
        )
      const secret = Buffer.from(random.bytes(32)).toString('base64url')
      const account: ServiceAccount = {
        id: random.uuid(),
        tenantId: caller.tenantId,
        clientId: `sa-${Buffer.from(random.bytes(9)).toString('hex')}`,
        name,
        secretHash: digestOf(secret),
        role,
        scopes: scopes && scopes.length > 0 ? [...new Set(scopes)] : null,
        createdBy: caller.email,
        createdAt: microsOf(clock.now()),
      }
      const { tenantId, clientId } = account
      await telling.change({ kind: 'account_provisioned', tenantId, clientId }, async (within) => {
        await store.insertAccount(account, within)
        return true
      })
      return { account, secret }
    },
    list: (caller) => store.listAccounts(scopeOf(caller)),
    async revoke(caller, id) {
      const scope = scopeOf(caller)
      const { tenantId } = scope
      const account = (await store.listAccounts(scope)).find((one) => one.id === id)
      const isRevoked =
        account !== undefined &&
        (await telling.change(
          { kind: 'account_revoked', tenantId, clientId: account.clientId, reason: 'revoked' },
          (within) => store.revokeAccount(scope, id, microsOf(clock.now()), within),
        ))
      if (!isRevoked) throw new NotFound('Service account not found or already revoked.')
      announceWithdrawal()
    },
    async authenticate(clientId, secret, refused) {
      const account = await store.findAccount(clientId)
      // Compared also when there is none, so that the time does not tell which ids exist.
      const matches = digestsEqual(account?.secretHash ?? digestOf(''), digestOf(secret))
      if (account && !matches) refused?.(account)
      return account && matches ? account : null
    },
  }
}
