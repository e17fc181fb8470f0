import { withoutBlanks } from '../plain/blanks.ts'
import type { SideEffect } from '../types.ts'

const OPERATORS = /[\n\r$>|;`]|<\(|<<|&&|#\{/

/** A command is one of these, or begins with one and a single blank. */
const READ_COMMANDS: ReadonlySet<string> = new Set([
  ...'ls cat head tail wc find grep rg echo pwd whoami date which file stat du df tree less more'.split(' '),
  ...'status log diff show branch remote tag'.split(' ').map((word) => `git ${word}`),
])

/**
 * Side effect of a shell command, a heuristic and no security boundary: `read` for an empty
 * command and for the listed ones without shell operators, else `irreversible`. A value that is no string is `irreversible`.
 */
export function classifyBash(command: unknown): SideEffect {
  if (typeof command !== 'string') return 'irreversible'
  const text = withoutBlanks(command)
  if (text === '') return 'read'
  if (OPERATORS.test(text)) return 'irreversible'
  const first = text.indexOf(' ')
  if (first === -1) return READ_COMMANDS.has(text) ? 'read' : 'irreversible'
  if (READ_COMMANDS.has(text.slice(0, first))) return 'read'
  const second = text.indexOf(' ', first + 1)
  return READ_COMMANDS.has(second === -1 ? text : text.slice(0, second)) ? 'read' : 'irreversible'
}
