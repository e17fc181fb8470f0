import { type BundleDocument, compilePolicy, globMatches, type Policy } from '@lictor/contracts'
import { type GatePlace, settingsPath } from '../place.ts'
import type { GateSettings } from '../settings.ts'
import { type Cached, readCache, type Source } from './cache.ts'
import { bytesOf } from './files.ts'

/** What is in force: the settings, and the contracts they name. */
export interface InForce {
  readonly settings: GateSettings
  /** Null where no file that the settings name is there, or what is there does not load. */
  readonly contracts: LoadedContracts | null
  /** Why what is there does not load. */
  readonly problem: string | null
}

export interface LoadedContracts {
  readonly document: BundleDocument
  readonly hash: string
  /** Name of the bundle, for the console. */
  readonly name: string | null
  /** Whether the files still hold what was loaded. */
  isCurrent(): boolean
}

/**
 * Reads settings and contracts. What was read of the very same bytes before is taken from a file beside them, because reading
 * YAML, and the code that does it, cost more than all the rest of a check.
 * @throws EdictumConfigError or GateSettingsError for settings that cannot be read, which refuse the call
 */
export async function readInForce(place: GatePlace, override: readonly string[] | null): Promise<InForce> {
  const settingsBytes = bytesOf(settingsPath(place))
  const kept = override === null ? readCache(place) : null
  const cached = kept !== null && isSame(kept.settingsBytes, settingsBytes) ? kept : null
  const settings = cached?.settings ?? (await readSettingsAnew(settingsBytes, place))
  const paths = override ?? settings.contracts
  try {
    const contracts = await readContracts(
      paths,
      cached,
      (read) => ({ ...read, settingsBytes, settings }),
      override === null ? place : null,
    )
    return { settings, contracts, problem: null }
  } catch (error) {
    return { settings, contracts: null, problem: error instanceof Error ? error.message : String(error) }
  }
}

async function readSettingsAnew(bytes: Uint8Array | null, place: GatePlace): Promise<GateSettings> {
  const { readSettings } = await import('./read-anew.ts')
  return readSettings(bytes && Buffer.from(bytes).toString('utf8'), place)
}

async function readContracts(
  paths: readonly string[],
  cached: Cached | null,
  toKeep: (read: Pick<Cached, 'sources' | 'document' | 'hash'>) => Cached,
  keptAt: GatePlace | null,
): Promise<LoadedContracts | null> {
  const sources = sourcesOf(paths)
  if (sources.length === 0) return null
  if (cached !== null && isSameSources(cached.sources, sources)) return loaded(cached, paths, sources)
  const { loadLayers, keep } = await import('./read-anew.ts')
  const read = loadLayers(sources)
  if (keptAt !== null) keep(keptAt, toKeep({ ...read, sources }))
  return loaded(read, paths, sources)
}

const loaded = (
  { document, hash }: Pick<Cached, 'document' | 'hash'>,
  paths: readonly string[],
  sources: readonly Source[],
): LoadedContracts => ({
  document,
  hash,
  name: document.name,
  isCurrent: () => isSameSources(sourcesOf(paths), sources),
})

/**
 * The policy for one tool: contracts that cannot concern it, and those over outputs, which no hook before a call can hold,
 * are left out, so that nothing is compiled in vain.
 */
export function policyFor(
  { document, hash }: LoadedContracts,
  tool: string,
  options: Pick<Parameters<typeof compilePolicy>[1], 'contracts' | 'resolvePath'>,
): Policy {
  const contracts = document.contracts.filter((contract) => {
    if (contract.type === 'session') return true
    if (contract.type === 'post') return false
    const tools = contract.type === 'sandbox' ? contract.tools : [contract.tool]
    return tools.some((pattern) => globMatches(pattern, tool))
  })
  return compilePolicy({ ...document, contracts }, { ...options, version: hash })
}

const sourcesOf = (paths: readonly string[]): readonly Source[] =>
  paths.flatMap((path) => {
    const bytes = bytesOf(path)
    return bytes === null ? [] : [{ path, bytes }]
  })

const isSame = (a: Uint8Array | null, b: Uint8Array | null): boolean =>
  a === null || b === null ? a === b : Buffer.compare(a, b) === 0

const isSameSources = (a: readonly Source[], b: readonly Source[]): boolean =>
  a.length === b.length && a.every(({ path, bytes }, index) => path === b[index]?.path && isSame(bytes, b[index].bytes))
