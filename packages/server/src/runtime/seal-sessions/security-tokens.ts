import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { type SecurityTokenClaims, type TokenAlgorithm, verifySecurityToken } from '@lictor/seal'
import type { JWK } from 'jose'
import { Conflict, NotFound } from '../../errors.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { SecretBox } from '../../ports/secret-box.ts'
import { type Micros, microsOf } from '../../storage/instants.ts'
import { LONGEST_TOKEN_MS, type SealTokenKey } from './session.ts'
import type { SealStore } from './store.ts'

export const SEAL_ISSUER = 'aegis-orchestrator'
export const SEAL_AUDIENCE = 'aegis-agents'
/** What gateways of every generation verify. */
const FIRST_ALGORITHM: TokenAlgorithm = 'RS256'

/** A key of security tokens, as operators see it. */
export interface TokenKey {
  /** The `kid` of tokens signed with it. */
  readonly id: string
  readonly algorithm: TokenAlgorithm
  readonly createdAt: Micros
  /** Until when it verifies; null while it is the one that signs. */
  readonly verifiesUntil: Micros | null
}

/**
 * The tokens that name a session. Their keys are this server's own, not those of access tokens, and issuer and audience differ: no
 * token is good for the other purpose. A key that is no longer the newest goes on verifying for as long as a token that it signed may
 * live.
 */
export interface SecurityTokens {
  sign(claims: Readonly<Record<string, unknown>>): Promise<string>
  /** @throws SEALError `token_expired`, `token_invalid` */
  verify(token: string): Promise<SecurityTokenClaims>
  /** The public keys, as the JWKS route shows them. */
  list(): Promise<JWK[]>
  /** Sign with a new key from now on; of the algorithm of the one before, unless another is named. */
  rotate(algorithm?: TokenAlgorithm): Promise<TokenKey>
  /** Newest first. */
  keys(): Promise<TokenKey[]>
  /** Take a key that signs no more out of verifying as well, with every token it signed. @throws NotFound, Conflict for the newest */
  retire(id: string): Promise<void>
  /** Forget the keys whose time is over. */
  sweep(): Promise<void>
}

/** Another process may have made a newer key: how long this one goes on with what it knows. */
export const KNOWN_FOR_MS = 60_000
/** How long a key verifies once there is a newer one: as long as the longest token that another process signed with it meanwhile. */
const OVERLAP_MS = LONGEST_TOKEN_MS + 2 * KNOWN_FOR_MS

