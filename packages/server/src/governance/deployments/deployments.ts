import { InvalidInput } from '../../errors.ts'
import { actorOf, type UserCaller } from '../../http/caller.ts'
import type { Environment } from '../../identity/keys.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { Queryable } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import type { DeploymentRow } from '../../storage/schema.ts'
import type { BundleStore } from '../bundles/store.ts'
import type { Signing } from '../signing/signing.ts'
import type { Emit, StreamLog } from '../stream/log.ts'
import { contractUpdate, type SignatureEncoding } from './contract-update.ts'
import type { Deployment, DeploymentStore } from './store.ts'

/** A deployment as it is shown. */
export type DeploymentInfo = Omit<DeploymentRow, 'seq' | 'tenant_id'>

/** Which version goes where, and who says so. */
export interface DeploymentOrder {
  readonly tenantId: string
  readonly actor: string
  readonly name: string
  readonly version: number
  readonly env: string
}

export interface Deployments {
  /**
   * Put a version into force in an environment: sign it where its signature is missing or not by the active key, record the
   * deployment and tell agents and dashboards, all or nothing. @throws InvalidInput when there is no such
   * version, or nothing to sign it with.
   */
  deploy(caller: UserCaller, name: string, version: number, env: Environment): Promise<DeploymentInfo>
  /** As `deploy`, as a part of the transaction that runs. */
  deployWithin(order: DeploymentOrder, within: Queryable, emit: Emit): Promise<DeploymentInfo>
  /** Newest first. */
  list(
    caller: UserCaller,
    filter: { env?: string | undefined; bundleName?: string | undefined; limit: number },
  ): Promise<Deployment[]>
}

export function deployments(deps: {
  store: DeploymentStore
  bundles: BundleStore
  signing: Signing
  log: StreamLog
  clock: Clock
  random: Random
  signatureEncoding: SignatureEncoding
}): Deployments {
  const { store, bundles, signing, log, clock, random, signatureEncoding } = deps

  async function deployWithin(
    { tenantId, actor, name, version, env }: DeploymentOrder,
    within: Queryable,
    emit: Emit,
  ): Promise<DeploymentInfo> {
    await store.lock(tenantId, within)
    const bundle = await bundles.find(tenantId, name, version, within)
    if (!bundle) throw new InvalidInput(`Bundle '${name}' version ${version} not found`, 'bundle_not_found')
    const key = await signing.activeKey(tenantId, within)
    let { signature } = bundle
    if (key === null && signature === null) throw new InvalidInput('No active signing key for tenant', 'no_signing_key')
    if (key !== null && (signature === null || !key.verifies(bundle.yaml_bytes, signature))) {
      signature = key.sign(bundle.yaml_bytes)
      await bundles.setSignature(bundle.id, signature, within)
    }
    const deployment = {
      id: random.uuid(),
      env,
      bundle_name: name,
      bundle_version: version,
      deployed_by: actor,
      created_at: microsOf(clock.now()),
    }
    await store.insert({ ...deployment, tenant_id: tenantId }, within)
    emit({
      tenantId,
      type: 'contract_update',
      data: contractUpdate({ ...bundle, signature }, key?.publicKey ?? null, signatureEncoding),
      env,
      bundleName: name,
      dashboard: true,
    })
    emit({
      tenantId,
      type: 'bundle_deployed',
      data: { bundle_name: name, version, env, deployed_by: actor },
      dashboard: true,
    })
    return deployment
  }

  return {
    deploy(caller, name, version, env) {
      const order = { tenantId: caller.tenantId, actor: actorOf(caller), name, version, env }
      return log.transact((within, emit) => deployWithin(order, within, emit))
    },
    deployWithin,
    list: (caller, filter) => store.list(caller.tenantId, filter),
  }
}
