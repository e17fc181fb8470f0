import { type ContractIssue, checkContract } from '@lictor/contracts'
import { Conflict, InvalidInput, NotFound } from '../../errors.ts'
import type { UserCaller } from '../../http/caller.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { Queryable } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import type { Followers, Redeployment } from '../compositions/following.ts'
import type { CompositionStore, CompositionUse } from '../compositions/store.ts'
import type { Emit, StreamLog } from '../stream/log.ts'
import { type ContractType, decomposeBundle, requireContractId, titleOf, typeOf } from './decompose.ts'
import type { Contract, ContractStore, ContractVersion } from './store.ts'

export interface ContractInput {
  readonly contractId: string
  readonly name: string
  readonly description: string | null
  readonly type: ContractType
  readonly definition: Readonly<Record<string, unknown>>
  readonly tags: readonly string[]
}

/** Absent means unchanged. */
export interface ContractChange {
  readonly name?: string | undefined
  readonly description?: string | undefined
  readonly definition?: Readonly<Record<string, unknown>> | undefined
  readonly tags?: readonly string[] | undefined
}

export interface ContractView {
  readonly row: Contract
  /** Compositions that use the contract, whichever version. */
  readonly usageCount: number
  /** Newest first; empty where the answer is about one version. */
  readonly versions: readonly ContractVersion[]
  /** What a bundle with this version would be refused for. It is kept all the same (console-api §8.2.3). */
  readonly warnings: readonly ContractIssue[]
}

export interface ImportedBundle {
  readonly created: readonly string[]
  readonly updated: readonly string[]
  /** Null when a composition of that name was there. */
  readonly composition: string | null
  readonly redeployed: readonly Redeployment[]
}

/** The contract library (console-api §8.2.1 to 8.2.8). */
export interface Contracts {
  /** Latest versions, newest first. Empty filters filter nothing. */
  list(
    caller: UserCaller,
    filter: { type?: string | undefined; tag?: string | undefined; search?: string | undefined },
  ): Promise<Pick<ContractView, 'row' | 'usageCount'>[]>
  /** @throws Conflict when the tenant has a contract of this id. */
  create(caller: UserCaller, input: ContractInput): Promise<ContractView>
  /** Take a bundle apart, all or nothing. @throws InvalidInput */
  importBundle(caller: UserCaller, yaml: string): Promise<ImportedBundle>
  /** The latest version. @throws NotFound */
  get(caller: UserCaller, contractId: string): Promise<ContractView>
  /** @throws NotFound */
  getVersion(caller: UserCaller, contractId: string, version: number): Promise<ContractView>
  /**
   * Make a further version. Compositions that follow by themselves take it up in the same transaction (decision D11).
   * @throws InvalidInput when nothing is changed, NotFound.
   */
  update(
    caller: UserCaller,
    contractId: string,
    change: ContractChange,
  ): Promise<ContractView & { redeployed: readonly Redeployment[] }>
  /** All versions. @throws NotFound, Conflict while a composition uses it. */
  remove(caller: UserCaller, contractId: string): Promise<void>
  /** Compositions that use any version, by name. */
  usage(caller: UserCaller, contractId: string): Promise<CompositionUse[]>
}

