import { configError } from '../errors.ts'
import { isFalsy } from '../plain/falsy.ts'
import type { Envelope, Principal, SideEffect, ToolArguments } from '../types.ts'
import { copyArguments } from './arguments.ts'
import { classifyBash } from './bash.ts'
import { joinedLine } from './command-line.ts'
import { EMPTY_RECORD, frozenRecord } from './copy.ts'
import { createPrincipal, type PrincipalInput } from './principal.ts'
import { ownToolArguments, type ToolRegistry } from './registry.ts'

/** What the caller knows of a call besides its tool and arguments. */
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

/** Tools of published agents whose first argument of these names is the file they open. */
export const FILE_TOOLS: ReadonlySet<string> = new Set(['Read', 'Glob', 'Grep', 'Write', 'Edit'])

/** Throws `EdictumConfigError` (code `tool_name`) unless the name may name a tool. */
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
 * Throws `EdictumConfigError`: code `tool_name` for an illegal name, `argument_type` for an argument that cannot be copied
 * and judged (`copyArguments`), `unreadable_metadata` and `unreadable_principal` when those cannot be read at all. Such a
 * call must not run.
 */
export function createEnvelope(
  toolName: string,
  args: Readonly<Record<string, unknown>> = EMPTY_RECORD,
  options: EnvelopeOptions = {},
): Envelope {
  assertToolName(toolName)
  const described = options.registry === undefined ? ownToolArguments(toolName) : options.registry.argumentsOf(toolName)
  const copied = copyArguments(args, toolName, described)
  const line = described?.commandLine === undefined ? null : joinedLine(copied.args, described.commandLine)
  const joinedArgs = line === null ? null : Object.freeze({ ...copied.args, command: line })
  const joined = joinedArgs && snapshot(toolName, joinedArgs, copied.passedThrough, described, null, options)
  return snapshot(toolName, copied.args, copied.passedThrough, described, joined, options)
}

function snapshot(
  toolName: string,
  args: Readonly<Record<string, unknown>>,
  passedThrough: ReadonlySet<unknown> | null,
  described: ToolArguments | null,
  joined: Envelope | null,
  options: EnvelopeOptions,
): Envelope {
  const classified = options.registry?.classify(toolName)
  const isBash = toolName === 'Bash'
  const command = isBash ? own(args, 'command') : undefined
  return Object.freeze({
    toolName,
    args,
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
    filePath: FILE_TOOLS.has(toolName) ? filePathOf(args) : null,
    metadata: options.metadata === undefined ? EMPTY_RECORD : readMetadata(options.metadata),
    described,
    passedThrough,
    joined,
  })
}

function filePathOf(args: Readonly<Record<string, unknown>>): string | null {
  for (const key of ['file_path', 'filePath', 'path']) {
    const value = own(args, key)
    if (!isFalsy(value)) return typeof value === 'string' ? value : null
  }
  return null
}

function own(args: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(args, key) ? args[key] : undefined
}

function readPrincipal(input: PrincipalInput): Principal {
  try {
    return createPrincipal(input)
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'reading it failed'
    throw configError('unreadable_principal', `The principal of the call cannot be read: ${reason}`)
  }
}

function readMetadata(value: unknown): Readonly<Record<string, unknown>> {
  try {
    return frozenRecord(value)
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'reading it failed'
    throw configError('unreadable_metadata', `The metadata of the call cannot be read: ${reason}`)
  }
}
