import type { ContractIssue } from '@lictor/contracts'
import { checkContract } from '@lictor/contracts/authoring'
import type { Emit, StreamLog } from '../../changes/stream-log.ts'
import { Conflict, InvalidInput, NotFound } from '../../errors.ts'
import type { UserCaller } from '../../identity/caller.ts'
import { scopeOf, scopeOfRecord } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { Queryable } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import { type ContractType, decomposeBundle, requireContractId, titleOf, typeOf } from './decompose.ts'
import type { Contract, ContractStore, ContractVersion } from './store.ts'
import type { CompositionUse, ContractUses, Followers, Redeployment } from './uses.ts'

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
  readonly contract: Contract
  /** Compositions that use the contract, whichever version. */
  readonly usageCount: number
  /** Newest first; empty where the answer is about one version. */
  readonly versions: readonly ContractVersion[]
  /** What a bundle with this version would be refused for. It is kept all the same. */
  readonly warnings: readonly ContractIssue[]
}

export interface ImportedBundle {
  readonly created: readonly string[]
  readonly updated: readonly string[]
  /** Null when a composition of that name was there. */
  readonly composition: string | null
  readonly redeployed: readonly Redeployment[]
}

/** The contract library. */
export interface Contracts {
  /** Latest versions, newest first. Empty filters filter nothing. */
  list(
    caller: UserCaller,
    filter: { type?: string | undefined; tag?: string | undefined; search?: string | undefined },
  ): Promise<Pick<ContractView, 'contract' | 'usageCount'>[]>
  /** @throws Conflict when the tenant has a contract of this id. */
  create(caller: UserCaller, input: ContractInput): Promise<ContractView>
  /** Take a bundle apart, all or nothing. @throws InvalidInput */
  importBundle(caller: UserCaller, yaml: string): Promise<ImportedBundle>
  /** The latest version. @throws NotFound */
  get(caller: UserCaller, contractId: string): Promise<ContractView>
  /** @throws NotFound */
  getVersion(caller: UserCaller, contractId: string, version: number): Promise<ContractView>
  /**
   * Make a further version. Compositions that follow by themselves take it up in the same transaction.
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

export function createContracts(deps: {
  store: ContractStore
  uses: ContractUses
  followers: Followers
  log: StreamLog
  clock: Clock
  random: Random
}): Contracts {
  const { store, uses, followers, log, clock, random } = deps
  const missing = (contractId: string) => new NotFound(`Contract '${contractId}' not found`)

  async function insertVersion(
    caller: UserCaller,
    version: number,
    input: Omit<ContractInput, 'type'> & { type: string },
    within: Queryable,
  ): Promise<void> {
    if (version > 1) await store.supersede(scopeOf(caller), input.contractId, within)
    await store.insert(
      {
        id: random.uuid(),
        tenantId: caller.tenantId,
        contractId: input.contractId,
        version,
        type: input.type,
        name: input.name,
        description: input.description,
        definition: input.definition,
        tags: input.tags,
        isLatest: true,
        createdBy: caller.userId,
        createdAt: microsOf(clock.now()),
      },
      within,
    )
  }

  async function viewOf(contract: Contract, withVersions: boolean): Promise<ContractView> {
    const [usedBy, versions] = await Promise.all([
      uses.usesOf(scopeOfRecord(contract), contract.contractId),
      withVersions ? store.versions(scopeOfRecord(contract), contract.contractId) : [],
    ])
    return { contract, usageCount: usedBy.length, versions, warnings: warningsOf(contract) }
  }

  /** A version more of what is there, or the first of what is not; says which. */
  async function importContract(
    caller: UserCaller,
    entry: ReturnType<typeof decomposeBundle>['contracts'][number],
    within: Queryable,
    emit: Emit,
  ): Promise<'created' | 'updated'> {
    const { contractId, definition } = entry
    const known = await store.findLatest(scopeOf(caller), contractId, within)
    if (known) {
      const { type, name, description } = known
      const kept = { contractId, type, name, description, definition, tags: known.tags }
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
    async list(caller, { type, tag, search }) {
      const [latest, counts] = await Promise.all([
        store.listLatest(scopeOf(caller), { ...(type ? { type } : {}), ...(search ? { search } : {}) }),
        uses.useCounts(scopeOf(caller)),
      ])
      return latest
        .filter(({ tags }) => !tag || tags.includes(tag))
        .map((contract) => ({ contract, usageCount: counts.get(contract.contractId) ?? 0 }))
    },

    async create(caller, input) {
      const { contractId } = input
      const contract = await log.transact(async (within, emit) => {
        await store.lock(scopeOf(caller), within)
        if (await store.findLatest(scopeOf(caller), contractId, within))
          throw new Conflict(`Contract '${contractId}' already exists. Use PUT to create a new version.`)
        await insertVersion(caller, 1, input, within)
        emit({
          tenantId: caller.tenantId,
          type: 'contract_created',
          data: { contract_id: contractId, version: 1 },
          dashboard: true,
        })
        return store.findLatest(scopeOf(caller), contractId, within)
      })
      if (!contract) throw missing(contractId)
      return viewOf(contract, false)
    },

    importBundle(caller, yaml) {
      const bundle = decomposeBundle(yaml)
      return log.transact(async (within, emit) => {
        await store.lock(scopeOf(caller), within)
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

    async get(caller, contractId) {
      const contract = await store.findLatest(scopeOf(caller), contractId)
      if (!contract) throw missing(contractId)
      return viewOf(contract, true)
    },

    async getVersion(caller, contractId, version) {
      const contract = await store.findVersion(scopeOf(caller), contractId, version)
      if (!contract) throw new NotFound(`Contract '${contractId}' v${version} not found`)
      return viewOf(contract, false)
    },

    async update(caller, contractId, change) {
      if (Object.values(change).every((value) => value === undefined))
        throw new InvalidInput('At least one field must be provided for update')
      const { contract, redeployed } = await log.transact(async (within, emit) => {
        await store.lock(scopeOf(caller), within)
        const known = await store.findLatest(scopeOf(caller), contractId, within)
        if (!known) throw missing(contractId)
        const version = known.version + 1
        const input = {
          contractId,
          type: known.type,
          name: change.name ?? known.name,
          description: change.description ?? known.description,
          definition: change.definition ?? known.definition,
          tags: change.tags ?? known.tags,
        }
        await insertVersion(caller, version, input, within)
        emit({
          tenantId: caller.tenantId,
          type: 'contract_updated',
          data: { contract_id: contractId, version },
          dashboard: true,
        })
        const redeployed = await followers.contractsChanged(caller, [contractId], within, emit)
        return { contract: await store.findLatest(scopeOf(caller), contractId, within), redeployed }
      })
      if (!contract) throw missing(contractId)
      return { ...(await viewOf(contract, true)), redeployed }
    },

    remove(caller, contractId) {
      return log.transact(async (within) => {
        await store.lock(scopeOf(caller), within)
        if (!(await store.findLatest(scopeOf(caller), contractId, within))) throw missing(contractId)
        const usedBy = await uses.usesOf(scopeOf(caller), contractId, within)
        if (usedBy.length > 0) {
          const names = usedBy.map((use) => use.compositionName).join(', ')
          throw new Conflict(
            `Contract '${contractId}' is referenced by compositions: ${names}. Remove it from those first.`,
          )
        }
        await store.remove(scopeOf(caller), contractId, within)
      })
    },

    usage: (caller, contractId) => uses.usesOf(scopeOf(caller), contractId),
  }
}

function warningsOf({ contractId, type, definition }: Contract): readonly ContractIssue[] {
  return checkContract({ contractId, type: type as ContractType, definition })
}
