import { configError } from '../errors.ts'
import type { Envelope, Principal, SideEffect } from '../types.ts'
import { classifyBash } from './bash.ts'
import { EMPTY_RECORD, frozenRecord } from './copy.ts'
import { createPrincipal, type PrincipalInput } from './principal.ts'
import type { ToolRegistry } from './registry.ts'

/** What the caller knows of a call besides its tool and arguments (contract-language §3). */
export interface EnvelopeOptions {
  /** Identifies the call in audit. This package has no randomness, so the caller makes it. */
  readonly callId?: string
  /** ISO 8601 UTC. This package has no clock, so the caller tells the time. */
  readonly timestamp?: string
  /** Session id. Default: empty. */
  readonly runId?: string
  /** Default: 0. */
  readonly callIndex?: number
  readonly parentCallId?: string | null
  /** Default: `production`. */
  readonly environment?: string
  /** Default: empty. */
  readonly caller?: string
  readonly toolUseId?: string | null
  readonly principal?: PrincipalInput | null
  readonly metadata?: Readonly<Record<string, unknown>>
  /** Classifies the tool; without it every tool but Bash is irreversible. */
  readonly registry?: ToolRegistry
  /** Wins over registry and bash classifier. */
  readonly sideEffect?: SideEffect
}

/** C0 and C1 controls, DEL, line and paragraph separators, and the characters that would break storage keys and paths. */
const FORBIDDEN_IN_TOOL_NAME = /[\u0000-\u001f\u007f-\u009f\u2028\u2029/\\]/

const FILE_TOOLS: ReadonlySet<string> = new Set(['Read', 'Glob', 'Grep', 'Write', 'Edit'])

/** Throws `EdictumConfigError` (code `tool_name`) unless the name may name a tool (contract-language §3). */
export function assertToolName(toolName: unknown): asserts toolName is string {
  if (typeof toolName !== 'string' || toolName === '') {
    throw configError('tool_name', 'A tool name must be a non-empty string')
  }
  if (FORBIDDEN_IN_TOOL_NAME.test(toolName)) {
    throw configError(
      'tool_name',
      `The tool name ${JSON.stringify(toolName.slice(0, 100))} contains a control character, '/' or '\\'`,
    )
  }
}

/**
 * The immutable snapshot of one tool call. Arguments, metadata and claims are copied deeply and frozen, so changing the
 * originals afterwards changes nothing here.
 *
 * Throws `EdictumConfigError`: code `tool_name` for an illegal name, `unreadable_arguments` when the arguments cannot be
 * read at all (a revoked proxy), likewise `unreadable_principal`. Such a call must not run. Unreadable parts further down do not throw here; contracts that
 * look at them fail closed.
 */
export function createEnvelope(
  toolName: string,
  args: Readonly<Record<string, unknown>> = EMPTY_RECORD,
  options: EnvelopeOptions = {},
): Envelope {
  assertToolName(toolName)
  const copied = readRecord(args, 'arguments')
  const classified = options.registry?.classify(toolName)
  const isBash = toolName === 'Bash'
  const command = isBash ? own(copied, 'command') : undefined
  return Object.freeze({
    toolName,
    args: copied,
    callId: options.callId ?? '',
    runId: options.runId ?? '',
    callIndex: options.callIndex ?? 0,
    parentCallId: options.parentCallId ?? null,
    sideEffect:
      options.sideEffect ??
      (isBash ? classifyBash(command === undefined ? '' : command) : (classified?.sideEffect ?? 'irreversible')),
    idempotent: classified?.idempotent ?? false,
    environment: options.environment ?? 'production',
    timestamp: options.timestamp ?? '',
    caller: options.caller ?? '',
    toolUseId: options.toolUseId ?? null,
    principal: options.principal ? readPrincipal(options.principal) : null,
    bashCommand: isBash ? (typeof command === 'string' ? command : '') : null,
    filePath: FILE_TOOLS.has(toolName) ? filePathOf(copied) : null,
    metadata: options.metadata === undefined ? EMPTY_RECORD : readRecord(options.metadata, 'metadata'),
  })
}

function filePathOf(args: Readonly<Record<string, unknown>>): string | null {
  for (const key of ['file_path', 'filePath', 'path']) {
    const value = own(args, key)
    if (value) return typeof value === 'string' ? value : null
  }
  return null
}

/** An own value, or null when reading it throws; conditions that look at it fail closed on their own. */
function own(args: Readonly<Record<string, unknown>>, key: string): unknown {
  if (!Object.hasOwn(args, key)) return undefined
  try {
    return args[key]
  } catch {
    return null
  }
}

function readPrincipal(input: PrincipalInput): Principal {
  try {
    return createPrincipal(input)
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'reading it failed'
    throw configError('unreadable_principal', `The principal of the call cannot be read: ${reason}`)
  }
}

function readRecord(value: unknown, what: string): Readonly<Record<string, unknown>> {
  try {
    return frozenRecord(value)
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'reading them failed'
    throw configError('unreadable_arguments', `The ${what} of the call cannot be read: ${reason}`)
  }
}
