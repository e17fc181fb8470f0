import type { BundleDocument, ContractDocument, LoadedBundle, ToolDocument } from '../document.ts'
import { configError } from '../errors.ts'
import { sha256Hex } from '../hash.ts'

export interface Layer {
  readonly bundle: Pick<LoadedBundle, 'document' | 'hash'>
  /** Where the bundle comes from, for the report: a path or a name. */
  readonly source: string
}

export interface OverriddenContract {
  readonly contractId: string
  readonly overriddenBy: string
  readonly originalSource: string
}

export interface ObservedContract {
  readonly contractId: string
  /** Empty when no enforced contract has the id. */
  readonly enforcedSource: string
  readonly observedSource: string
}

export interface CompositionReport {
  readonly overriddenContracts: readonly OverriddenContract[]
  readonly observeContracts: readonly ObservedContract[]
}

export interface Composition {
  readonly document: BundleDocument
  /** The policy version. */
  readonly hash: string
  readonly report: CompositionReport
}

/**
 * Compose bundles from left to right. The first is the base; a later one replaces contracts of the
 * same id in their place and adds the others, or, with `observe_alongside`, adds all of its as candidates that only observe.
 * One bundle is used as it is.
 *
 * @throws {EdictumConfigError} when there is no layer
 */
export function composeBundles(layers: readonly Layer[]): Composition {
  const [base, ...rest] = layers
  if (base === undefined) throw configError('no_bundles', 'A composition needs at least one bundle')
  const overriddenContracts: OverriddenContract[] = []
  const observeContracts: ObservedContract[] = []
  const hash = policyVersion(layers.map((layer) => layer.bundle.hash))
  if (rest.length === 0)
    return { document: base.bundle.document, hash, report: { overriddenContracts, observeContracts } }

  let document = base.bundle.document
  const contracts: ContractDocument[] = [...document.contracts]
  const places = new Map(contracts.map(({ id }, at) => [id, { at, source: base.source }]))
  for (const { bundle, source } of rest) {
    const layer = bundle.document
    document = layer.observeAlongside ? mergeObserved(document, layer) : mergeStandard(document, layer)
    for (const contract of layer.contracts) {
      const known = places.get(contract.id)
      if (layer.observeAlongside) {
        observeContracts.push({ contractId: contract.id, enforcedSource: known?.source ?? '', observedSource: source })
        contracts.push(candidateOf(contract))
      } else if (known === undefined) {
        places.set(contract.id, { at: contracts.push(contract) - 1, source })
      } else {
        overriddenContracts.push({ contractId: contract.id, overriddenBy: source, originalSource: known.source })
        contracts[known.at] = contract
        known.source = source
      }
    }
  }
  return {
    document: Object.freeze({ ...document, contracts: Object.freeze(contracts) }),
    hash,
    report: { overriddenContracts, observeContracts },
  }
}

/**
 * The policy version of bundles in layer order: the hash of the only one, else the SHA-256 of all joined by `:`.
 */
export function policyVersion(hashes: readonly string[]): string {
  return hashes.length === 1 ? (hashes[0] as string) : sha256Hex(hashes.join(':'))
}

function mergeStandard(below: BundleDocument, layer: BundleDocument): BundleDocument {
  return {
    ...mergeObserved(below, layer),
    defaultMode: layer.defaultMode,
    observability: layer.observability ?? below.observability,
  }
}

function mergeObserved(below: BundleDocument, layer: BundleDocument): BundleDocument {
  const metadata = Object.freeze({ ...below.metadata, ...layer.metadata })
  return {
    ...below,
    name: layer.name ?? below.name,
    description: layer.description ?? below.description,
    metadata,
    tools: new Map<string, ToolDocument>([...below.tools, ...layer.tools]),
  }
}

function candidateOf(contract: ContractDocument): ContractDocument {
  return Object.freeze({ ...contract, id: `${contract.id}:candidate`, mode: 'observe', candidate: true })
}
