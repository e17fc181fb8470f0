import type { StreamLog } from '../../changes/stream-log.ts'
import { InvalidInput } from '../../errors.ts'
import type { UserCaller } from '../../identity/caller.ts'
import { scopeOf, type TenantScope } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Queryable } from '../../storage/database.ts'
import { type Micros, microsOf } from '../../storage/instants.ts'
import type { BundleStore } from '../bundles/store.ts'
import type { Offers } from '../rulesets/offers.ts'
import type { Signing, SigningKey } from '../signing/signing.ts'
import type { DeploymentStore } from './store.ts'

export interface Rotation {
  /** Hex. */
  readonly publicKey: string
  readonly rotatedAt: Micros
  /** How many bundle versions were signed anew. */
  readonly reSigned: number
}

/** Replace the signing key of the caller's tenant. */
export type RotateKey = (caller: UserCaller) => Promise<Rotation>

/**
 * Replace a tenant's signing key and sign every version that is deployed somewhere with the new one, in one transaction:
 * nobody ever reads a deployed bundle whose signature and public key do not belong together.
 */
export function createRotateKey(deps: {
  signing: Signing
  bundleStore: BundleStore
  offers: Pick<Offers, 'signed'>
  store: DeploymentStore
  log: StreamLog
  clock: Clock
  /** Keeps what keys sign the audit log. */
  ledger: {
    keyReplaced(scope: TenantScope, previous: SigningKey | null, current: SigningKey, within: Queryable): Promise<void>
  }
}): RotateKey {
  const { signing, bundleStore, offers, store, log, clock, ledger } = deps
  return (caller) =>
    log.transact(async (within, emit) => {
      const scope = scopeOf(caller)
      await store.lock(scope, within)
      const previous = await signing.activeKey(scope, within).catch(unlessSealed)
      const key = await signing.replaceKey(scope, within)
      await ledger.keyReplaced(scope, previous, key, within)
      const versions = new Map(
        (await store.current(scope, {}, within)).map((one) => [`${one.bundleVersion} ${one.bundleName}`, one]),
      )
      let reSigned = 0
      for (const { bundleName, bundleVersion } of versions.values()) {
        const bundle = await bundleStore.find(scope, bundleName, bundleVersion, within)
        if (!bundle) continue
        await bundleStore.setSignature(bundle.id, key.sign(bundle.yamlBytes), within)
        await offers.signed(bundle, key, within)
        reSigned++
      }
      const publicKey = Buffer.from(key.publicKey).toString('hex')
      emit({ tenantId: caller.tenantId, type: 'signing_key_rotated', data: { public_key: publicKey }, dashboard: true })
      return { publicKey, rotatedAt: microsOf(clock.now()), reSigned }
    })
}

/** A key that cannot be opened is replaced like any other; it can vouch for nothing. */
function unlessSealed(error: unknown): null {
  if (error instanceof InvalidInput) return null
  throw error
}
