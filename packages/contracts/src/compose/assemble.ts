import { EdictumConfigError } from '../errors.ts'
import { loadDocument } from '../load/index.ts'
import { CONTRACTS } from '../load/table.ts'
import type { ContractIssue, ContractType, Mode } from '../types.ts'
import { emitYaml } from './emit.ts'

/** A contract of the library: everything but `id` and `type` stands in `definition`. */
export interface LibraryContract {
  readonly contractId: string
  readonly type: ContractType
  readonly definition: Readonly<Record<string, unknown>>
}

export interface AssemblyItem extends LibraryContract {
  /** Overrides the definition's mode. */
  readonly mode?: Mode | null
  /** Left out of the bundle when false. */
  readonly enabled?: boolean
}

export interface Assembly {
  readonly name: string
  readonly description?: string | null
  readonly defaultsMode: Mode
  readonly items: readonly AssemblyItem[]
  readonly tools?: Readonly<Record<string, unknown>> | null
  readonly observability?: Readonly<Record<string, unknown>> | null
}

/**
 * The text of a bundle made of library contracts. Equal input gives equal bytes, in whatever order
 * a database returned the keys. A `pre` or `post` contract of several `tools` becomes one per tool: `<id>`, `<id>-2`,
 * … The text is not checked here: `loadBundle` it before it is signed or deployed.
 */
export function assembleBundle(assembly: Assembly): string {
  const contracts = expand(assembly.items.filter((item) => item.enabled !== false))
  const { name, description, defaultsMode, tools, observability } = assembly
  return emitYaml({
    apiVersion: 'edictum/v1',
    kind: 'ContractBundle',
    metadata: { name, ...(description ? { description } : {}) },
    defaults: { mode: defaultsMode },
    ...(tools && Object.keys(tools).length > 0 ? { tools: sorted(tools) } : {}),
    ...(observability ? { observability: sorted(observability) } : {}),
    contracts,
  })
}

/**
 * What is wrong with a library contract, as it would be in a bundle of its own on a server. Paths begin at the definition; empty when it
 * is fine.
 *
 * @param operators names of custom operators
 */
export function checkContract(contract: LibraryContract, operators?: ReadonlySet<string>): readonly ContractIssue[] {
  const [first] = expand([contract])
  const document = {
    apiVersion: 'edictum/v1',
    kind: 'ContractBundle',
    metadata: { name: 'library' },
    defaults: { mode: 'enforce' },
    contracts: [first],
  }
  try {
    loadDocument(document, { forServer: true, ...(operators === undefined ? {} : { operators }) })
    return []
  } catch (error) {
    if (!(error instanceof EdictumConfigError)) throw error
    return error.issues.map((each) => ({ ...each, path: each.path.replace(/^contracts\[0\]\.?/, '') }))
  }
}

function expand(items: readonly AssemblyItem[]): Record<string, unknown>[] {
  const taken = new Set(items.map((item) => item.contractId))
  return items.flatMap((item) => {
    const { tools, ...rest } = item.definition
    const isList = (item.type === 'pre' || item.type === 'post') && Array.isArray(tools) && rest.tool === undefined
    if (!isList || tools.length === 0) return [contractOf(item, item.contractId, item.definition)]
    let suffix = 1
    return tools.map((tool: unknown, index) => {
      let id = item.contractId
      if (index > 0) {
        do id = `${item.contractId}-${++suffix}`
        while (taken.has(id))
        taken.add(id)
      }
      return contractOf(item, id, { ...rest, tool })
    })
  })
}

function contractOf(
  item: AssemblyItem,
  id: string,
  definition: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const mode = item.mode ?? definition.mode
  const contract = { ...definition, id, type: item.type, ...(mode === undefined ? {} : { mode }) }
  return ordered(contract, Object.keys(CONTRACTS[item.type]?.fields ?? {}))
}

/** Known fields in the order of the language, the rest by name; everything inside by name, or by the order of a `then`. */
function ordered(object: Readonly<Record<string, unknown>>, order: readonly string[]): Record<string, unknown> {
  const place = (key: string) => (order.includes(key) ? order.indexOf(key) : order.length)
  const keys = Object.keys(object).sort((a, b) => place(a) - place(b) || (a < b ? -1 : 1))
  const entries = keys.map((key): [string, unknown] => [
    key,
    key === 'then' ? thenOf(object[key]) : sorted(object[key]),
  ])
  return Object.fromEntries(entries)
}

function thenOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return sorted(value)
  return ordered(value as Record<string, unknown>, [
    'effect',
    'message',
    'tags',
    'timeout',
    'timeout_effect',
    'metadata',
  ])
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  const entries = Object.entries(value).map(([key, item]): [string, unknown] => [key, sorted(item)])
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}
