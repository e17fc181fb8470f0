import type { Command } from 'commander'
import type { Connection } from './connection/connection.ts'
import type { OutputFormat, Terminal } from './terminal/terminal.ts'

/** What every command is given. */
export interface Context {
  readonly terminal: Terminal
  /** The server that this command's options and the environment name, signed in. */
  connect(command: Command): Promise<Connection>
  /** The options before and after the command's name that all commands share. */
  settings(command: Command): { output: OutputFormat; url?: string }
  /** What the shell is told once the command has given its answer: 1 denied, changed or failed. */
  exitWith(code: number): void
}
