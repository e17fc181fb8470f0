import type { SideEffect } from '../types.ts'

const OPERATORS = /[\n\r$>|;`]|<\(|<<|&&|#\{/

const READ_COMMANDS: readonly string[] = [
  'ls cat head tail wc find grep rg echo pwd whoami date which file stat du df tree less more'.split(' '),
  'status log diff show branch remote tag'.split(' ').map((word) => `git ${word}`),
].flat()

/**
 * Side effect of a shell command, a heuristic and no security boundary (contract-language §3): `read` for an empty
 * command and for the listed ones without shell operators, else `irreversible`. A value that is no string is `irreversible`.
 */
export function classifyBash(command: unknown): SideEffect {
  if (typeof command !== 'string') return 'irreversible'
  const text = command.trim()
  if (text === '') return 'read'
  if (OPERATORS.test(text)) return 'irreversible'
  return READ_COMMANDS.some((known) => text === known || text.startsWith(`${known} `)) ? 'read' : 'irreversible'
}
