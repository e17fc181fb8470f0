import { NotFound, Unauthenticated } from '../errors.ts'
import type { StreamLog } from '../governance/stream/log.ts'
import type { KeyCaller, UserCaller } from '../http/caller.ts'
import type { Clock } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'
import { microsOf } from '../storage/instants.ts'
import type { ApiKeyRow } from '../storage/schema.ts'
import type { IdentityStore } from './store.ts'
import { requireSafeLabel } from './text.ts'
import { digestOf, digestsEqual } from './tokens.ts'

export const environments = ['production', 'staging', 'development'] as const
export type Environment = (typeof environments)[number]

const PREFIX_CHARACTERS = 8
const REFUSAL = 'Invalid or revoked API key.'

export interface ApiKeys {
  /** `key` is told once and kept only as a digest. */
  create(
    caller: UserCaller,
    input: { env: Environment; label: string | null },
  ): Promise<{ row: ApiKeyRow; key: string }>
  list(caller: UserCaller): Promise<ApiKeyRow[]>
  /** In force when it returns. @throws NotFound. */
  revoke(caller: UserCaller, id: string): Promise<void>
  /** Who an `Authorization` header stands for. @throws Unauthenticated. */
  authenticate(header: string | undefined, agentId: string | undefined): Promise<KeyCaller>
}

export function apiKeys(deps: { store: IdentityStore; log: StreamLog; clock: Clock; random: Random }): ApiKeys {
  const { store, log, clock, random } = deps
  return {
    async create(caller, { env, label }) {
      requireSafeLabel(label, 'label')
      const secret = Buffer.from(random.bytes(32)).toString('base64url')
      const key = `edk_${env}_${secret}`
      const row: ApiKeyRow = {
        id: random.uuid(),
        tenant_id: caller.tenantId,
        prefix: `edk_${env}_${secret.slice(0, PREFIX_CHARACTERS)}`,
        key_hash: digestOf(key),
        env,
        label,
        revoked_at: null,
        created_at: microsOf(clock.now()),
      }
      await log.transact(async (within, emit) => {
        await store.insertKey(row, within)
        emit({
          tenantId: caller.tenantId,
          type: 'api_key_created',
          data: { key_id: row.id, env, label },
          dashboard: true,
        })
      })
      return { row, key }
    },
    list: (caller) => store.listKeys(caller.tenantId),
    async revoke(caller, id) {
      await log.transact(async (within, emit) => {
        const revoked = await store.revokeKey(caller.tenantId, id, microsOf(clock.now()), within)
        if (!revoked) throw new NotFound('API key not found or already revoked.')
        emit({ tenantId: caller.tenantId, type: 'api_key_revoked', data: { key_id: id }, dashboard: true })
      })
    },
    async authenticate(header, agentId) {
      if (header === undefined) throw new Unauthenticated('Authorization header is required.')
      if (!header.startsWith('Bearer ')) throw new Unauthenticated('Authorization header must use Bearer scheme.')
      const key = header.slice('Bearer '.length).trim()
      const [scheme, env, ...rest] = key.split('_')
      const secret = rest.join('_')
      if (scheme !== 'edk' || !env || secret === '' || key.length > 200) throw new Unauthenticated(REFUSAL)
      const digest = digestOf(key)
      const rows = await store.findKeysByPrefix(`edk_${env}_${secret.slice(0, PREFIX_CHARACTERS)}`)
      const row = rows.find((candidate) => digestsEqual(candidate.key_hash, digest))
      if (!row) throw new Unauthenticated(REFUSAL)
      return {
        kind: 'key',
        keyId: row.id,
        keyPrefix: row.prefix,
        tenantId: row.tenant_id,
        env: row.env,
        agentId: agentId || null,
      }
    },
  }
}
