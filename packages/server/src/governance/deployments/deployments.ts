import type { Idempotency, OnceKey } from '../../changes/idempotency/idempotency.ts'
import type { Emit, StreamLog } from '../../changes/stream-log.ts'
import { InvalidInput } from '../../errors.ts'
import { actorOf, type SignatureText, type UserCaller } from '../../identity/caller.ts'
import type { Environment } from '../../identity/keys.ts'
import { scopeOf, scopeOfRecord } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { Queryable } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import type { BundleStore } from '../bundles/store.ts'
import type { Offers } from '../rulesets/offers.ts'
import type { Signing } from '../signing/signing.ts'
import { contractUpdate, rulesetUpdate } from './contract-update.ts'
import type { Deployment, DeploymentStore } from './store.ts'

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
   * deployment and tell agents and dashboards, all or nothing; with `once`, one deployment for all repetitions of the request.
   * @throws InvalidInput when there is no such version, or nothing to sign it with.
   */
  deploy(
    caller: UserCaller,
    name: string,
    version: number,
    env: Environment,
    once?: OnceKey | null,
  ): Promise<Deployment>
  /** As `deploy`, as a part of the transaction that runs. */
  deployWithin(order: DeploymentOrder, within: Queryable, emit: Emit): Promise<Deployment>
  /** Newest first. */
  list(
    caller: UserCaller,
    filter: { env?: string | undefined; bundleName?: string | undefined; limit: number },
  ): Promise<Deployment[]>
}

export function createDeployments(deps: {
  store: DeploymentStore
  bundleStore: BundleStore
  signing: Signing
  offers: Pick<Offers, 'signed'>
  log: StreamLog
  idempotency: Idempotency
  clock: Clock
  random: Random
  signatureEncoding: SignatureText
}): Deployments {
  const { store, bundleStore, signing, offers, log, idempotency, clock, random, signatureEncoding } = deps

  async function deployWithin(
    { tenantId, actor, name, version, env }: DeploymentOrder,
    within: Queryable,
    emit: Emit,
  ): Promise<Deployment> {
    const scope = scopeOfRecord({ tenantId })
    await store.lock(scope, within)
    const bundle = await bundleStore.find(scope, name, version, within)
    if (!bundle) throw new InvalidInput(`Bundle '${name}' version ${version} not found`, 'bundle_not_found')
    const key = await signing.activeKey(scope, within)
    let { signature } = bundle
    if (key === null && signature === null) throw new InvalidInput('No active signing key for tenant', 'no_signing_key')
    if (key !== null && (signature === null || !key.verifies(bundle.yamlBytes, signature))) {
      signature = key.sign(bundle.yamlBytes)
      await bundleStore.setSignature(bundle.id, signature, within)
    }
    const deployment: Deployment = {
      id: random.uuid(),
      tenantId,
      env,
      bundleName: name,
      bundleVersion: version,
      deployedBy: actor,
      createdAt: microsOf(clock.now()),
    }
    await store.insert(deployment, within)
    emit({
      tenantId,
      type: 'contract_update',
      data: contractUpdate({ ...bundle, signature }, key?.publicKey ?? null, signatureEncoding),
      env,
      bundleName: name,
      dashboard: true,
    })
    const offer = await offers.signed(bundle, key, within)
    if (offer)
      emit({
        tenantId,
        type: 'ruleset_update',
        data: rulesetUpdate(bundle, offer, key?.publicKey ?? null),
        env,
        bundleName: name,
        dashboard: false,
      })
    emit({ tenantId, type: 'ruleset_updated', data: { name, version }, env, dashboard: false })
    emit({
      tenantId,
      type: 'bundle_deployed',
      data: { bundle_name: name, version, env, deployed_by: actor },
      dashboard: true,
    })
    return deployment
  }

  return {
    deploy(caller, name, version, env, once = null) {
      const order = { tenantId: caller.tenantId, actor: actorOf(caller), name, version, env }
      return log.transact((within, emit) => idempotency.once(once, within, () => deployWithin(order, within, emit)))
    },
    deployWithin,
    list: (caller, filter) => store.list(scopeOf(caller), filter),
  }
}
