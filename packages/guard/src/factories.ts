import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import {
  type BundleDocument,
  type CompositionReport,
  type ContractDocument,
  type CustomOperators,
  type CustomSelectors,
  composeBundles,
  MAX_BUNDLE_BYTES,
  RedactionPolicy,
} from '@lictor/contracts'
import { templates } from '@lictor/contracts/templates'
import { FileAuditSink, StdoutAuditSink } from './audit/line-sinks.ts'
import { type AuditSink, discardingSink } from './audit/sinks.ts'
import { configError } from './errors.ts'
import type { Guard } from './guard.ts'
import { loadWith } from './load.ts'
import { consoleLogger, errorText } from './logger.ts'
import type { EdictumOptions, YamlOptions } from './options.ts'
import { realPath } from './real-path.ts'
import { compileState, type StateSource } from './state.ts'

export type YamlReport = CompositionReport

/** Paths, or one list of them, and options at the end. */
export type YamlArguments<Report extends boolean> = readonly [
  ...(readonly string[] | readonly [readonly string[]]),
  ...(Report extends true
    ? [YamlOptions & { readonly returnReport: true }]
    : [(YamlOptions & { readonly returnReport?: false })?]),
]

/** The class whose guards are made; handed in, because it knows these factories. */
export type GuardClass<Made extends Guard> = new (options: EdictumOptions) => Made

export function fromYaml<Made extends Guard>(
  args: readonly (string | readonly string[] | (YamlOptions & { readonly returnReport?: boolean }) | undefined)[],
  Made: GuardClass<Made>,
): Made | [Made, YamlReport] {
  const paths = args.flatMap((arg) => (typeof arg === 'string' ? [arg] : Array.isArray(arg) ? (arg as string[]) : []))
  const options = (args.find((arg) => typeof arg === 'object' && !Array.isArray(arg)) ?? {}) as YamlOptions & {
    readonly returnReport?: boolean
  }
  const layers = paths.map((path) => ({ source: path, bundle: loadWith(readBundle(path), options.customOperators) }))
  if (layers.length === 0) throw configError('fromYaml needs the path of at least one bundle.')
  const { document, hash, report } = composeBundles(layers)
  const guard = newGuard(document, hash, options, Made)
  return options.returnReport ? [guard, report] : guard
}

export function fromYamlString<Made extends Guard>(
  content: string | Uint8Array,
  options: YamlOptions,
  Made: GuardClass<Made>,
): Made {
  const { document, hash } = loadWith(content, options.customOperators)
  return newGuard(document, hash, options, Made)
}

export function fromTemplate<Made extends Guard>(
  name: string,
  options: YamlOptions & { readonly templateDirs?: readonly string[] },
  Made: GuardClass<Made>,
): Made {
  const { templateDirs = [], ...rest } = options
  if (/[/\\]|\.\./.test(name)) throw configError(`Template name ${JSON.stringify(name)} must be a plain name, no path.`)
  const found = listTemplates(templateDirs).find((template) => template.name === name)
  if (found === undefined) {
    const names = listTemplates(templateDirs).map((template) => template.name)
    throw configError(`Unknown template '${name}'. Available: ${names.toSorted().join(', ') || 'none'}`)
  }
  return fromYamlString(found.builtin ? (templates.get(name) ?? '') : readBundle(found.path), rest, Made)
}

export interface TemplateInfo {
  readonly name: string
  /** File of a user's template; `builtin:<name>` for those of this package. */
  readonly path: string
  readonly builtin: boolean
}

/** The templates of the given folders, then those built in. A name found first hides the later ones. */
export function listTemplates(templateDirs: readonly string[] = []): readonly TemplateInfo[] {
  const found = new Map<string, TemplateInfo>()
  for (const directory of templateDirs) {
    for (const file of filesOf(directory)) {
      const name = file.slice(0, -'.yaml'.length)
      if (!found.has(name)) found.set(name, { name, path: join(directory, file), builtin: false })
    }
  }
  for (const name of templates.keys()) {
    if (!found.has(name)) found.set(name, { name, path: `builtin:${name}`, builtin: true })
  }
  return [...found.values()]
}

function filesOf(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
      .filter((file) => file.endsWith('.yaml'))
      .toSorted()
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return []
    throw configError(`The template folder ${directory} cannot be read: ${errorText(error)}`, { cause: error })
  }
}

function readBundle(path: string): Uint8Array {
  try {
    const { size } = statSync(path)
    if (size > MAX_BUNDLE_BYTES) {
      throw configError(`${path} has ${size} bytes; a bundle has at most ${MAX_BUNDLE_BYTES}.`, { code: 'too_large' })
    }
    return readFileSync(path)
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error
    throw configError(`The bundle ${path} cannot be read: ${error.message}`, { code: 'unreadable_file', cause: error })
  }
}

