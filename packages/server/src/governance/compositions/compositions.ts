import { Conflict, InvalidInput, NotFound } from '../../errors.ts'
import { actorOf, type UserCaller } from '../../http/caller.ts'
import type { Environment } from '../../identity/keys.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { Queryable } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import type { BundleStore } from '../bundles/store.ts'
import type { ContractStore } from '../contracts/store.ts'
import type { StreamLog } from '../stream/log.ts'
import { assembleComposition, type CheckedAssembly, checkAssembly, requireSound } from './assembly.ts'
import type { ComposedDeployment, CompositionDeployer } from './redeploy.ts'
import type { Composition, CompositionItem, CompositionStore } from './store.ts'

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
  readonly row: Composition
  /** By position. */
  readonly items: readonly CompositionItem[]
}

export interface Promotion extends CompositionView {
  readonly promoted: readonly { readonly contractId: string; readonly version: number }[]
  /** Null when the composition is deployed nowhere. */
  readonly deployed: ComposedDeployment | null
}

/** Recipes of bundles (console-api §8.2.9 to 8.2.17). Every item is pinned to one version of its contract. */
export interface Compositions {
  /** Newest change first. */
  list(caller: UserCaller): Promise<(Composition & { contract_count: number })[]>
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
  /** Assemble, check, sign, keep and deploy, all or nothing. @throws NotFound, InvalidInput with every problem. */
  deploy(caller: UserCaller, name: string, env: Environment): Promise<ComposedDeployment>
  /**
   * Let observed versions take the place of the pinned ones, all or of one contract, and deploy where the composition is
   * deployed (decision D11). @throws NotFound, Conflict when none is observed, InvalidInput
   */
  promote(caller: UserCaller, name: string, contractId: string | null): Promise<Promotion>
}

