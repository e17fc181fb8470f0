import type { KeyObject } from 'node:crypto'
import { InvalidInput } from '../../errors.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { SecretBox } from '../../ports/secret-box.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import type { SigningKeyRow } from '../../storage/schema.ts'
import { privateKeyOf, publicBytesOf, SEED_BYTES, signBytes, verifyBytes } from './ed25519.ts'
import type { SigningStore } from './store.ts'

/** A tenant's key, ready to sign. */
export interface SigningKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  sign(bytes: Uint8Array): Uint8Array
  /** Whether this key made the signature. */
  verifies(bytes: Uint8Array, signature: Uint8Array): boolean
}

export interface Signing {
  /** The tenant's active key, or null (console-api §7). @throws InvalidInput when it cannot be unsealed. */
  activeKey(tenantId: string, within: Queryable): Promise<SigningKey | null>
  /** Make a key for a tenant that has none active. */
  equip(tenantId: string, within: Queryable): Promise<void>
  /** Make a key for every tenant that has none active (console-api §3.1). */
  equipAll(): Promise<void>
  /** 32 bytes, or null before the first key was made. */
  activePublicKey(tenantId: string): Promise<Uint8Array | null>
  /** Retire the tenant's keys and make a new one active. */
  replaceKey(tenantId: string, within: Queryable): Promise<SigningKey>
}

/** Ed25519 keys of the tenants; the seeds lie sealed in the database. */
export function signing(deps: {
  store: SigningStore
  database: Database
  secretBox: SecretBox
  random: Random
  clock: Clock
}): Signing {
  const { store, database, secretBox, random, clock } = deps

  async function makeKey(tenantId: string, within: Queryable): Promise<SigningKey> {
    const seed = random.bytes(SEED_BYTES)
    const privateKey = privateKeyOf(seed)
    const publicKey = publicBytesOf(privateKey)
    await store.insert(
      {
        id: random.uuid(),
        tenant_id: tenantId,
        public_key: publicKey,
        private_key_sealed: secretBox.seal(seed),
        active: 1,
        created_at: microsOf(clock.now()),
      },
      within,
    )
    return signingKey(publicKey, privateKey)
  }

  function unseal(row: SigningKeyRow): SigningKey {
    let seed: Uint8Array
    try {
      seed = secretBox.open(row.private_key_sealed)
    } catch {
      throw new InvalidInput(
        "The tenant's signing key cannot be opened with this server's master key. Start the server with the LICTOR_MASTER_KEY it was sealed with, or rotate the signing key.",
        'signing_key_sealed',
      )
    }
    return signingKey(row.public_key, privateKeyOf(seed))
  }

  async function equip(tenantId: string, within: Queryable): Promise<void> {
    await store.lock(tenantId, within)
    if (!(await store.findActive(tenantId, within))) await makeKey(tenantId, within)
  }

  return {
    async activeKey(tenantId, within) {
      const known = await store.findActive(tenantId, within)
      return known ? unseal(known) : null
    },
    equip,
    async equipAll() {
      for (const tenantId of await store.tenantsWithout())
        await database.db.transaction().execute((within) => equip(tenantId, within))
    },
    async activePublicKey(tenantId) {
      return (await store.findActive(tenantId))?.public_key ?? null
    },
    async replaceKey(tenantId, within) {
      await store.lock(tenantId, within)
      await store.deactivateAll(tenantId, within)
      return makeKey(tenantId, within)
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
