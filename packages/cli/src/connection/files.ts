import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { CliError } from '../errors.ts'
import type { Terminal } from '../terminal/terminal.ts'

/** The text of a file a command was given. @throws CliError (used wrongly) when it cannot be read. */
export function readTextFile(terminal: Terminal, path: string): string {
  const file = resolve(terminal.workingDirectory, path)
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    const reason =
      (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : (cause as Error).message
    throw new CliError('file', `${path}: ${reason}`, { exitCode: 2, cause })
  }
}
