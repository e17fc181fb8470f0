import type { StreamLog } from '../changes/stream-log.ts'
import { NotFound, Unauthenticated } from '../errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'
import { microsOf } from '../storage/instants.ts'
import type { KeyCaller, KeyClient, SignatureText, UserCaller } from './caller.ts'
import { digestOf, digestsEqual } from './opaque-tokens.ts'
import type { AnnounceWithdrawal } from './open-calls.ts'
import { scopeOf } from './scope.ts'
import type { ApiKey, IdentityStore } from './store.ts'
import { requireActive } from './suspension.ts'
import { requireSafeLabel } from './text.ts'

export const environments = ['production', 'staging', 'development'] as const
export type Environment = (typeof environments)[number]

const PREFIX_CHARACTERS = 8
const REFUSAL = 'Invalid or revoked API key.'

export interface ApiKeys {
  /** `key` is told once and kept only as a digest. */
  create(
    caller: UserCaller,
    input: {
      env: Environment
      label: string | null
      client?: KeyClient | undefined
      signature?: SignatureText | null | undefined
    },
  ): Promise<{ apiKey: ApiKey; key: string }>
  list(caller: UserCaller): Promise<ApiKey[]>
  /** In force when it returns. @throws NotFound. */
  revoke(caller: UserCaller, id: string): Promise<void>
  /** Who an `Authorization` header stands for. @throws Unauthenticated. */
  authenticate(header: string | undefined, agentId: string | undefined): Promise<KeyCaller>
}

export function createApiKeys(deps: {
  store: IdentityStore
  log: StreamLog
  clock: Clock
  random: Random
  announceWithdrawal: AnnounceWithdrawal
}): ApiKeys {
  const { store, log, clock, random, announceWithdrawal } = deps
  return {
    async create(caller, { env, label, client = 'contracts', signature = null }) {
      requireSafeLabel(label, 'label')
      const secret = Buffer.from(random.bytes(32)).toString('base64url')
      const key = `edk_${env}_${secret}`
      const apiKey: ApiKey = {
        id: random.uuid(),
        tenantId: caller.tenantId,
        prefix: `edk_${env}_${secret.slice(0, PREFIX_CHARACTERS)}`,
        hash: digestOf(key),
        env,
        label,
        createdAt: microsOf(clock.now()),
        client,
        signature,
      }
      await log.transact(async (within, emit) => {
        await store.insertKey(apiKey, within)
        emit({
          tenantId: caller.tenantId,
          type: 'api_key_created',
          data: { key_id: apiKey.id, env, label },
          dashboard: true,
        })
      })
      return { apiKey, key }
    },
    list: (caller) => store.listKeys(scopeOf(caller)),
    async revoke(caller, id) {
      await log.transact(async (within, emit) => {
        const revoked = await store.revokeKey(scopeOf(caller), id, microsOf(clock.now()), within)
        if (!revoked) throw new NotFound('API key not found or already revoked.')
        emit({ tenantId: caller.tenantId, type: 'api_key_revoked', data: { key_id: id }, dashboard: true })
      })
      announceWithdrawal()
    },
    async authenticate(header, agentId) {
      if (header === undefined) throw new Unauthenticated('Authorization header is required.')
      if (!header.startsWith('Bearer ')) throw new Unauthenticated('Authorization header must use Bearer scheme.')
      const key = header.slice('Bearer '.length).trim()
      const [scheme, env, ...rest] = key.split('_')
      const secret = rest.join('_')
      if (scheme !== 'edk' || !env || secret === '' || key.length > 200) throw new Unauthenticated(REFUSAL)
      const digest = digestOf(key)
      const candidates = await store.findKeysByPrefix(`edk_${env}_${secret.slice(0, PREFIX_CHARACTERS)}`)
      const apiKey = candidates.find(({ hash }) => digestsEqual(hash, digest))
      if (!apiKey || apiKey.tenantStatus === 'deleted') throw new Unauthenticated(REFUSAL)
      requireActive(apiKey.tenantStatus)
      return {
        kind: 'key',
        keyId: apiKey.id,
        keyPrefix: apiKey.prefix,
        tenantId: apiKey.tenantId,
        env: apiKey.env,
        agentId: agentId || null,
        client: apiKey.client,
        signature: apiKey.signature,
      }
    },
  }
}
