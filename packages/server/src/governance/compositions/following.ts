import type { Emit } from '../../changes/stream-log.ts'
import { DomainError } from '../../errors.ts'
import { actorOf, type UserCaller } from '../../identity/caller.ts'
import { scopeOf, scopeOfRecord } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { Queryable } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import type { Contract, ContractStore } from '../contracts/store.ts'
import type { Followers, Redeployment } from '../contracts/uses.ts'
import { assembleComposition, requireSound } from './assembly.ts'
import type { Deployer } from './redeploy.ts'
import type { Composition, CompositionItem, CompositionStore, PinnedItem } from './store.ts'

const POSITION_STEP = 10

export function createFollowers(deps: {
  store: CompositionStore
  contractStore: ContractStore
  deployer: Deployer
  clock: Clock
  random: Random
}): Followers {
  const { store, contractStore, deployer, clock, random } = deps

  /** The items as they would be with the newest versions; `changed` are the ones that differ. */
  async function followed(composition: Composition, contractIds: ReadonlySet<string>, within: Queryable) {
    const items = await store.items(composition.id, within)
    const changed: CompositionItem[] = []
    const next: CompositionItem[] = []
    for (const item of items) {
      const latest = contractIds.has(item.contractId)
        ? await contractStore.findLatest(scopeOfRecord(composition), item.contractId, within)
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
    const environments = changed.some((item) => item.enabled) ? await deployer.environmentsOf(composition, within) : []
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
    for (const item of changed) await store.pin(composition.id, item.contractId, item, within)
    await store.update(composition.id, { updatedAt: microsOf(clock.now()) }, within)
    if (assembled === null) {
      const data = { composition_name: composition.name }
      emit({ tenantId: composition.tenantId, type: 'composition_changed', data, dashboard: true })
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
      for (const composition of await store.followersOf(scopeOf(caller), contractIds, within)) {
        const report = await follow(caller, composition, ids, within, emit)
        if (report !== null) redeployed.push(report)
      }
      return redeployed
    },

    async composeImported(caller, bundle, contractIds, within, emit) {
      const { tenantId } = caller
      if (await store.find(scopeOf(caller), bundle.name, within)) return false
      const now = microsOf(clock.now())
      const id = random.uuid()
      await store.insert(
        {
          id,
          tenantId,
          name: bundle.name,
          description: 'Auto-created from YAML import',
          defaultsMode: bundle.defaultsMode,
          updateStrategy: 'manual',
          toolsConfig: bundle.tools,
          observability: bundle.observability,
          createdBy: actorOf(caller),
          createdAt: now,
          updatedAt: now,
        },
        within,
      )
      const items: PinnedItem[] = []
      for (const [index, contractId] of contractIds.entries()) {
        const latest = await contractStore.findLatest(scopeOf(caller), contractId, within)
        items.push({
          contractId,
          pinnedVersion: latest?.version ?? 1,
          observedVersion: null,
          position: (index + 1) * POSITION_STEP,
          modeOverride: null,
          enabled: true,
        })
      }
      await store.replaceItems(scopeOf(caller), id, items, within)
      emit({ tenantId, type: 'composition_changed', data: { composition_name: bundle.name }, dashboard: true })
      return true
    },
  }
}

/** An item as it is once the contract's latest version is taken up; the same item when there is nothing to take up. */
function followItem(
  { updateStrategy }: Composition,
  item: CompositionItem,
  latest: Pick<Contract, 'version' | 'definition'>,
): CompositionItem {
  if (latest.version === item.pinnedVersion && item.observedVersion === null) return item
  // A version that only renames the contract decides nothing differently: there is nothing to observe first.
  const isObserved =
    updateStrategy === 'observe_first' && JSON.stringify(latest.definition) !== JSON.stringify(item.definition)
  return isObserved
    ? { ...item, observedVersion: latest.version, observedDefinition: latest.definition }
    : {
        ...item,
        pinnedVersion: latest.version,
        definition: latest.definition,
        observedVersion: null,
        observedDefinition: null,
      }
}
