// biome-ignore-all lint/suspicious/noThenProperty: 'then' is a field of the language, and a keyword of JSON Schema
import { DEFAULT_TIMEOUT } from '../bounds.ts'
import type {
  AfterDocument,
  BundleDocument,
  ContractDocument,
  Expression,
  PostDocument,
  PreDocument,
  SandboxDocument,
  SessionDocument,
  ToolDocument,
} from '../document.ts'
import type { Mode, SideEffect, TimeoutEffect } from '../types.ts'
import type { Checked } from './check.ts'

/** The condition of a contract that names none. */
const ALWAYS: Expression = Object.freeze({ all: Object.freeze([]) })
const NOTHING: readonly string[] = Object.freeze([])
const NO_METADATA: Readonly<Record<string, unknown>> = Object.freeze({})

/** The document of a bundle that passed all checks: defaults filled in, everything frozen. */
export function buildDocument(bundle: Checked, kind: BundleDocument['kind']): BundleDocument {
  const metadata = bundle.metadata as Checked
  const tools = Object.entries((bundle.tools ?? {}) as Record<string, Checked>).map(
    ([name, tool]): [string, ToolDocument] => [
      name,
      Object.freeze({
        sideEffect: tool.side_effect as SideEffect,
        idempotent: (tool.idempotent as boolean | undefined) ?? false,
      }),
    ],
  )
  return Object.freeze({
    kind,
    name: metadata.name as string,
    description: (metadata.description as string | undefined) ?? null,
    metadata: Object.freeze(metadata),
    defaultMode: (bundle.defaults as Checked).mode as Mode,
    observeAlongside: (bundle.observe_alongside as boolean | undefined) ?? false,
    contracts: Object.freeze((bundle.contracts as readonly Checked[]).map(buildContract)),
    tools: new Map(tools),
    observability: bundle.observability === undefined ? null : frozen(bundle.observability as Checked),
  })
}

function frozen(part: Checked): Checked {
  for (const value of Object.values(part)) if (typeof value === 'object' && value !== null) frozen(value as Checked)
  return Object.freeze(part)
}

function buildContract(contract: Checked): ContractDocument {
  switch (contract.type) {
    case 'pre':
      return buildPre(contract)
    case 'post':
      return buildPost(contract)
    case 'session':
      return buildSession(contract)
    default:
      return buildSandbox(contract)
  }
}

function common(contract: Checked) {
  return {
    id: contract.id as string,
    enabled: (contract.enabled as boolean | undefined) ?? true,
    mode: (contract.mode as Mode | undefined) ?? null,
    candidate: false,
  }
}

function then(contract: Checked) {
  const written = contract.then as Checked
  return {
    message: (written.message as string | undefined) ?? `The session is labelled '${written.label}'.`,
    tags: (written.tags as readonly string[] | undefined) ?? NOTHING,
    metadata: (written.metadata as Record<string, unknown> | undefined) ?? NO_METADATA,
  }
}

function waiting(of: Checked) {
  return {
    timeout: (of.timeout as number | undefined) ?? DEFAULT_TIMEOUT,
    timeoutEffect: (of.timeout_effect as TimeoutEffect | undefined) ?? 'deny',
  }
}

function buildPre(contract: Checked): PreDocument {
  const written = contract.then as Checked
  return Object.freeze({
    ...common(contract),
    type: 'pre',
    tool: contract.tool as string,
    when: (contract.when as Expression | undefined) ?? ALWAYS,
    ...(contract.after === undefined ? {} : { after: after(contract.after as Checked) }),
    then: Object.freeze({
      ...then(contract),
      effect: written.effect as PreDocument['then']['effect'],
      ...waiting(written),
    }),
  })
}

function after(written: Checked): AfterDocument {
  return Object.freeze({
    labels: (written.labels as readonly string[] | undefined) ?? NOTHING,
    tools: (written.tools as readonly string[] | undefined) ?? NOTHING,
  })
}

function buildPost(contract: Checked): PostDocument {
  const written = contract.then as Checked
  return Object.freeze({
    ...common(contract),
    type: 'post',
    tool: contract.tool as string,
    when: (contract.when as Expression | undefined) ?? ALWAYS,
    then: Object.freeze({
      ...then(contract),
      effect: written.effect as PostDocument['then']['effect'],
      ...(written.label === undefined ? {} : { label: written.label as string }),
    }),
  })
}

function buildSession(contract: Checked): SessionDocument {
  const limits = contract.limits as Checked
  return Object.freeze({
    ...common(contract),
    type: 'session',
    limits: Object.freeze({
      maxToolCalls: (limits.max_tool_calls as number | undefined) ?? null,
      maxAttempts: (limits.max_attempts as number | undefined) ?? null,
      maxCallsPerTool: new Map(Object.entries((limits.max_calls_per_tool ?? {}) as Record<string, number>)),
    }),
    then: Object.freeze({ ...then(contract), effect: 'deny' as const }),
  })
}

function buildSandbox(contract: Checked): SandboxDocument {
  const allows = contract.allows as Checked | undefined
  const notAllows = contract.not_allows as Checked | undefined
  return Object.freeze({
    ...common(contract),
    type: 'sandbox',
    tools: (contract.tools as readonly string[] | undefined) ?? Object.freeze([contract.tool as string]),
    within: (contract.within as readonly string[] | undefined) ?? NOTHING,
    notWithin: (contract.not_within as readonly string[] | undefined) ?? NOTHING,
    allowsCommands: (allows?.commands as readonly string[] | undefined) ?? null,
    allowsDomains: (allows?.domains as readonly string[] | undefined) ?? null,
    notAllowsDomains: (notAllows?.domains as readonly string[] | undefined) ?? NOTHING,
    outside: (contract.outside as SandboxDocument['outside'] | undefined) ?? 'deny',
    message: contract.message as string,
    ...waiting(contract),
  })
}