export function contracts(deps: {
  store: ContractStore
  compositions: CompositionStore
  followers: Followers
  log: StreamLog
  clock: Clock
  random: Random
}): Contracts {
  const { store, compositions, followers, log, clock, random } = deps
  const missing = (contractId: string) => new NotFound(`Contract '${contractId}' not found`)

  async function insertVersion(
    caller: UserCaller,
    version: number,
    input: Omit<ContractInput, 'type'> & { type: string },
    within: Queryable,
  ): Promise<void> {
    if (version > 1) await store.supersede(caller.tenantId, input.contractId, within)
    await store.insert(
      {
        id: random.uuid(),
        tenant_id: caller.tenantId,
        contract_id: input.contractId,
        version,
        type: input.type,
        name: input.name,
        description: input.description,
        definition: JSON.stringify(input.definition),
        tags: JSON.stringify(input.tags),
        is_latest: 1,
        created_by: caller.userId,
        created_at: microsOf(clock.now()),
      },
      within,
    )
  }

  async function viewOf(row: Contract, withVersions: boolean): Promise<ContractView> {
    const [uses, versions] = await Promise.all([
      compositions.usesOf(row.tenant_id, row.contract_id),
      withVersions ? store.versions(row.tenant_id, row.contract_id) : [],
    ])
    return { row, usageCount: uses.length, versions, warnings: warningsOf(row) }
  }

  /** A version more of what is there, or the first of what is not; says which. */
  async function importContract(
    caller: UserCaller,
    entry: ReturnType<typeof decomposeBundle>['contracts'][number],
    within: Queryable,
    emit: Emit,
  ): Promise<'created' | 'updated'> {
    const { contractId, definition } = entry
    const known = await store.findLatest(caller.tenantId, contractId, within)
    if (known) {
      const { type, name, description } = known
      const kept = { contractId, type, name, description, definition, tags: tagsOf(known) }
      await insertVersion(caller, known.version + 1, kept, within)
    } else {
      requireContractId(contractId)
      const made = { contractId, type: typeOf(entry), name: titleOf(contractId), description: null, definition }
      await insertVersion(caller, 1, { ...made, tags: [] }, within)
    }
    const type = known ? 'contract_updated' : 'contract_created'
    emit({ tenantId: caller.tenantId, type, data: { contract_id: contractId }, dashboard: true })
    return known ? 'updated' : 'created'
  }

  return {
    async list({ tenantId }, { type, tag, search }) {
      const [rows, counts] = await Promise.all([
        store.listLatest(tenantId, { ...(type ? { type } : {}), ...(search ? { search } : {}) }),
        compositions.useCounts(tenantId),
      ])
      return rows
        .filter((row) => !tag || tagsOf(row).includes(tag))
        .map((row) => ({ row, usageCount: counts.get(row.contract_id) ?? 0 }))
    },

    async create(caller, input) {
      const { tenantId } = caller
      const { contractId } = input
      const row = await log.transact(async (within, emit) => {
        await store.lock(tenantId, within)
        if (await store.findLatest(tenantId, contractId, within))
          throw new Conflict(`Contract '${contractId}' already exists. Use PUT to create a new version.`)
        await insertVersion(caller, 1, input, within)
        emit({ tenantId, type: 'contract_created', data: { contract_id: contractId, version: 1 }, dashboard: true })
        return store.findLatest(tenantId, contractId, within)
      })
      if (!row) throw missing(contractId)
      return viewOf(row, false)
    },

    importBundle(caller, yaml) {
      const bundle = decomposeBundle(yaml)
      return log.transact(async (within, emit) => {
        await store.lock(caller.tenantId, within)
        const created: string[] = []
        const updated: string[] = []
        for (const entry of bundle.contracts) {
          const done = await importContract(caller, entry, within, emit)
          ;(done === 'created' ? created : updated).push(entry.contractId)
        }
        const ids = [...new Set([...created, ...updated])]
        const isNew = await followers.composeImported(caller, bundle, ids, within, emit)
        const redeployed = await followers.contractsChanged(caller, ids, within, emit)
        return {
          created: [...new Set(created)],
          updated: [...new Set(updated)],
          composition: isNew ? bundle.name : null,
          redeployed,
        }
      })
    },

    async get({ tenantId }, contractId) {
      const row = await store.findLatest(tenantId, contractId)
      if (!row) throw missing(contractId)
      return viewOf(row, true)
    },

    async getVersion({ tenantId }, contractId, version) {
      const row = await store.findVersion(tenantId, contractId, version)
      if (!row) throw new NotFound(`Contract '${contractId}' v${version} not found`)
      return viewOf(row, false)
    },

    async update(caller, contractId, change) {
      const { tenantId } = caller
      if (Object.values(change).every((value) => value === undefined))
        throw new InvalidInput('At least one field must be provided for update')
      const { row, redeployed } = await log.transact(async (within, emit) => {
        await store.lock(tenantId, within)
        const known = await store.findLatest(tenantId, contractId, within)
        if (!known) throw missing(contractId)
        const version = known.version + 1
        const input = {
          contractId,
          type: known.type,
          name: change.name ?? known.name,
          description: change.description ?? known.description,
          definition: change.definition ?? definitionOf(known),
          tags: change.tags ?? tagsOf(known),
        }
        await insertVersion(caller, version, input, within)
        emit({ tenantId, type: 'contract_updated', data: { contract_id: contractId, version }, dashboard: true })
        const redeployed = await followers.contractsChanged(caller, [contractId], within, emit)
        return { row: await store.findLatest(tenantId, contractId, within), redeployed }
      })
      if (!row) throw missing(contractId)
      return { ...(await viewOf(row, true)), redeployed }
    },

    remove({ tenantId }, contractId) {
      return log.transact(async (within) => {
        await store.lock(tenantId, within)
        if (!(await store.findLatest(tenantId, contractId, within))) throw missing(contractId)
        const uses = await compositions.usesOf(tenantId, contractId, within)
        if (uses.length > 0) {
          const names = uses.map((use) => use.composition_name).join(', ')
          throw new Conflict(
            `Contract '${contractId}' is referenced by compositions: ${names}. Remove it from those first.`,
          )
        }
        await store.remove(tenantId, contractId, within)
      })
    },

    usage: ({ tenantId }, contractId) => compositions.usesOf(tenantId, contractId),
  }
}

export const tagsOf = (row: Pick<Contract, 'tags'>): string[] => JSON.parse(row.tags) as string[]

export const definitionOf = (row: Pick<Contract, 'definition'>): Record<string, unknown> =>
  JSON.parse(row.definition) as Record<string, unknown>

function warningsOf(row: Contract): readonly ContractIssue[] {
  return checkContract({
    contractId: row.contract_id,
    type: row.type as ContractType,
    definition: definitionOf(row),
  })
}
