import type { Emit } from '../../changes/stream-log.ts'
import type { UserCaller } from '../../identity/caller.ts'
import type { TenantScope } from '../../identity/scope.ts'
import type { Queryable } from '../../storage/database.ts'
import type { DecomposedBundle } from './decompose.ts'

/** A composition that uses a contract. */
export type CompositionUse = { readonly compositionId: string; readonly compositionName: string }

/** How a composition took up new versions of its contracts. */
export interface Redeployment {
  readonly compositionName: string
  /** Null when nothing was deployed. */
  readonly bundleVersion: number | null
  readonly environments: readonly string[]
  /** Why the composition stayed as it was, or null. */
  readonly problem: string | null
}

/** Who uses the library's contracts. */
export interface ContractUses {
  /** Compositions that use any version of the contract, by name. */
  usesOf(scope: TenantScope, contractId: string, within?: Queryable): Promise<CompositionUse[]>
  /** By contract id. */
  useCounts(scope: TenantScope): Promise<ReadonlyMap<string, number>>
}

/** What changes of the library do to compositions, within the transaction of the change. */
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
