import { kindOf } from '../expressions/outcome.ts'
import type { Envelope } from '../types.ts'

/** Names the refusal in decisions and events. */
export const BASH_COMMAND = Object.freeze({ source: 'envelope', name: 'bash_command' })

/**
 * Why a call of `Bash` cannot be judged: its command is there and is no text, so that neither a contract nor the classifier of
 * commands sees what would run. Null for every other call.
 */
export function unreadableBashCommand({ toolName, args, bashCommand }: Envelope): string | null {
  if (toolName !== 'Bash' || bashCommand !== '') return null
  if (!Object.hasOwn(args, 'command') || typeof args.command === 'string') return null
  return `The command of a Bash call must be a string, but it is ${kindOf(args.command)}`
}
