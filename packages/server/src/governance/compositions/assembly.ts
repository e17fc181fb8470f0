import { type ContractIssue, type LoadedBundle, type Mode, readYaml } from '@lictor/contracts'
import { type AssemblyItem, assembleBundle, checkBundle } from '@lictor/contracts/authoring'
import { InvalidInput } from '../../errors.ts'
import { issueProblem } from '../wire-issue.ts'
import type { Composition, CompositionItem } from './store.ts'

/** One contract as it stands in an assembled bundle; the snapshot kept with the bundle is a list of these. */
export interface AssembledContract {
  readonly contract_id: string
  readonly version: number
  readonly mode: string
  /** True for a newer version that is only observed beside the one in force. */
  readonly observe: boolean
}

export interface Assembled {
  readonly text: string
  readonly contracts: readonly AssembledContract[]
}

export interface CheckedAssembly extends Assembled {
  /** Null when there are problems. */
  readonly bundle: LoadedBundle | null
  readonly problems: readonly ContractIssue[]
  readonly warnings: readonly ContractIssue[]
}

/**
 * The bundle of a composition's enabled items, by position. A newer version that is to be observed stands
 * right behind the one in force, in observe mode, as `<contract_id>-obs`: dots are no part of a contract's id. Null when no item
 * is enabled.
 */
export function assembleComposition(
  composition: Pick<Composition, 'name' | 'description' | 'defaultsMode' | 'toolsConfig' | 'observability'>,
  items: readonly CompositionItem[],
): Assembled | null {
  const enabled = items.filter((item) => item.enabled)
  if (enabled.length === 0) return null
  const taken = new Set(enabled.map((item) => item.contractId))
  const contracts: AssembledContract[] = []
  const parts = enabled.flatMap((item): AssemblyItem[] => {
    const type = item.type as AssemblyItem['type']
    const { definition, pinnedVersion, observedVersion, observedDefinition } = item
    const mode = item.modeOverride ?? textOr(definition.mode, composition.defaultsMode)
    contracts.push({ contract_id: item.contractId, version: pinnedVersion, mode, observe: false })
    const inForce = { contractId: item.contractId, type, definition, mode: mode as Mode }
    if (observedVersion === null || observedDefinition === null) return [inForce]
    contracts.push({ contract_id: item.contractId, version: observedVersion, mode: 'observe', observe: true })
    return [
      inForce,
      { contractId: freeId(`${item.contractId}-obs`, taken), type, definition: observedDefinition, mode: 'observe' },
    ]
  })
  const text = assembleBundle({
    name: composition.name,
    description: composition.description,
    defaultsMode: composition.defaultsMode as Mode,
    items: parts,
    tools: composition.toolsConfig,
    observability: composition.observability,
  })
  return { text, contracts }
}

/** Load what was assembled, as an agent would. */
export function checkAssembly(assembled: Assembled): CheckedAssembly {
  const { bundle, issues, warnings } = checkBundle(assembled.text, { forServer: true })
  return { ...assembled, bundle, problems: issues.length > 0 ? named(issues, assembled.text) : [], warnings }
}

/** @throws InvalidInput with every problem of the assembled bundle, or when there is none */
export function requireSound(assembled: Assembled | null): Assembled & { bundle: LoadedBundle } {
  if (assembled === null) throw new InvalidInput('Composition has no enabled contracts', 'no_enabled_contracts')
  const { bundle, problems } = checkAssembly(assembled)
  if (bundle !== null) return { ...assembled, bundle }
  throw new InvalidInput(
    problems.map((problem) => issueProblem(problem, 'contracts')),
    'invalid_bundle',
  )
}

/** Places count the contracts of the assembled text; people know them by their ids. */
function named(issues: readonly ContractIssue[], text: string): ContractIssue[] {
  const { contracts = [] } = readYaml(text) as { contracts?: { id?: unknown }[] }
  return issues.map((issue) => {
    const index = /^contracts\[(\d+)\]/.exec(issue.path)?.[1]
    const id = index === undefined ? undefined : contracts[Number(index)]?.id
    return typeof id === 'string' ? { ...issue, message: `Contract '${id}': ${issue.message}` } : issue
  })
}

function freeId(wanted: string, taken: Set<string>): string {
  let id = wanted
  for (let next = 2; taken.has(id); next++) id = `${wanted}-${next}`
  taken.add(id)
  return id
}

/** A definition's own mode, whatever text it is: the check of the whole bundle judges it. */
const textOr = (value: unknown, otherwise: string): string => (typeof value === 'string' ? value : otherwise)
