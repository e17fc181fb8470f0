import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Config } from './config.ts'
import type { Database } from './storage/database.ts'
import { openSqlite } from './storage/sqlite.ts'

/** The database that the settings name. The driver of PostgreSQL loads when in use. */
export async function openDatabase(
  config: Pick<Config, 'databaseUrl' | 'dataDir'>,
  logger: Pick<Logger, 'warn'>,
): Promise<Database> {
  if (config.databaseUrl !== '') {
    const { openPostgres } = await import('./storage/postgres.ts')
    return openPostgres(config.databaseUrl, (err) => logger.warn({ err }, 'idle database connection lost'))
  }
  return openSqlite(join(config.dataDir, 'lictor.db'))
}
