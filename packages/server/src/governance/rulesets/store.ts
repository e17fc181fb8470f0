import type { Selectable } from 'kysely'
import type { TenantScope } from '../../identity/scope.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import type { OfferedRulesetRow } from '../../storage/schema.ts'

/** A bundle version as agents that read only rulesets are given it. */
export interface OfferedRuleset {
  readonly bundleId: string
  readonly tenantId: string
  /** Lower-case hex SHA-256 of the stored bytes. */
  readonly storedHash: string
  /** Lower-case hex SHA-256 of `yamlBytes`; these agents report it as their policy version. */
  readonly revisionHash: string
  readonly yamlBytes: Uint8Array
  /** Ed25519 over `yamlBytes`; null before the first deployment. */
  readonly signature: Uint8Array | null
}

export interface OfferStore {
  find(scope: TenantScope, bundleId: string, within?: Queryable): Promise<OfferedRuleset | undefined>
  /** Keep it unless there is one: what was offered once never changes. */
  insert(offer: OfferedRuleset, within?: Queryable): Promise<void>
  setSignature(scope: TenantScope, bundleId: string, signature: Uint8Array, within?: Queryable): Promise<void>
  /** The hash of the stored bytes of what is offered under this hash. */
  storedHash(scope: TenantScope, revisionHash: string, within?: Queryable): Promise<string | undefined>
}

export function createOfferStore({ db }: Database): OfferStore {
  return {
    async find({ tenantId }, bundleId, within = db) {
      const row = await within
        .selectFrom('offered_rulesets')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('bundle_id', '=', bundleId)
        .executeTakeFirst()
      return row && offerOf(row)
    },
    async insert(offer, within = db) {
      await within
        .insertInto('offered_rulesets')
        .values({
          bundle_id: offer.bundleId,
          tenant_id: offer.tenantId,
          stored_hash: offer.storedHash,
          revision_hash: offer.revisionHash,
          yaml_bytes: offer.yamlBytes,
          signature: offer.signature,
        })
        .onConflict((conflict) => conflict.column('bundle_id').doNothing())
        .execute()
    },
    async setSignature({ tenantId }, bundleId, signature, within = db) {
      await within
        .updateTable('offered_rulesets')
        .set({ signature })
        .where('tenant_id', '=', tenantId)
        .where('bundle_id', '=', bundleId)
        .execute()
    },
    async storedHash({ tenantId }, revisionHash, within = db) {
      const row = await within
        .selectFrom('offered_rulesets')
        .select('stored_hash')
        .where('tenant_id', '=', tenantId)
        .where('revision_hash', '=', revisionHash)
        .limit(1)
        .executeTakeFirst()
      return row?.stored_hash
    },
  }
}

const offerOf = (row: Selectable<OfferedRulesetRow>): OfferedRuleset => ({
  bundleId: row.bundle_id,
  tenantId: row.tenant_id,
  storedHash: row.stored_hash,
  revisionHash: row.revision_hash,
  yamlBytes: row.yaml_bytes,
  signature: row.signature,
})
