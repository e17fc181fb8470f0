import type { CompositionReport, ContractDocument } from '@lictor/contracts'

/** What a composition did, as it travels. */
export interface CompositionWire {
  readonly overrides: readonly {
    readonly contract_id: string
    readonly overridden_by: string
    readonly original_source: string
  }[]
  readonly observe_contracts: readonly {
    readonly contract_id: string
    readonly observed_source: string
    readonly enforced_source: string
  }[]
}

export function compositionToWire({ overriddenContracts, observeContracts }: CompositionReport): CompositionWire {
  return {
    overrides: overriddenContracts.map(({ contractId, overriddenBy, originalSource }) => ({
      contract_id: contractId,
      overridden_by: overriddenBy,
      original_source: originalSource,
    })),
    observe_contracts: observeContracts.map(({ contractId, observedSource, enforcedSource }) => ({
      contract_id: contractId,
      observed_source: observedSource,
      enforced_source: enforcedSource,
    })),
  }
}

export function compositionLines({ overrides, observe_contracts: observed }: CompositionWire): string[] {
  return [
    ...overrides.map(
      ({ contract_id, overridden_by, original_source }) =>
        `  ${contract_id}: ${overridden_by} replaces the one of ${original_source}`,
    ),
    ...observed.map(
      ({ contract_id, observed_source, enforced_source }) =>
        `  ${contract_id}: ${observed_source} only observes${enforced_source === '' ? '' : `, ${enforced_source} is enforced`}`,
    ),
  ]
}

/** How many contracts there are of each type, types sorted. */
export function breakdownOf(contracts: readonly ContractDocument[]): Readonly<Record<string, number>> {
  const counts = new Map<string, number>()
  for (const { type } of contracts) counts.set(type, (counts.get(type) ?? 0) + 1)
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)))
}

export function breakdownText(contracts: readonly ContractDocument[]): string {
  return Object.entries(breakdownOf(contracts))
    .map(([type, count]) => `${count} ${type}`)
    .join(', ')
}
