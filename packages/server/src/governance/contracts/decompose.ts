import { EdictumConfigError, readYaml } from '@lictor/contracts'
import { InvalidInput } from '../../errors.ts'

export const contractTypes = ['post', 'pre', 'sandbox', 'session'] as const
export type ContractType = (typeof contractTypes)[number]

/** What a contract of the library may be called; the same rule as in a bundle. */
export const CONTRACT_ID = '^[a-z0-9][a-z0-9_-]*$'
export const LONGEST_CONTRACT_ID = 128

/** What a composition, and the bundle it makes, may be called. */
export const COMPOSITION_NAME = '^[a-z0-9][a-z0-9._-]*$'
export const LONGEST_COMPOSITION_NAME = 128

/** A bundle taken apart. */
export interface DecomposedBundle {
  /** `metadata.name`, made into a name a composition may have. */
  readonly name: string
  readonly defaultsMode: 'enforce' | 'observe'
  readonly tools: Readonly<Record<string, unknown>> | null
  readonly observability: Readonly<Record<string, unknown>> | null
  readonly contracts: readonly DecomposedContract[]
}

export interface DecomposedContract {
  readonly contractId: string
  /** Not judged yet: only a contract new to the library needs one that exists. */
  readonly type: unknown
  /** The entry without its `id`. */
  readonly definition: Readonly<Record<string, unknown>>
}

/**
 * Take a bundle's YAML apart for the library. Only what is needed to name and store the parts is checked.
 *
 * @throws InvalidInput with the first thing wrong
 */
export function decomposeBundle(text: string): DecomposedBundle {
  const document = read(text)
  if (!isMapping(document)) throw refuse('Invalid YAML: expected a mapping at the top level')
  const { apiVersion, kind, metadata, contracts } = document
  if (apiVersion !== 'edictum/v1') throw refuse(`Unsupported apiVersion: ${shown(apiVersion)} (expected 'edictum/v1')`)
  if (kind !== 'ContractBundle') throw refuse(`Unsupported kind: ${shown(kind)} (expected 'ContractBundle')`)
  const name = isMapping(metadata) ? metadata.name : undefined
  if (typeof name !== 'string' || name === '') throw refuse('Missing required field: metadata.name')
  if (!Array.isArray(contracts) || contracts.length === 0) throw refuse('No contracts found in YAML')
  const mode = isMapping(document.defaults) ? document.defaults.mode : undefined
  return {
    name: compositionNameOf(name),
    defaultsMode: mode === 'observe' ? 'observe' : 'enforce',
    tools: isMapping(document.tools) ? document.tools : null,
    observability: isMapping(document.observability) ? document.observability : null,
    contracts: contracts.map(contractOf),
  }
}

/** A name for people made of an id: `block-dotenv` becomes `Block Dotenv`. */
export function titleOf(contractId: string): string {
  return contractId.replace(/[-_]/g, ' ').replace(/[a-z]+/g, (word) => word.charAt(0).toUpperCase() + word.slice(1))
}

/** The type of a contract that is new to the library. @throws InvalidInput */
export function typeOf(contract: DecomposedContract): ContractType {
  const { type = 'pre' } = contract
  const known = contractTypes.find((each) => each === type)
  if (!known) throw refuse("type must be one of ['post', 'pre', 'sandbox', 'session']")
  return known
}

/** @throws InvalidInput */
export function requireContractId(contractId: string): void {
  if (!new RegExp(CONTRACT_ID).test(contractId) || contractId.length > LONGEST_CONTRACT_ID)
    throw refuse(`contract_id must match [a-z0-9][a-z0-9_-]* and have at most ${LONGEST_CONTRACT_ID} characters`)
}

function read(text: string): unknown {
  try {
    return readYaml(text)
  } catch (error) {
    if (error instanceof EdictumConfigError) throw refuse(`Invalid YAML: ${error.message}`)
    throw error
  }
}

function contractOf(entry: unknown): DecomposedContract {
  if (!isMapping(entry)) throw refuse('Each contract must be a mapping')
  const { id, ...definition } = entry
  if (typeof id !== 'string' || id === '') throw refuse("Each contract must have an 'id' field")
  return { contractId: id, type: definition.type, definition }
}

/** Bundles may have names that compositions may not: those are lower-cased, and what is left over becomes a hyphen. */
function compositionNameOf(name: string): string {
  const made = name
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, LONGEST_COMPOSITION_NAME)
  if (made === '') throw refuse('metadata.name must hold a letter or digit of [a-z0-9]')
  return made
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
}

/** As the wire's messages show a value: missing is `None`, texts stand in quotes. */
function shown(value: unknown): string {
  if (value === undefined || value === null) return 'None'
  return typeof value === 'string' ? `'${value.slice(0, 100)}'` : (JSON.stringify(value) ?? '').slice(0, 100)
}

const refuse = (message: string) => new InvalidInput(message, 'invalid_import')