function newGuard<Made extends Guard>(
  document: BundleDocument,
  version: string,
  options: YamlOptions,
  Made: GuardClass<Made>,
): Made {
  const sink = options.auditSink ?? sinkOf(document, options)
  const guard = new Made({ ...options, ...(sink === undefined ? {} : { auditSink: sink }) })
  guard.adopt(
    compileState(
      {
        document,
        contracts: [],
        limits: undefined,
        operators: options.customOperators ?? {},
        selectors: options.customSelectors ?? {},
        resolvePath: options.resolvePath === undefined ? realPath : options.resolvePath,
      },
      version,
    ),
  )
  return guard
}

/** What the bundle's `observability` block asks for. */
function sinkOf(document: BundleDocument, options: YamlOptions): AuditSink | undefined {
  const { observability } = document
  if (observability === null) return undefined
  const redaction = options.redaction ?? new RedactionPolicy()
  const otel = observability.otel as { readonly enabled?: unknown } | undefined
  if (otel?.enabled === true && options.telemetry === undefined) {
    const logger = options.logger ?? consoleLogger
    logger.warn(
      'the bundle asks for OpenTelemetry; pass telemetry: new GovernanceTelemetry(await import("@opentelemetry/api")).',
    )
  }
  if (typeof observability.file === 'string') return new FileAuditSink(observability.file, redaction)
  if (observability.stdout === true) return new StdoutAuditSink(redaction)
  return observability.stdout === false ? discardingSink : undefined
}

export function fromMultiple<Made extends Guard>(guards: readonly Guard[], Made: GuardClass<Made>): Made {
  const [first] = guards
  if (first === undefined) throw configError('fromMultiple needs at least one guard.')
  const sources = guards.map((guard) => {
    if (guard.state.source === null)
      throw configError('A guard made from a compiled policy cannot be merged with others.')
    return guard.state.source
  })
  const merged = new Made({
    environment: first.environment,
    mode: first.options.mode,
    auditSink: first.auditSink,
    redaction: first.redaction,
    backend: first.backend,
    logger: first.logger,
    ...pick(first.options, ['onDeny', 'onAllow', 'successCheck', 'clock', 'newId', 'telemetry', 'resolvePath']),
    ...(first.approvalBackend ? { approvalBackend: first.approvalBackend } : {}),
    tools: Object.fromEntries(first.toolRegistry.entries()),
    environmentVariables: first.options.environmentVariables,
  })
  const source = mergeSources(sources, (id) =>
    first.logger.warn(`contract ${id} occurs in several guards; the first one counts.`),
  )
  const state = compileState(source, first.policyVersion)
  merged.adopt(Object.freeze({ ...state, limits: first.limits, defaultMode: first.mode }))
  return merged
}

function mergeSources(sources: readonly StateSource[], onDuplicate: (id: string) => void): StateSource {
  const [first] = sources as [StateSource, ...StateSource[]]
  const seen = new Set<string>()
  const contracts: ContractDocument[] = []
  for (const [index, source] of sources.entries()) {
    const { document } = source
    for (const contract of document?.contracts ?? []) {
      // Enforced contracts and candidates are two name spaces.
      const key = `${contract.candidate}:${contract.id}`
      if (seen.has(key)) {
        onDuplicate(contract.id)
        continue
      }
      seen.add(key)
      const own = { ...contract, mode: contract.mode ?? document?.defaultMode ?? 'enforce' }
      // Limits per tool belong to the guard, and the guard's limits are the first one's.
      contracts.push(
        own.type === 'session' && index > 0 ? { ...own, limits: { ...own.limits, maxCallsPerTool: new Map() } } : own,
      )
    }
  }
  const base = first.document ?? sources.find((source) => source.document !== null)?.document ?? null
  const operators: Record<string, CustomOperators[string]> = {}
  const selectors: Record<string, CustomSelectors[string]> = {}
  for (const source of sources.toReversed()) {
    Object.assign(operators, source.operators)
    Object.assign(selectors, source.selectors)
  }
  return {
    document: base === null ? null : { ...base, tools: first.document?.tools ?? new Map(), contracts },
    contracts: sources.flatMap((source) => source.contracts),
    limits: first.limits,
    operators,
    selectors,
    resolvePath: first.resolvePath,
  }
}

function pick<Source extends object, Key extends keyof Source>(
  source: Source,
  keys: readonly Key[],
): Pick<Source, Key> {
  return Object.fromEntries(
    keys.filter((key) => source[key] !== undefined).map((key) => [key, source[key]]),
  ) as unknown as Pick<Source, Key>
}
