import type { Envelope } from '../types.ts'
import { LEADING_REDIRECT, shellWords } from './shell-words.ts'

/** What joins, substitutes or feeds commands, quoted or not: such a text is more than one command. */
const SEPARATOR = /[;|&\n\r`]|\$\(|\$\{|\$'|<\(|>\(|<</

/** A command line as a sandbox sees it. */
export type CommandLine =
  | { readonly kind: 'none' }
  /** There is a command, but it is no text that could be judged. */
  | { readonly kind: 'unreadable' }
  | {
      readonly kind: 'text'
      readonly words: readonly string[]
      /** First word; null when there is none; `COMPOUND` when the text is not one plain command. */
      readonly command: string | null | typeof COMPOUND
    }

/** Stands for a command that no allow-list can name. */
export const COMPOUND = Symbol('compound')

const NONE: CommandLine = Object.freeze({ kind: 'none' })
const UNREADABLE: CommandLine = Object.freeze({ kind: 'unreadable' })

/**
 * The command of a call (contract-language §10.4): `bash_command`, else `args.command`. A value that is neither text nor
 * absent, such as an argument vector, is unreadable: reading it as "no command" would let it past the allow-list.
 */
export function commandLine(envelope: Envelope): CommandLine {
  const source: unknown = envelope.bashCommand || ownCommand(envelope.args)
  if (source === undefined || source === null) return NONE
  if (typeof source !== 'string') return UNREADABLE
  const text = source.trim()
  if (text === '') return NONE
  const words = shellWords(text)
  if (SEPARATOR.test(text) || LEADING_REDIRECT.test(text)) return { kind: 'text', words, command: COMPOUND }
  return { kind: 'text', words, command: words[0] ?? null }
}

function ownCommand(args: Readonly<Record<string, unknown>>): unknown {
  return Object.hasOwn(args, 'command') ? args.command : undefined
}
