import type { UserCaller } from '../../http/caller.ts'
import type { Clock } from '../../ports/clock.ts'
import { type Micros, microsOf } from '../../storage/instants.ts'
import type { BundleStore } from '../bundles/store.ts'
import type { DeploymentStore } from '../deployments/store.ts'
import type { StreamLog } from '../stream/log.ts'
import type { Signing } from './signing.ts'

export interface Rotation {
  /** Hex. */
  readonly publicKey: string
  readonly rotatedAt: Micros
  /** How many bundle versions were signed anew. */
  readonly reSigned: number
}

/**
 * Replace a tenant's signing key and sign every version that is deployed somewhere with the new one, in one transaction:
 * nobody ever reads a deployed bundle whose signature and public key do not belong together (console-api §7).
 */
export function keyRotation(deps: {
  signing: Signing
  bundles: BundleStore
  deployments: DeploymentStore
  log: StreamLog
  clock: Clock
}) {
  const { signing, bundles, deployments, log, clock } = deps
  return ({ tenantId }: UserCaller): Promise<Rotation> =>
    log.transact(async (within, emit) => {
      await deployments.lock(tenantId, within)
      const key = await signing.replaceKey(tenantId, within)
      const versions = new Map(
        (await deployments.current(tenantId, {}, within)).map((one) => [
          `${one.bundle_version} ${one.bundle_name}`,
          one,
        ]),
      )
      let reSigned = 0
      for (const { bundle_name, bundle_version } of versions.values()) {
        const bundle = await bundles.find(tenantId, bundle_name, bundle_version, within)
        if (!bundle) continue
        await bundles.setSignature(bundle.id, key.sign(bundle.yaml_bytes), within)
        reSigned++
      }
      const publicKey = Buffer.from(key.publicKey).toString('hex')
      emit({ tenantId, type: 'signing_key_rotated', data: { public_key: publicKey }, dashboard: true })
      return { publicKey, rotatedAt: microsOf(clock.now()), reSigned }
    })
}