export function compositions(deps: {
  store: CompositionStore
  contracts: ContractStore
  bundles: BundleStore
  deployer: CompositionDeployer
  log: StreamLog
  clock: Clock
  random: Random
}): Compositions {
  const { store, contracts, bundles, deployer, log, clock, random } = deps

  async function require(tenantId: string, name: string, within?: Queryable): Promise<Composition> {
    const row = await store.find(tenantId, name, within)
    if (!row) throw new NotFound(`Composition '${name}' not found`)
    return row
  }

  const changed = ({ tenant_id, name }: { tenant_id: string; name: string }) => ({
    tenantId: tenant_id,
    type: 'composition_changed',
    data: { composition_name: name },
    dashboard: true,
  })

  /** Rows of the items, each pinned to the latest version there is now. */
  async function pinned(tenantId: string, compositionId: string, items: readonly ItemInput[], within: Queryable) {
    const seen = new Set<string>()
    const rows = []
    for (const { contractId, position, modeOverride, enabled } of items) {
      if (seen.has(contractId))
        throw new InvalidInput(`Contract '${contractId}' stands in the composition twice`, 'duplicate_contract')
      seen.add(contractId)
      const latest = await contracts.findLatest(tenantId, contractId, within)
      if (!latest) throw new InvalidInput(`Contract '${contractId}' not found`, 'contract_not_found')
      rows.push({
        tenant_id: tenantId,
        composition_id: compositionId,
        contract_id: contractId,
        pinned_version: latest.version,
        observed_version: null,
        position,
        mode_override: modeOverride,
        enabled: enabled ? 1 : 0,
      })
    }
    return rows
  }

  async function view(row: Composition): Promise<CompositionView> {
    return { row, items: await store.items(row.id) }
  }

  return {
    list: ({ tenantId }) => store.list(tenantId),

    async create(caller, name, input) {
      const { tenantId } = caller
      const now = microsOf(clock.now())
      const row = {
        id: random.uuid(),
        tenant_id: tenantId,
        name,
        ...columnsOf(input),
        created_by: actorOf(caller),
        created_at: now,
        updated_at: now,
      }
      await log.transact(async (within, emit) => {
        await contracts.lock(tenantId, within)
        if (await store.find(tenantId, name, within)) throw new Conflict(`Composition '${name}' already exists.`)
        await store.insert(row, within)
        await store.replaceItems(row.id, await pinned(tenantId, row.id, input.contracts, within), within)
        emit(changed(row))
      })
      return view(await require(tenantId, name))
    },

    get: async ({ tenantId }, name) => view(await require(tenantId, name)),

    async update({ tenantId }, name, change) {
      await log.transact(async (within, emit) => {
        await contracts.lock(tenantId, within)
        const row = await require(tenantId, name, within)
        await store.update(row.id, { ...changedColumnsOf(change), updated_at: microsOf(clock.now()) }, within)
        if (change.contracts)
          await store.replaceItems(row.id, await pinned(tenantId, row.id, change.contracts, within), within)
        emit(changed(row))
      })
      return view(await require(tenantId, name))
    },

    remove: ({ tenantId }, name) =>
      log.transact(async (within, emit) => {
        await contracts.lock(tenantId, within)
        const row = await require(tenantId, name, within)
        await bundles.forgetComposition(tenantId, row.id, within)
        await store.remove(row.id, within)
        emit(changed(row))
      }),

    async preview({ tenantId }, name) {
      const row = await require(tenantId, name)
      const items = await store.items(row.id)
      const assembled = assembleComposition(row, items)
      return {
        assembly: assembled === null ? null : checkAssembly(assembled),
        enabled: items.filter((item) => item.enabled === 1).length,
      }
    },

    deploy: (caller, name, env) =>
      log.transact(async (within, emit) => {
        await contracts.lock(caller.tenantId, within)
        const composition = await require(caller.tenantId, name, within)
        const assembled = requireSound(assembleComposition(composition, await store.items(composition.id, within)))
        return deployer.deploy({ composition, assembled, actor: actorOf(caller), environments: [env] }, within, emit)
      }),

    async promote(caller, name, contractId) {
      const { tenantId } = caller
      const { promoted, deployed } = await log.transact(async (within, emit) => {
        await contracts.lock(tenantId, within)
        const composition = await require(tenantId, name, within)
        const items = await store.items(composition.id, within)
        if (contractId !== null && !items.some((item) => item.contract_id === contractId))
          throw new NotFound(`Contract '${contractId}' is not in composition '${name}'`)
        const promoted = []
        const next: CompositionItem[] = []
        for (const item of items) {
          const isMeant = contractId === null || item.contract_id === contractId
          const { observed_version, observed_definition } = item
          if (!isMeant || observed_version === null || observed_definition === null) {
            next.push(item)
            continue
          }
          promoted.push({ contractId: item.contract_id, version: observed_version })
          const versions = { pinned_version: observed_version, observed_version: null }
          next.push({ ...item, ...versions, definition: observed_definition, observed_definition: null })
          await store.pin(composition.id, item.contract_id, versions, within)
        }
        if (promoted.length === 0)
          throw new Conflict(
            `Composition '${name}' observes no newer version${contractId ? ` of '${contractId}'` : ''}.`,
          )
        await store.update(composition.id, { updated_at: microsOf(clock.now()) }, within)
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
      })
      return { ...(await view(await require(tenantId, name))), promoted, deployed }
    },
  }
}

function columnsOf(input: CompositionInput) {
  return {
    description: input.description,
    defaults_mode: input.defaultsMode,
    update_strategy: input.updateStrategy,
    tools_config: jsonOrNull(input.toolsConfig),
    observability: jsonOrNull(input.observability),
  }
}

function changedColumnsOf({
  description,
  defaultsMode,
  updateStrategy,
  toolsConfig,
  observability,
}: CompositionChange) {
  return {
    ...(description === undefined ? {} : { description }),
    ...(defaultsMode === undefined ? {} : { defaults_mode: defaultsMode }),
    ...(updateStrategy === undefined ? {} : { update_strategy: updateStrategy }),
    ...(toolsConfig === undefined ? {} : { tools_config: JSON.stringify(toolsConfig) }),
    ...(observability === undefined ? {} : { observability: JSON.stringify(observability) }),
  }
}

const jsonOrNull = (value: object | null): string | null => (value === null ? null : JSON.stringify(value))
