import { EdictumConfigError, globMatches, readYaml } from '@lictor/contracts'

/** What of a contract says which tools it governs. */
export interface ContractMatcher {
  readonly contractName: string
  readonly contractType: string
  readonly mode: string
  readonly bundleName: string
  readonly source: 'console' | 'local'
  /** Tool names or globs; a contract without any governs no tool by name. */
  readonly patterns: readonly string[]
}

export type ToolStatus = 'enforced' | 'observed' | 'ungoverned'

export interface CoveredTool {
  readonly toolName: string
  readonly status: ToolStatus
  /** The contract that says so; null for an ungoverned tool. */
  readonly by: ContractMatcher | null
}

export interface CoverageSummary {
  readonly total: number
  readonly enforced: number
  readonly observed: number
  readonly ungoverned: number
  /** Enforced tools in percent of all, 100 of none. Half goes to the even number. */
  readonly percent: number
}

/** The contracts of a bundle; none when it cannot be read. */
export function bundleMatchers(yaml: string, bundleName: string): readonly ContractMatcher[] {
  const document = parse(yaml)
  if (!isRecord(document)) return []
  const entries = document.contracts ?? document.rules
  if (!Array.isArray(entries)) return []
  const defaults = isRecord(document.defaults) ? textOr(document.defaults.mode, 'enforce') : 'enforce'
  return entries.flatMap((entry) => matcherOf(entry, { bundleName, source: 'console', mode: defaults }))
}

/** The contracts an agent reported that runs its own. */
export function manifestMatchers(manifest: unknown): readonly ContractMatcher[] {
  const entries = isRecord(manifest) ? manifest.contracts : undefined
  if (!Array.isArray(entries)) return []
  return entries
    .filter((entry) => isRecord(entry) && textOr(entry.id, '') !== '')
    .flatMap((entry) =>
      matcherOf({ ...entry, name: entry.id }, { bundleName: 'local', source: 'local', mode: 'enforce' }),
    )
}

/** Enforced beats observed; among equals the first contract counts. */
export function coverTool(toolName: string, matchers: readonly ContractMatcher[]): CoveredTool {
  let observing: ContractMatcher | null = null
  for (const matcher of matchers) {
    if (!matcher.patterns.some((pattern) => matchesTool(pattern, toolName))) continue
    if (matcher.mode === 'enforce') return { toolName, status: 'enforced', by: matcher }
    observing ??= matcher
  }
  return { toolName, status: observing === null ? 'ungoverned' : 'observed', by: observing }
}

/** Only `*` and `?` make a pattern a glob. */
export function matchesTool(pattern: string, toolName: string): boolean {
  if (pattern === '*') return true
  return /[*?]/.test(pattern) ? globMatches(pattern, toolName) : pattern === toolName
}

const ORDER: Readonly<Record<ToolStatus, number>> = { enforced: 0, observed: 1, ungoverned: 2 }

/** Enforced first, then observed, then ungoverned; otherwise as they came. */
export function byStatus(a: { readonly status: ToolStatus }, b: { readonly status: ToolStatus }): number {
  return ORDER[a.status] - ORDER[b.status]
}

export function summarise(tools: readonly { readonly status: ToolStatus }[]): CoverageSummary {
  const count = (status: ToolStatus) => tools.filter((tool) => tool.status === status).length
  const enforced = count('enforced')
  const total = tools.length
  return {
    total,
    enforced,
    observed: count('observed'),
    ungoverned: count('ungoverned'),
    percent: total === 0 ? 100 : roundHalfEven((100 * enforced) / total),
  }
}

function roundHalfEven(value: number): number {
  const below = Math.floor(value)
  if (value - below !== 0.5) return Math.round(value)
  return below % 2 === 0 ? below : below + 1
}

function matcherOf(
  entry: unknown,
  otherwise: { bundleName: string; source: 'console' | 'local'; mode: string },
): ContractMatcher[] {
  if (!isRecord(entry) || entry.enabled === false) return []
  const contractName = textOr(entry.name, '') || textOr(entry.id, '')
  if (contractName === '') return []
  return [
    {
      contractName,
      contractType: textOr(entry.type, 'pre'),
      mode: textOr(entry.mode, otherwise.mode),
      bundleName: otherwise.bundleName,
      source: otherwise.source,
      patterns: patternsOf(entry.tools ?? entry.tool),
    },
  ]
}

function patternsOf(tools: unknown): string[] {
  if (typeof tools === 'string') return [tools]
  return Array.isArray(tools) ? tools.filter((tool) => typeof tool === 'string') : []
}

function parse(yaml: string): unknown {
  try {
    return readYaml(yaml)
  } catch (error) {
    if (error instanceof EdictumConfigError) return null
    throw error
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const textOr = (value: unknown, otherwise: string): string => (typeof value === 'string' ? value : otherwise)
