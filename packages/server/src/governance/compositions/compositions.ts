import type { Idempotency, OnceKey } from '../../changes/idempotency/idempotency.ts'
import type { Emit, StreamLog } from '../../changes/stream-log.ts'
import { Conflict, InvalidInput, NotFound } from '../../errors.ts'
import { actorOf, type UserCaller } from '../../identity/caller.ts'
import type { Environment } from '../../identity/keys.ts'
import { scopeOf, type TenantScope } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { Queryable } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import type { BundleStore } from '../bundles/store.ts'
import type { ContractStore } from '../contracts/store.ts'
import { assembleComposition, type CheckedAssembly, checkAssembly, requireSound } from './assembly.ts'
import type { ComposedDeployment, Deployer } from './redeploy.ts'
import type { Composition, CompositionItem, CompositionStore, PinnedItem } from './store.ts'

export type DefaultsMode = 'enforce' | 'observe'
export type UpdateStrategy = 'manual' | 'auto_deploy' | 'observe_first'

export interface ItemInput {
  readonly contractId: string
  readonly position: number
  readonly modeOverride: DefaultsMode | null
  readonly enabled: boolean
}

export interface CompositionInput {
  readonly description: string | null
  readonly defaultsMode: DefaultsMode
  readonly updateStrategy: UpdateStrategy
  readonly contracts: readonly ItemInput[]
  readonly toolsConfig: Readonly<Record<string, unknown>> | null
  readonly observability: Readonly<Record<string, unknown>> | null
}

/** Absent means unchanged; a description or configuration cannot be cleared. */
export type CompositionChange = {
  readonly [K in keyof CompositionInput]?: NonNullable<CompositionInput[K]> | undefined
}

export interface CompositionView {
  readonly composition: Composition
  /** By position. */
  readonly items: readonly CompositionItem[]
}

export interface Promotion extends CompositionView {
  readonly promoted: readonly { readonly contractId: string; readonly version: number }[]
  /** Null when the composition is deployed nowhere. */
  readonly deployed: ComposedDeployment | null
}

/** Recipes of bundles. Every item is pinned to one version of its contract. */
export interface Compositions {
  /** Newest change first. */
  list(caller: UserCaller): Promise<(Composition & { contractCount: number })[]>
  /** @throws Conflict for a name that is taken, InvalidInput for a contract that is not there or there twice. */
  create(caller: UserCaller, name: string, input: CompositionInput): Promise<CompositionView>
  /** @throws NotFound */
  get(caller: UserCaller, name: string): Promise<CompositionView>
  /** Given contracts replace all items, each pinned to its latest version. @throws NotFound, InvalidInput */
  update(caller: UserCaller, name: string, change: CompositionChange): Promise<CompositionView>
  /** The bundles made from it stay. @throws NotFound */
  remove(caller: UserCaller, name: string): Promise<void>
  /** Assemble and check, without keeping anything; null when no item is enabled. @throws NotFound */
  preview(caller: UserCaller, name: string): Promise<{ assembly: CheckedAssembly | null; enabled: number }>
  /**
   * Assemble, check, sign, keep and deploy, all or nothing; with `once`, one time for all repetitions of the request.
   * @throws NotFound, InvalidInput with every problem.
   */
  deploy(caller: UserCaller, name: string, env: Environment, once?: OnceKey | null): Promise<ComposedDeployment>
  /**
   * Let observed versions take the place of the pinned ones, all or of one contract, and deploy where the composition is
   * deployed; with `once`, one time for all repetitions of the request.
   * @throws NotFound, Conflict when none is observed, InvalidInput
   */
  promote(caller: UserCaller, name: string, contractId: string | null, once?: OnceKey | null): Promise<Promotion>
}

