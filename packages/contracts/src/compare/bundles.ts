import type { BundleDocument, ContractDocument } from '../document.ts'
import { isSame } from '../plain/same.ts'
import { Comparison, type Effect } from './compare.ts'

/** A contract that is not in both bundles as it is. */
export interface ContractChange {
  readonly id: string
  readonly type: ContractDocument['type']
  readonly kind: 'added' | 'removed' | 'changed'
  readonly effect: Effect
}

export interface BundleDifference {
  /** In the order of the newer bundle, what was removed last. */
  readonly changes: readonly ContractChange[]
  /** Ids of contracts that are the same in both. */
  readonly unchanged: readonly string[]
  /** Tools whose classification differs. */
  readonly tools: readonly string[]
}

/** What two bundles decide otherwise, contract by contract. */
export function compareBundles(before: BundleDocument, after: BundleDocument): BundleDifference {
  const comparison = new Comparison(before, after)
  const was = byId(before)
  const is = byId(after)
  const changes: ContractChange[] = []
  const unchanged: string[] = []
  for (const [id, contract] of is) {
    const old = was.get(id) ?? null
    if (old !== null && isSame(old, contract)) unchanged.push(id)
    else {
      const kind = old === null ? 'added' : 'changed'
      changes.push({ id, type: contract.type, kind, effect: comparison.effectOf(old, contract) })
    }
  }
  for (const [id, contract] of was)
    if (!is.has(id))
      changes.push({ id, type: contract.type, kind: 'removed', effect: comparison.effectOf(contract, null) })
  const tools = [...new Set([...before.tools.keys(), ...after.tools.keys()])].filter(
    (name) => !isSame(before.tools.get(name), after.tools.get(name)),
  )
  return { changes, unchanged, tools }
}

/** Contracts with the mode they are in: a new default is a change to every contract that names none. */
function byId({ contracts, defaultMode }: BundleDocument): ReadonlyMap<string, ContractDocument> {
  return new Map(contracts.map((contract) => [contract.id, { ...contract, mode: contract.mode ?? defaultMode }]))
}
