import { DomainError } from '../../errors.ts'
import { actorOf, type UserCaller } from '../../http/caller.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { Queryable } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import type { DecomposedBundle } from '../contracts/decompose.ts'
import type { ContractStore } from '../contracts/store.ts'
import type { Emit } from '../stream/log.ts'
import { assembleComposition, requireSound } from './assembly.ts'
import type { CompositionDeployer } from './redeploy.ts'
import type { Composition, CompositionItem, CompositionStore } from './store.ts'

/** How a composition took up new versions of its contracts. */
export interface Redeployment {
  readonly compositionName: string
  /** Null when nothing was deployed. */
  readonly bundleVersion: number | null
  readonly environments: readonly string[]
  /** Why the composition stayed as it was, or null. */
  readonly problem: string | null
}

/** What changes of the library do to compositions, within the transaction of the change (decision D11). */
export interface Followers {
  /**
   * New versions of these contracts exist. `auto_deploy` compositions pin them; `observe_first` ones observe them beside the
   * pinned version; either is deployed again where it is deployed. One that could not be assembled stays as it was and says why.
   */
  contractsChanged(
    caller: UserCaller,
    contractIds: readonly string[],
    within: Queryable,
    emit: Emit,
  ): Promise<Redeployment[]>
  /** A composition of an imported bundle's contracts, unless one of that name is there; whether it was made. */
  composeImported(
    caller: UserCaller,
    bundle: DecomposedBundle,
    contractIds: readonly string[],
    within: Queryable,
    emit: Emit,
  ): Promise<boolean>
}

const POSITION_STEP = 10

export function followers(deps: {
  store: CompositionStore
  contracts: ContractStore
  deployer: CompositionDeployer
  clock: Clock
  random: Random
}): Followers {
  const { store, contracts, deployer, clock, random } = deps

  /** The items as they would be with the newest versions; `changed` are the ones that differ. */
  async function followed(composition: Composition, contractIds: ReadonlySet<string>, within: Queryable) {
    const items = await store.items(composition.id, within)
    const changed: CompositionItem[] = []
    const next: CompositionItem[] = []
    for (const item of items) {
      const latest = contractIds.has(item.contract_id)
        ? await contracts.findLatest(composition.tenant_id, item.contract_id, within)
        : undefined
      const now = latest ? followItem(composition, item, latest) : item
      if (now !== item) changed.push(now)
      next.push(now)
    }
    return { next, changed }
  }

  async function follow(
    caller: UserCaller,
    composition: Composition,
    contractIds: ReadonlySet<string>,
    within: Queryable,
    emit: Emit,
  ): Promise<Redeployment | null> {
    const { next, changed } = await followed(composition, contractIds, within)
    if (changed.length === 0) return null
    const environments = changed.some((item) => item.enabled === 1)
      ? await deployer.environmentsOf(composition, within)
      : []
    const report = { compositionName: composition.name, bundleVersion: null, environments, problem: null }
    // Nothing is written before the assembly is known to be sound: a composition that cannot follow stays as it was.
    let assembled: ReturnType<typeof requireSound> | null = null
    if (environments.length > 0) {
      try {
        assembled = requireSound(assembleComposition(composition, next))
      } catch (error) {
        if (!(error instanceof DomainError)) throw error
        return { ...report, environments: [], problem: error.message }
      }
    }
    for (const { contract_id, pinned_version, observed_version } of changed)
      await store.pin(composition.id, contract_id, { pinned_version, observed_version }, within)
    await store.update(composition.id, { updated_at: microsOf(clock.now()) }, within)
    if (assembled === null) {
      const data = { composition_name: composition.name }
      emit({ tenantId: composition.tenant_id, type: 'composition_changed', data, dashboard: true })
      return report
    }
    const order = { composition, assembled, actor: actorOf(caller), environments }
    const { bundleVersion } = await deployer.deploy(order, within, emit)
    return { ...report, bundleVersion }
  }

  return {
    async contractsChanged(caller, contractIds, within, emit) {
      const ids = new Set(contractIds)
      const redeployed: Redeployment[] = []
      for (const composition of await store.followersOf(caller.tenantId, contractIds, within)) {
        const report = await follow(caller, composition, ids, within, emit)
        if (report !== null) redeployed.push(report)
      }
      return redeployed
    },

    async composeImported(caller, bundle, contractIds, within, emit) {
      const { tenantId } = caller
      if (await store.find(tenantId, bundle.name, within)) return false
      const now = microsOf(clock.now())
      const id = random.uuid()
      await store.insert(
        {
          id,
          tenant_id: tenantId,
          name: bundle.name,
          description: 'Auto-created from YAML import',
          defaults_mode: bundle.defaultsMode,
          update_strategy: 'manual',
          tools_config: bundle.tools === null ? null : JSON.stringify(bundle.tools),
          observability: bundle.observability === null ? null : JSON.stringify(bundle.observability),
          created_by: actorOf(caller),
          created_at: now,
          updated_at: now,
        },
        within,
      )
      const rows = []
      for (const [index, contract_id] of contractIds.entries()) {
        const latest = await contracts.findLatest(tenantId, contract_id, within)
        rows.push({
          tenant_id: tenantId,
          composition_id: id,
          contract_id,
          pinned_version: latest?.version ?? 1,
          observed_version: null,
          position: (index + 1) * POSITION_STEP,
          mode_override: null,
          enabled: 1,
        })
      }
      await store.replaceItems(id, rows, within)
      emit({ tenantId, type: 'composition_changed', data: { composition_name: bundle.name }, dashboard: true })
      return true
    },
  }
}

/** An item as it is once the contract's latest version is taken up; the same item when there is nothing to take up. */
function followItem(
  { update_strategy }: Composition,
  item: CompositionItem,
  latest: { version: number; definition: string },
): CompositionItem {
  if (latest.version === item.pinned_version && item.observed_version === null) return item
  // A version that only renames the contract decides nothing differently: there is nothing to observe first.
  const isObserved = update_strategy === 'observe_first' && latest.definition !== item.definition
  return isObserved
    ? { ...item, observed_version: latest.version, observed_definition: latest.definition }
    : {
        ...item,
        pinned_version: latest.version,
        definition: latest.definition,
        observed_version: null,
        observed_definition: null,
      }
}
