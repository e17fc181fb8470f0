import { createHash } from 'node:crypto'
import { EdictumConfigError } from '@lictor/contracts'
import { offerRuleset } from '@lictor/contracts/authoring'
import { scopeOfRecord, type TenantScope } from '../../identity/scope.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import type { OfferedRuleset, OfferStore } from './store.ts'

/** What of a stored bundle version an offer is made from. */
export interface StoredVersion {
  readonly id: string
  readonly tenantId: string
  readonly revisionHash: string
  readonly yamlBytes: Uint8Array
}

/** What signs; the tenant's active key. */
export interface OfferSigner {
  sign(bytes: Uint8Array): Uint8Array
  verifies(bytes: Uint8Array, signature: Uint8Array): boolean
}

/** Bundles as agents of the later SDKs are given them: kind `Ruleset`, with a hash and a signature of their own. */
export interface Offers {
  /** Made when it is first asked for, then kept; null for a document that does not load any more. */
  of(version: StoredVersion, within?: Queryable): Promise<OfferedRuleset | null>
  /** The same, signed with the key where its signature is missing or another's; without a key as it is. */
  signed(version: StoredVersion, key: OfferSigner | null, within: Queryable): Promise<OfferedRuleset | null>
  /** Of a version in force: signed, also when it was deployed before it was ever offered. */
  inForce(version: StoredVersion & { readonly signature: Uint8Array | null }): Promise<OfferedRuleset | null>
  /** The hash of the stored bytes, for the hash that an agent reports: it may be of what it was offered. */
  storedHash(scope: TenantScope, reported: string): Promise<string>
}

/** Hashes that are remembered; what an offer's hash stands for never changes. */
const MOST_REMEMBERED = 10_000

export function createOffers(deps: {
  store: OfferStore
  database: Database
  signing: { activeKey(scope: TenantScope, within: Queryable): Promise<OfferSigner | null> }
}): Offers {
  const { store, database, signing } = deps
  const remembered = new Map<string, string>()

  async function of(version: StoredVersion, within?: Queryable): Promise<OfferedRuleset | null> {
    const scope = scopeOfRecord(version)
    const before = await store.find(scope, version.id, within)
    if (before) return before
    const yamlBytes = offeredBytes(version.yamlBytes)
    if (yamlBytes === null) return null
    await store.insert(
      {
        bundleId: version.id,
        tenantId: version.tenantId,
        storedHash: version.revisionHash,
        revisionHash: createHash('sha256').update(yamlBytes).digest('hex'),
        yamlBytes,
        signature: null,
      },
      within,
    )
    return (await store.find(scope, version.id, within)) ?? null
  }

  async function signed(version: StoredVersion, key: OfferSigner | null, within: Queryable) {
    const offer = await of(version, within)
    if (offer === null || key === null) return offer
    if (offer.signature !== null && key.verifies(offer.yamlBytes, offer.signature)) return offer
    const signature = key.sign(offer.yamlBytes)
    await store.setSignature(scopeOfRecord(version), version.id, signature, within)
    return { ...offer, signature }
  }

  return {
    of,
    signed,
    async inForce(version) {
      const offer = await of(version)
      if (offer === null || offer.signature !== null || version.signature === null) return offer
      return database.db
        .transaction()
        .execute(async (within) => signed(version, await signing.activeKey(scopeOfRecord(version), within), within))
    },
    async storedHash(scope, reported) {
      const key = `${scope.tenantId}\n${reported}`
      const known = remembered.get(key)
      if (known !== undefined) return known
      const stored = await store.storedHash(scope, reported)
      if (stored === undefined) return reported
      if (remembered.size >= MOST_REMEMBERED) remembered.clear()
      remembered.set(key, stored)
      return stored
    },
  }
}

function offeredBytes(stored: Uint8Array): Uint8Array | null {
  const text = Buffer.from(stored).toString('utf8')
  try {
    const offered = offerRuleset(text)
    // What is offered as it was stored keeps its bytes, and with them the hash that everybody knows.
    return offered === text ? stored : Buffer.from(offered)
  } catch (error) {
    if (error instanceof EdictumConfigError) return null
    throw error
  }
}
