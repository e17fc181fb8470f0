import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { type SecurityTokenClaims, verifySecurityToken } from '@lictor/seal'
import type { JWK } from 'jose'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { SecretBox } from '../../ports/secret-box.ts'
import { microsOf } from '../../storage/instants.ts'
import type { SealTokenKey } from './session.ts'
import type { SealStore } from './store.ts'

export const SEAL_ISSUER = 'aegis-orchestrator'
export const SEAL_AUDIENCE = 'aegis-agents'
const ALGORITHM = 'RS256'

/**
 * The tokens that name a session. Their keys are this server's own, not those of access tokens, and issuer and audience differ: no
 * token is good for the other purpose. A key that is no longer the newest goes on verifying.
 */
export interface SecurityTokens {
  sign(claims: Readonly<Record<string, unknown>>): Promise<string>
  /** @throws SEALError `token_expired`, `token_invalid` */
  verify(token: string): Promise<SecurityTokenClaims>
  /** The public keys, as the JWKS route shows them. */
  list(): Promise<JWK[]>
  /** Sign with a new key from now on. */
  rotate(): Promise<void>
}

/** Another process may have made a newer key: how long this one goes on with what it knows. */
const KNOWN_FOR_MS = 60_000

export function createSecurityTokens(deps: {
  store: Pick<SealStore, 'listKeys' | 'insertFirstKey' | 'insertKey'>
  secretBox: SecretBox
  clock: Clock
  random: Random
}): SecurityTokens {
  const { store, secretBox, clock, random } = deps
  let known: { readonly keys: readonly SealTokenKey[]; readonly at: number } | null = null
  const publicKeys = new Map<string, KeyObject>()
  const privateKeys = new Map<string, KeyObject>()

  async function made(): Promise<SealTokenKey> {
    const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })
    return {
      id: random.uuid(),
      publicPem: String(publicKey.export({ type: 'spki', format: 'pem' })),
      sealedPrivateKey: secretBox.seal(Buffer.from(String(privateKey.export({ type: 'pkcs8', format: 'pem' })))),
      createdAt: microsOf(clock.now()),
    }
  }

  async function keys(): Promise<readonly SealTokenKey[]> {
    if (known && clock.now() - known.at < KNOWN_FOR_MS) return known.keys
    const stored = await store.listKeys()
    const current = stored.length > 0 ? stored : [await store.insertFirstKey(await made())]
    known = { keys: current, at: clock.now() }
    return current
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

  return {
    async sign(claims) {
      const [newest] = await keys()
      if (!newest) throw new Error('There is no key to sign security tokens with.')
      const { SignJWT } = await import('jose')
      return new SignJWT(claims)
        .setProtectedHeader({ alg: ALGORITHM, kid: newest.id, typ: 'JWT' })
        .sign(signingKey(newest))
    },
    async verify(token) {
      const kid = kidOf(token)
      let all = await keys()
      if (!all.some(({ id }) => id === kid)) {
        known = null
        all = await keys()
      }
      // A token that names no key of ours is tried with the newest, and fails as any forged one does.
      const key = all.find(({ id }) => id === kid) ?? all[0]
      if (!key) throw new Error('There is no key to verify security tokens with.')
      const { claims } = verifySecurityToken(token, {
        key: publicKeyOf(key),
        algorithm: ALGORITHM,
        issuer: SEAL_ISSUER,
        audience: SEAL_AUDIENCE,
        now: clock.now,
      })
      return claims
    },
    async list() {
      const { exportJWK } = await import('jose')
      return Promise.all(
        (await keys()).map(async (key) => ({
          ...(await exportJWK(publicKeyOf(key))),
          kid: key.id,
          alg: ALGORITHM,
          use: 'sig',
        })),
      )
    },
    async rotate() {
      await keys()
      await store.insertKey(await made())
      known = null
    },
  }
}

function kidOf(token: string): string | null {
  try {
    const { kid } = JSON.parse(Buffer.from(token.split('.', 1)[0] ?? '', 'base64url').toString()) as { kid?: unknown }
    return typeof kid === 'string' ? kid : null
  } catch {
    return null
  }
}