export function createCompositions(deps: {
  store: CompositionStore
  contractStore: ContractStore
  bundleStore: BundleStore
  deployer: Deployer
  log: StreamLog
  idempotency: Idempotency
  clock: Clock
  random: Random
}): Compositions {
  const { store, contractStore, bundleStore, deployer, log, idempotency, clock, random } = deps

  async function require(scope: TenantScope, name: string, within?: Queryable): Promise<Composition> {
    const composition = await store.find(scope, name, within)
    if (!composition) throw new NotFound(`Composition '${name}' not found`)
    return composition
  }

  const changed = ({ tenantId, name }: Pick<Composition, 'tenantId' | 'name'>) => ({
    tenantId,
    type: 'composition_changed' as const,
    data: { composition_name: name },
    dashboard: true,
  })

  /** The items, each pinned to the latest version there is now. */
  async function pinned(scope: TenantScope, items: readonly ItemInput[], within: Queryable): Promise<PinnedItem[]> {
    const seen = new Set<string>()
    const pinnedItems: PinnedItem[] = []
    for (const { contractId, position, modeOverride, enabled } of items) {
      if (seen.has(contractId))
        throw new InvalidInput(`Contract '${contractId}' stands in the composition twice`, 'duplicate_contract')
      seen.add(contractId)
      const latest = await contractStore.findLatest(scope, contractId, within)
      if (!latest) throw new InvalidInput(`Contract '${contractId}' not found`, 'contract_not_found')
      pinnedItems.push({
        contractId,
        pinnedVersion: latest.version,
        observedVersion: null,
        position,
        modeOverride,
        enabled,
      })
    }
    return pinnedItems
  }

  async function view(composition: Composition): Promise<CompositionView> {
    return { composition, items: await store.items(composition.id) }
  }

  async function deploy(
    caller: UserCaller,
    name: string,
    env: Environment,
    within: Queryable,
    emit: Emit,
  ): Promise<ComposedDeployment> {
    await contractStore.lock(scopeOf(caller), within)
    const composition = await require(scopeOf(caller), name, within)
    const assembled = requireSound(assembleComposition(composition, await store.items(composition.id, within)))
    return deployer.deploy({ composition, assembled, actor: actorOf(caller), environments: [env] }, within, emit)
  }

  async function promote(
    caller: UserCaller,
    name: string,
    contractId: string | null,
    within: Queryable,
    emit: Emit,
  ): Promise<Omit<Promotion, keyof CompositionView>> {
    await contractStore.lock(scopeOf(caller), within)
    const composition = await require(scopeOf(caller), name, within)
    const items = await store.items(composition.id, within)
    if (contractId !== null && !items.some((item) => item.contractId === contractId))
      throw new NotFound(`Contract '${contractId}' is not in composition '${name}'`)
    const promoted = []
    const next: CompositionItem[] = []
    for (const item of items) {
      const isMeant = contractId === null || item.contractId === contractId
      const { observedVersion, observedDefinition } = item
      if (!isMeant || observedVersion === null || observedDefinition === null) {
        next.push(item)
        continue
      }
      promoted.push({ contractId: item.contractId, version: observedVersion })
      const versions = { pinnedVersion: observedVersion, observedVersion: null }
      next.push({ ...item, ...versions, definition: observedDefinition, observedDefinition: null })
      await store.pin(composition.id, item.contractId, versions, within)
    }
    if (promoted.length === 0)
      throw new Conflict(`Composition '${name}' observes no newer version${contractId ? ` of '${contractId}'` : ''}.`)
    await store.update(composition.id, { updatedAt: microsOf(clock.now()) }, within)
    const environments = await deployer.environmentsOf(composition, within)
    if (environments.length === 0) {
      emit(changed(composition))
      return { promoted, deployed: null }
    }
    const order = {
      composition,
      assembled: requireSound(assembleComposition(composition, next)),
      actor: actorOf(caller),
      environments,
    }
    return { promoted, deployed: await deployer.deploy(order, within, emit) }
  }

  return {
    list: (caller) => store.list(scopeOf(caller)),

    async create(caller, name, input) {
      const now = microsOf(clock.now())
      const { contracts, ...settings } = input
      const composition: Composition = {
        ...settings,
        id: random.uuid(),
        tenantId: caller.tenantId,
        name,
        createdBy: actorOf(caller),
        createdAt: now,
        updatedAt: now,
      }
      await log.transact(async (within, emit) => {
        await contractStore.lock(scopeOf(caller), within)
        if (await store.find(scopeOf(caller), name, within)) throw new Conflict(`Composition '${name}' already exists.`)
        await store.insert(composition, within)
        const items = await pinned(scopeOf(caller), contracts, within)
        await store.replaceItems(scopeOf(caller), composition.id, items, within)
        emit(changed(composition))
      })
      return view(await require(scopeOf(caller), name))
    },

    get: async (caller, name) => view(await require(scopeOf(caller), name)),

    async update(caller, name, { contracts, ...change }) {
      await log.transact(async (within, emit) => {
        await contractStore.lock(scopeOf(caller), within)
        const composition = await require(scopeOf(caller), name, within)
        await store.update(composition.id, { ...change, updatedAt: microsOf(clock.now()) }, within)
        if (contracts) {
          const items = await pinned(scopeOf(caller), contracts, within)
          await store.replaceItems(scopeOf(caller), composition.id, items, within)
        }
        emit(changed(composition))
      })
      return view(await require(scopeOf(caller), name))
    },

    remove: (caller, name) =>
      log.transact(async (within, emit) => {
        await contractStore.lock(scopeOf(caller), within)
        const composition = await require(scopeOf(caller), name, within)
        await bundleStore.forgetComposition(scopeOf(caller), composition.id, within)
        await store.remove(composition.id, within)
        emit(changed(composition))
      }),

    async preview(caller, name) {
      const composition = await require(scopeOf(caller), name)
      const items = await store.items(composition.id)
      const assembled = assembleComposition(composition, items)
      return {
        assembly: assembled === null ? null : checkAssembly(assembled),
        enabled: items.filter((item) => item.enabled).length,
      }
    },

    deploy: (caller, name, env, once = null) =>
      log.transact((within, emit) => idempotency.once(once, within, () => deploy(caller, name, env, within, emit))),

    async promote(caller, name, contractId, once = null) {
      const promotion = await log.transact((within, emit) =>
        idempotency.once(once, within, () => promote(caller, name, contractId, within, emit)),
      )
      return { ...(await view(await require(scopeOf(caller), name))), ...promotion }
    },
  }
}
