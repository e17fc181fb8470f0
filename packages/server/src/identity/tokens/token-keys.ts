import type { CryptoKey, JWK } from 'jose'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { SecretBox } from '../../ports/secret-box.ts'
import { microsOf } from '../../storage/instants.ts'
import type { AccessStore, TokenKey } from './store.ts'

const ALGORITHM = 'RS256'

/** Loaded when first needed: a server without runtime clients does not carry it. */
const jose = () => import('jose')

/** The RSA keys access tokens are signed with. Made when first needed; private halves are sealed in the database. */
export interface TokenKeys {
  sign(claims: Record<string, unknown>): Promise<string>
  /** The public key of this `kid`, or null. */
  find(kid: string): Promise<CryptoKey | null>
  /** The public keys, as the JWKS route shows them. */
  list(): Promise<JWK[]>
}

export function createTokenKeys(deps: {
  store: AccessStore
  secretBox: SecretBox
  clock: Clock
  random: Random
}): TokenKeys {
  const { store, secretBox, clock, random } = deps
  let signing: Promise<{ kid: string; key: CryptoKey }> | null = null
  const verifying = new Map<string, CryptoKey>()

  async function create(): Promise<TokenKey> {
    const { publicKey, privateKey } = await random.rsaKey()
    return {
      id: random.uuid(),
      publicJwk: JSON.stringify(publicKey.export({ format: 'jwk' })),
      sealedPrivateKey: secretBox.seal(Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' }))),
      createdAt: microsOf(clock.now()),
    }
  }

  async function current(): Promise<TokenKey> {
    const [newest] = await store.listKeys()
    return newest ?? store.insertFirstKey(await create())
  }

  async function signingKey(): Promise<{ kid: string; key: CryptoKey }> {
    const newest = await current()
    const pem = Buffer.from(secretBox.open(newest.sealedPrivateKey)).toString()
    const { importPKCS8 } = await jose()
    return { kid: newest.id, key: await importPKCS8(pem, ALGORITHM) }
  }

  return {
    async sign(claims) {
      signing ??= signingKey().catch((error: unknown) => {
        signing = null
        throw error
      })
      const { kid, key } = await signing
      const { SignJWT } = await jose()
      return new SignJWT(claims).setProtectedHeader({ alg: ALGORITHM, kid, typ: 'JWT' }).sign(key)
    },
    async find(kid) {
      const known = verifying.get(kid)
      if (known) return known
      const stored = (await store.listKeys()).find((candidate) => candidate.id === kid)
      if (!stored) return null
      const { importJWK } = await jose()
      const key = (await importJWK(JSON.parse(stored.publicJwk) as JWK, ALGORITHM)) as CryptoKey
      verifying.set(kid, key)
      return key
    },
    async list() {
      await current()
      const keys = await store.listKeys()
      return keys.map(({ id, publicJwk }) => ({
        ...(JSON.parse(publicJwk) as JWK),
        kid: id,
        alg: ALGORITHM,
        use: 'sig',
      }))
    },
  }
}
