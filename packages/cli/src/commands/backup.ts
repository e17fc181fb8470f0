import { resolve } from 'node:path'
import { backupToFile, readConfig, restoreFromFile, StartupError } from '@lictor/server'
import { Command } from 'commander'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { present } from '../terminal/terminal.ts'

/** `lictor backup FILE`: the whole database in one file, of either kind; safe while the server runs. */
export function backupCommand({ terminal, settings }: Context): Command {
  const command = new Command('backup')
    .description('write the database to a file, while the server runs or not')
    .argument('<file>', 'a file that does not exist yet')
  return command.action(async (file: string) => {
    const report = await explained(() =>
      backupToFile(readConfig(terminal.environment), resolve(terminal.workingDirectory, file)),
    )
    present(terminal, settings(command).output, { file, ...report }, () => [
      `Wrote ${report.rows} rows of ${report.tables} tables to ${file}.`,
      'Secrets in it are sealed: keep the master key (master.key in the data folder, or LICTOR_MASTER_KEY) beside it.',
    ])
  })
}

/** `lictor restore FILE`: into an empty database, with the server stopped. */
export function restoreCommand({ terminal, settings }: Context): Command {
  const command = new Command('restore')
    .description('restore a backup into an empty database, with the server stopped')
    .argument('<file>', 'made by `lictor backup`')
  return command.action(async (file: string) => {
    const report = await explained(() =>
      restoreFromFile(readConfig(terminal.environment), resolve(terminal.workingDirectory, file)),
    )
    present(
      terminal,
      settings(command).output,
      { file, ...report },
      () =>
        `Restored ${report.rows} rows into ${report.tables} tables. Start the server with the master key the backup was made under.`,
    )
  })
}

async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof StartupError ? new CliError(error.code, error.message, { cause: error }) : error
  }
}
