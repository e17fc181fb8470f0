import { createReadStream, createWriteStream, existsSync, openSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Config } from '../config.ts'
import { StartupError } from '../errors.ts'
import { type BackupReport, readBackup, writeBackup } from '../storage/backup/backup.ts'
import type { Database } from '../storage/database.ts'
import { openSqlite } from '../storage/sqlite.ts'

/**
 * Write a backup of the database that `config` names to `file` (readable by its owner only), while the server runs or not.
 * An existing file is not overwritten.
 */
export async function backupToFile(config: Config, file: string): Promise<BackupReport> {
  if (existsSync(file)) throw new StartupError('file_exists', `'${file}' exists. Name a file that does not.`)
  const source = join(config.dataDir, 'lictor.db')
  if (config.databaseUrl === '' && !existsSync(source))
    throw new StartupError(
      'nothing_to_back_up',
      `There is no database in '${config.dataDir}'. Name the data folder with LICTOR_DATA_DIR.`,
    )
  const database =
    config.databaseUrl === '' ? openSqlite(source, { asReader: true }) : await postgres(config.databaseUrl)
  const draft = `${file}.partial`
  try {
    const report = await writeBackup(database, createWriteStream(draft, { fd: openDraft(draft, file) }))
    renameSync(draft, file)
    return report
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  } finally {
    await database.close()
  }
}

/** @throws StartupError where nothing can be written, such as in a folder that does not exist */
function openDraft(draft: string, file: string): number {
  try {
    return openSync(draft, 'w', 0o600)
  } catch (cause) {
    throw new StartupError('cannot_write', `'${file}' cannot be written: ${reasonOf(cause, dirname(file))}.`, cause)
  }
}

function reasonOf(cause: unknown, folder: string): string {
  const { code, message } = cause as NodeJS.ErrnoException
  if (code === 'ENOENT') return `there is no folder '${folder}'`
  return code === 'EACCES' ? `this user may not write in '${folder}'` : message
}

/** Restore `file` into the empty database that `config` names. The server must not run. */
export async function restoreFromFile(config: Config, file: string): Promise<BackupReport> {
  if (!existsSync(file)) throw new StartupError('no_such_file', `There is no file '${file}'.`)
  if (!statSync(file).isFile()) throw new StartupError('no_such_file', `'${file}' is no file.`)
  const database =
    config.databaseUrl === '' ? openSqlite(join(config.dataDir, 'lictor.db')) : await postgres(config.databaseUrl)
  try {
    return await readBackup(database, createReadStream(file))
  } finally {
    await database.close()
  }
}

/** The driver loads when in use: the server of one machine never needs it. */
async function postgres(url: string): Promise<Database> {
  const { openPostgres } = await import('../storage/postgres.ts')
  return openPostgres(url, () => {})
}
