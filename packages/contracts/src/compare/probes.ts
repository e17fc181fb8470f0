import type { AfterDocument, ContractDocument, SandboxDocument, SessionDocument } from '../document.ts'
import type { PrincipalInput } from '../envelope/principal.ts'
import { marksOfPast, NO_PAST } from '../history/history.ts'
import type { Counters } from '../types.ts'
import { sampleGlob } from './glob.ts'
import { type Assignment, solve } from './solve.ts'

/** A call to try on two bundles. */
export interface Probe {
  readonly tool: string
  readonly args: Readonly<Record<string, unknown>>
  readonly environment: string
  readonly principal: PrincipalInput | null
  readonly metadata: Readonly<Record<string, unknown>>
  readonly env: Readonly<Record<string, string>>
  /** What the tool returns; null leaves post contracts out. */
  readonly output: string | null
  readonly counters: Counters
}

const NO_COUNTERS: Counters = { attempts: 0, executions: 0, toolExecutions: 0, past: NO_PAST }

/** Calls near the borders of what a contract concerns, made of the words and numbers it holds. */
export function probesOf(contract: ContractDocument): readonly Probe[] {
  switch (contract.type) {
    case 'pre':
    case 'post': {
      const assignments = [...solve(contract.when, true), ...solve(contract.when, false)]
      const output = contract.type === 'post' ? 'output' : null
      const pasts = contract.type === 'pre' && contract.after !== undefined ? pastsOf(contract.after) : [NO_PAST]
      return sampleGlob(contract.tool).flatMap((tool) =>
        assignments.flatMap((each) =>
          pasts.map((past) => ({ ...probeOf(tool, each, output), counters: { ...NO_COUNTERS, past } })),
        ),
      )
    }
    case 'session':
      return sessionProbes(contract)
    case 'sandbox':
      return contract.tools
        .flatMap(sampleGlob)
        .flatMap((tool) => sandboxArguments(contract).map((args) => ({ ...probeOf(tool, new Map(), null), args })))
  }
}

/** Nothing, and each thing that is asked for, alone. */
function pastsOf({ labels, tools }: AfterDocument): readonly ReadonlySet<string>[] {
  return [
    NO_PAST,
    ...labels.map((label) => marksOfPast({ labels: [label] })),
    ...tools.map((tool) => marksOfPast({ tools: [tool] })),
  ]
}

function probeOf(named: string, assignment: Assignment, output: string | null): Probe {
  const args: Record<string, unknown> = {}
  const metadata: Record<string, unknown> = {}
  const claims: Record<string, unknown> = {}
  const env: Record<string, string> = {}
  const principal: Record<string, unknown> = {}
  let tool = named
  let environment = 'production'
  let returned = output
  let hasPrincipal = false
  for (const [selector, value] of assignment) {
    if (value === undefined) continue
    const [root = '', ...path] = selector.split('.')
    if (root === 'args') place(args, path, value)
    else if (root === 'metadata') place(metadata, path, value)
    else if (root === 'env') env[selector.slice('env.'.length)] = String(value)
    else if (selector === 'environment') environment = String(value)
    else if (selector === 'tool.name') tool = String(value)
    else if (selector === 'output.text') returned = String(value)
    else if (root === 'principal') {
      hasPrincipal = true
      if (path[0] === 'claims') place(claims, path.slice(1), value)
      else place(principal, path, value)
    }
  }
  return {
    tool,
    args,
    environment,
    principal: hasPrincipal ? { ...principal, ...(Object.keys(claims).length > 0 ? { claims } : {}) } : null,
    metadata,
    env,
    output: returned,
    counters: NO_COUNTERS,
  }
}

function place(into: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [key, ...rest] = path
  if (key === undefined) return
  if (rest.length === 0) {
    define(into, key, value)
    return
  }
  const inner = Object.hasOwn(into, key) ? into[key] : undefined
  const next: Record<string, unknown> = typeof inner === 'object' && inner !== null ? { ...inner } : {}
  define(into, key, next)
  place(next, rest, value)
}

/** Also for keys such as `__proto__`, which assignment would not store. */
function define(into: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(into, key, { value, enumerable: true, configurable: true, writable: true })
}

function sandboxArguments(contract: SandboxDocument): readonly Readonly<Record<string, unknown>>[] {
  const { within, notWithin, allowsCommands, allowsDomains, notAllowsDomains } = contract
  const domains = [...(allowsDomains ?? []), ...notAllowsDomains].flatMap(sampleGlob)
  return [
    ...[...within, ...notWithin].flatMap((folder) => [{ path: `${folder.replace(/\/+$/, '')}/file` }]),
    ...(within.length > 0 ? [{ path: '/elsewhere/file' }] : []),
    ...(allowsCommands ?? []).map((command) => ({ command })),
    ...(allowsCommands === null ? [] : [{ command: 'other-command' }]),
    ...domains.map((host) => ({ url: `https://${host}/` })),
    ...(domains.length > 0 ? [{ url: 'https://elsewhere.example/' }] : []),
  ]
}

function sessionProbes({ limits }: SessionDocument): readonly Probe[] {
  const around = (limit: number | null) => (limit === null ? [] : [limit - 1, limit])
  const probe = (tool: string, counters: Partial<Counters>): Probe => ({
    ...probeOf(tool, new Map(), null),
    counters: { ...NO_COUNTERS, ...counters },
  })
  return [
    ...around(limits.maxAttempts).map((attempts) => probe('any_tool', { attempts })),
    ...around(limits.maxToolCalls).map((executions) => probe('any_tool', { executions })),
    ...[...limits.maxCallsPerTool].flatMap(([tool, limit]) =>
      around(limit).map((toolExecutions) => probe(tool, { toolExecutions })),
    ),
  ]
}
