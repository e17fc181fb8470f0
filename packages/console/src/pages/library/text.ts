import { readYaml } from '@lictor/contracts'
import { assembleBundle, emitYaml, templates } from '@lictor/contracts/authoring'
import { ID } from './beginnings.ts'
import type { ContractType } from './route.ts'

export { templates }

type Definition = Readonly<Record<string, unknown>>

const isRecord = (value: unknown): value is Definition =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The text of a definition. What its id and type are stands beside it. */
export function textOf(definition: Definition): string {
  const { id: _id, type: _type, ...rest } = definition
  return Object.keys(rest).length === 0 ? '' : emitYaml(rest).trimStart()
}

/**
 * The definition that a text is.
 *
 * @throws EdictumConfigError for what is no YAML, Error for what is no mapping
 */
export function definitionOf(text: string): Definition {
  const value = readYaml(text) ?? {}
  if (!isRecord(value)) throw new Error('A contract is fields with values: tool: read_file, and so on.')
  const named = ['id', 'type'].filter((field) => field in value)
  if (named.length > 0) throw new Error(`${named.join(' and ')} stand beside the text, not in it.`)
  return value
}

/** A bundle with this contract alone, to try calls against; null for a text that is no definition. */
export function bundleOf(id: string, type: ContractType, text: string): string | null {
  try {
    const item = { contractId: ID.test(id) ? id : 'a-contract', type, definition: definitionOf(text) }
    return assembleBundle({ name: 'library', defaultsMode: 'enforce', items: [item] })
  } catch {
    return null
  }
}

/** A bundle for the server to take apart: one, or a single contract or a list of them, which become one. */
export function importable(text: string, now: Date): string {
  const value = readYaml(text)
  if (isRecord(value) && ('apiVersion' in value || 'contracts' in value)) return text
  const contracts = Array.isArray(value) ? value : isRecord(value) && 'id' in value ? [value] : null
  if (contracts === null || contracts.length === 0)
    throw new Error('This is no bundle, no contract with an id, and no list of them.')
  return emitYaml({
    apiVersion: 'edictum/v1',
    kind: 'ContractBundle',
    metadata: {
      name: `imported-${now
        .toISOString()
        .slice(0, 19)
        .replaceAll(/[^0-9]/g, '')}`,
    },
    defaults: { mode: 'enforce' },
    contracts,
  })
}