export function createSecurityTokens(deps: {
  store: Pick<SealStore, 'listKeys' | 'insertFirstKey' | 'insertNewestKey' | 'deleteKey'>
  secretBox: SecretBox
  clock: Clock
  random: Random
}): SecurityTokens {
  const { store, secretBox, clock, random } = deps
  let known: { readonly keys: readonly SealTokenKey[]; readonly at: number } | null = null
  const publicKeys = new Map<string, KeyObject>()
  const privateKeys = new Map<string, KeyObject>()

  async function made(algorithm: TokenAlgorithm): Promise<SealTokenKey> {
    const { publicKey, privateKey } =
      algorithm === 'RS256' ? await random.rsaKey() : await promisify(generateKeyPair)('ed25519')
    return {
      id: random.uuid(),
      publicPem: String(publicKey.export({ type: 'spki', format: 'pem' })),
      sealedPrivateKey: secretBox.seal(Buffer.from(String(privateKey.export({ type: 'pkcs8', format: 'pem' })))),
      createdAt: microsOf(clock.now()),
    }
  }

  /** Newest first; the first signs, the others verify. */
  async function inForce(): Promise<readonly [SealTokenKey, ...SealTokenKey[]]> {
    if (!known || clock.now() - known.at >= KNOWN_FOR_MS) {
      const stored = await store.listKeys()
      const keys = stored.length > 0 ? stored : [await store.insertFirstKey(await made(FIRST_ALGORITHM))]
      known = { keys, at: clock.now() }
    }
    const { keys } = known
    const now = microsOf(clock.now())
    const [newest, ...others] = keys.filter((_, index) => (endOf(keys, index) ?? Number.POSITIVE_INFINITY) > now)
    if (!newest) throw new Error('There is no key for security tokens.')
    return [newest, ...others]
  }

  function signingKey(key: SealTokenKey): KeyObject {
    const found = privateKeys.get(key.id)
    if (found) return found
    const opened = createPrivateKey(Buffer.from(secretBox.open(key.sealedPrivateKey)).toString())
    privateKeys.set(key.id, opened)
    return opened
  }

  function publicKeyOf({ id, publicPem }: SealTokenKey): KeyObject {
    const found = publicKeys.get(id)
    if (found) return found
    const key = createPublicKey(publicPem)
    publicKeys.set(id, key)
    return key
  }

  /** By the key itself, never by what a token says of it. */
  const algorithmOf = (key: SealTokenKey): TokenAlgorithm =>
    publicKeyOf(key).asymmetricKeyType === 'ed25519' ? 'EdDSA' : 'RS256'

  function forget(id: string): void {
    publicKeys.delete(id)
    privateKeys.delete(id)
    known = null
  }

  async function sweep(): Promise<void> {
    const stored = await store.listKeys()
    const now = microsOf(clock.now())
    for (const [index, { id }] of stored.entries()) {
      if ((endOf(stored, index) ?? Number.POSITIVE_INFINITY) > now) continue
      await store.deleteKey(id)
      forget(id)
    }
  }

  return {
    async sign(claims) {
      const [newest] = await inForce()
      const { SignJWT } = await import('jose')
      return new SignJWT(claims)
        .setProtectedHeader({ alg: algorithmOf(newest), kid: newest.id, typ: 'JWT' })
        .sign(signingKey(newest))
    },
    async verify(token) {
      const kid = kidOf(token)
      let all = await inForce()
      if (!all.some(({ id }) => id === kid)) {
        known = null
        all = await inForce()
      }
      // A token that names no key of ours is tried with the newest, and fails as any forged one does.
      const key = all.find(({ id }) => id === kid) ?? all[0]
      const { claims } = verifySecurityToken(token, {
        key: publicKeyOf(key),
        algorithm: algorithmOf(key),
        issuer: SEAL_ISSUER,
        audience: SEAL_AUDIENCE,
        now: clock.now,
      })
      return claims
    },
    async list() {
      const { exportJWK } = await import('jose')
      return Promise.all(
        (await inForce()).map(async (key) => ({
          ...(await exportJWK(publicKeyOf(key))),
          kid: key.id,
          alg: algorithmOf(key),
          use: 'sig',
        })),
      )
    },
    async rotate(algorithm) {
      const [newest] = await inForce()
      const key = await store.insertNewestKey(await made(algorithm ?? algorithmOf(newest)))
      known = null
      return { id: key.id, algorithm: algorithmOf(key), createdAt: key.createdAt, verifiesUntil: null }
    },
    async keys() {
      known = null
      const keys = await inForce()
      return keys.map((key, index) => ({
        id: key.id,
        algorithm: algorithmOf(key),
        createdAt: key.createdAt,
        verifiesUntil: endOf(keys, index),
      }))
    },
    async retire(id) {
      // A key whose time is over must not come to be in force again by the end of the one after it.
      await sweep()
      known = null
      const [newest, ...others] = await inForce()
      if (newest.id === id) throw new Conflict('This key signs: rotate first, then take it back.', 'seal_key_signs')
      if (!others.some((key) => key.id === id))
        throw new NotFound(`There is no key '${id.slice(0, 100)}'.`, 'key not found')
      await store.deleteKey(id)
      forget(id)
    },
    sweep,
  }
}

/** When a key verifies no more: some time after the next newer one was made. Null for the newest. */
function endOf(newestFirst: readonly SealTokenKey[], index: number): Micros | null {
  const newer = newestFirst[index - 1]
  return newer === undefined ? null : newer.createdAt + OVERLAP_MS * 1000
}

function kidOf(token: string): string | null {
  try {
    const { kid } = JSON.parse(Buffer.from(token.split('.', 1)[0] ?? '', 'base64url').toString()) as { kid?: unknown }
    return typeof kid === 'string' ? kid : null
  } catch {
    return null
  }
}
