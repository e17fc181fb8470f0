import type { KeyObject } from 'node:crypto'
import { InvalidInput } from '../../errors.ts'
import { systemScope, type TenantScope } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { SecretBox } from '../../ports/secret-box.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import { privateKeyOf, publicBytesOf, SEED_BYTES, signBytes, verifyBytes } from './ed25519.ts'
import type { SigningStore, StoredSigningKey } from './store.ts'

/** A tenant's key, ready to sign. */
export interface SigningKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  sign(bytes: Uint8Array): Uint8Array
  /** Whether this key made the signature. */
  verifies(bytes: Uint8Array, signature: Uint8Array): boolean
}

export interface Signing {
  /** The tenant's active key, or null. @throws InvalidInput when it cannot be unsealed. */
  activeKey(scope: TenantScope, within: Queryable): Promise<SigningKey | null>
  /** Make a key for a tenant that has none active. */
  equip(scope: TenantScope, within: Queryable): Promise<void>
  /** Make a key for every tenant that has none active. */
  equipAll(): Promise<void>
  /** 32 bytes, or null before the first key was made. */
  activePublicKey(scope: TenantScope): Promise<Uint8Array | null>
  /** Retire the tenant's keys and make a new one active. */
  replaceKey(scope: TenantScope, within: Queryable): Promise<SigningKey>
}

/** Ed25519 keys of the tenants; the seeds lie sealed in the database. */
export function createSigning(deps: {
  store: SigningStore
  database: Database
  secretBox: SecretBox
  random: Random
  clock: Clock
}): Signing {
  const { store, database, secretBox, random, clock } = deps

  async function makeKey(scope: TenantScope, within: Queryable): Promise<SigningKey> {
    const seed = random.bytes(SEED_BYTES)
    const privateKey = privateKeyOf(seed)
    const publicKey = publicBytesOf(privateKey)
    await store.insert(
      {
        id: random.uuid(),
        tenantId: scope.tenantId,
        publicKey,
        sealedSeed: secretBox.seal(seed),
        createdAt: microsOf(clock.now()),
      },
      within,
    )
    return signingKey(publicKey, privateKey)
  }

  function unseal(stored: StoredSigningKey): SigningKey {
    let seed: Uint8Array
    try {
      seed = secretBox.open(stored.sealedSeed)
    } catch {
      throw new InvalidInput(
        "The tenant's signing key cannot be opened with this server's master key. Start the server with the LICTOR_MASTER_KEY it was sealed with, or rotate the signing key.",
        'signing_key_sealed',
      )
    }
    return signingKey(stored.publicKey, privateKeyOf(seed))
  }

  async function equip(scope: TenantScope, within: Queryable): Promise<void> {
    await store.lock(scope, within)
    if (!(await store.findActive(scope, within))) await makeKey(scope, within)
  }

  return {
    async activeKey(scope, within) {
      const known = await store.findActive(scope, within)
      return known ? unseal(known) : null
    },
    equip,
    async equipAll() {
      for (const scope of await store.tenantsWithout(systemScope))
        await database.db.transaction().execute((within) => equip(scope, within))
    },
    async activePublicKey(scope) {
      return (await store.findActive(scope))?.publicKey ?? null
    },
    async replaceKey(scope, within) {
      await store.lock(scope, within)
      await store.deactivateAll(scope, within)
      return makeKey(scope, within)
    },
  }
}

function signingKey(publicKey: Uint8Array, privateKey: KeyObject): SigningKey {
  return {
    publicKey,
    sign: (bytes) => signBytes(privateKey, bytes),
    verifies: (bytes, signature) => verifyBytes(publicKey, bytes, signature),
  }
}
