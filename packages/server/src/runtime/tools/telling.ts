import { RedactionPolicy } from '@lictor/contracts'
import type { Violation } from './judge-by-context.ts'

const redaction = new RedactionPolicy()
const LONGEST_RESULT_IN_EVENTS = 4096
/** Characters of a tool's name. */
export const LONGEST_TOOL_NAME = 256

const namedOtherwise: ReadonlySet<Violation['kind']> = new Set([
  'CommandNotAllowed',
  'SubcommandNotAllowed',
  'OutputSizeLimitExceeded',
  'VariableNotAllowed',
  'TenantMismatch',
  'JudgeRefused',
])

/** The kinds that clients of the event streams know are fewer: the rest is told as a tool that is not allowed. */
export const eventKind = (kind: Violation['kind']): string => (namedOtherwise.has(kind) ? 'ToolNotAllowed' : kind)

/** Characters of what is said of a call's arguments: it names them, and they may be of any length and number. */
export const LONGEST_DETAILS = 2000
/** Characters that a model or a client is told of a failure: what a tool says of its own may be long and useful. */
export const LONGEST_FAILURE = 16_384

/** The beginning of a text that is longer. */
export const cut = (text: string, most: number): string => (text.length <= most ? text : `${text.slice(0, most)}…`)

/** The name of a call as it goes on and is told: a longer one is that of no tool, and would fill every record of the call. */
export const toolNameOf = (name: string): string => cut(name, LONGEST_TOOL_NAME)

/** Arguments as an object, also when the model sent something else. */
export const asRecord = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : { value: value ?? null }

/** Without secrets, and short enough for an event. */
export function shortened(value: unknown): unknown {
  const redacted = redaction.redactArgs(value)
  const text = JSON.stringify(redacted)
  if (text === undefined || text.length <= LONGEST_RESULT_IN_EVENTS) return redacted ?? null
  return { truncated: true, length: text.length, preview: text.slice(0, LONGEST_RESULT_IN_EVENTS) }
}

/** A bootstrap keeps to the limit by itself; one that does not is held to it here. */
export function tailOf(text: string, limit: number): string {
  if (text.length <= limit) return text
  return text.slice(-limit)
}
