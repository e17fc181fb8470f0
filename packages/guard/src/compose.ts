import { type BundleDocument, type ContractDocument, type LoadedBundle, sha256Hex } from '@lictor/contracts'

export interface BundleLayer {
  /** Where it came from, as the report shows it: the path as given. */
  readonly source: string
  readonly bundle: LoadedBundle
}

/** What a composition did with contracts of the same id (contract-language §17.3). */
export interface CompositionReport {
  readonly overriddenContracts: readonly {
    readonly contractId: string
    readonly overriddenBy: string
    readonly originalSource: string
  }[]
  readonly observeContracts: readonly {
    readonly contractId: string
    /** Empty when no enforced contract has that id. */
    readonly enforcedSource: string
    readonly observedSource: string
  }[]
}

export interface ComposedBundle {
  readonly document: BundleDocument
  /** SHA-256 of the layers' hashes joined by `:`, or the hash of the only layer. */
  readonly version: string
  readonly report: CompositionReport
}

/**
 * Composes bundles left to right (contract-language §17): a later contract takes the place of an earlier one of the same
 * id, a later default mode, tool, metadata key or observability block wins; a layer that says `observe_alongside` adds its
 * contracts as candidates, which report and never decide.
 */
export function composeBundles(first: BundleLayer, ...later: readonly BundleLayer[]): ComposedBundle {
  let document = first.bundle.document
  const contracts: ContractDocument[] = [...document.contracts]
  const sources = new Map(contracts.map((contract) => [contract.id, first.source]))
  const overridden: CompositionReport['overriddenContracts'][number][] = []
  const observed: CompositionReport['observeContracts'][number][] = []
  for (const { source, bundle } of later) {
    const layer = bundle.document
    const tools = new Map([...document.tools, ...layer.tools])
    const metadata = { ...document.metadata, ...layer.metadata }
    if (layer.observeAlongside) {
      for (const contract of layer.contracts) {
        contracts.push({ ...contract, id: `${contract.id}:candidate`, mode: 'observe', candidate: true })
        const enforcedSource = sources.get(contract.id) ?? ''
        observed.push({ contractId: contract.id, enforcedSource, observedSource: source })
      }
      document = { ...document, tools, metadata }
      continue
    }
    for (const contract of layer.contracts) {
      const position = contracts.findIndex((other) => other.id === contract.id && !other.candidate)
      if (position === -1) {
        contracts.push(contract)
      } else {
        const originalSource = sources.get(contract.id) ?? first.source
        overridden.push({ contractId: contract.id, overriddenBy: source, originalSource })
        contracts[position] = contract
      }
      sources.set(contract.id, source)
    }
    const { defaultMode } = layer
    document = {
      ...document,
      tools,
      metadata,
      defaultMode,
      observability: layer.observability ?? document.observability,
    }
  }
  const hashes = [first, ...later].map(({ bundle }) => bundle.hash)
  return {
    document: { ...document, contracts },
    version: later.length === 0 ? first.bundle.hash : sha256Hex(hashes.join(':')),
    report: { overriddenContracts: overridden, observeContracts: observed },
  }
}
