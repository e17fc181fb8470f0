import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from './adapters/clock/system.ts'
import { createNaclSecretBox } from './adapters/secret-box/nacl.ts'
import { openNetwork } from './app.ts'
import { type PlannedConfig, planConfig } from './config.ts'
import { requireListenable } from './listen-check.ts'
import { openDatabase } from './open-database.ts'
import { checkMasterKey } from './storage/master-key.ts'
import { checkSchema } from './storage/migrate.ts'

/** One thing that a start needs. */
export interface StartCheck {
  readonly check: 'settings' | 'database' | 'redis' | 'port'
  /** Why a start would be refused, in the words of that refusal; null when it would not. */
  readonly refusal: string | null
  readonly detail: string
}

/**
 * Whether a server would start with these settings, by the steps of a start: each is tried as the start does it, and nothing
 * is made or changed. The rest is not tried where a step before it fails.
 */
export async function checkStart(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<readonly StartCheck[]> {
  let config: PlannedConfig
  try {
    config = planConfig(environment)
  } catch (error) {
    return [{ check: 'settings', refusal: wordsOf(error), detail: '' }]
  }
  const unknown = config.unknownNames ?? []
  const settings = unknown.length === 0 ? `data in ${config.dataDir}` : `nothing reads ${unknown.join(', ')}`
  return [
    { check: 'settings', refusal: null, detail: settings },
    await tried('port', `${config.host}:${config.port} is free`, () => requireListenable(config)),
    await tried('database', config.databaseUrl === '' ? 'SQLite' : 'PostgreSQL', () => tryDatabase(config)),
    ...(config.redisUrl === '' ? [] : [await tried('redis', 'answers', () => tryRedis(config))]),
  ]
}

async function tried(check: StartCheck['check'], detail: string, attempt: () => Promise<void>): Promise<StartCheck> {
  try {
    await attempt()
    return { check, refusal: null, detail }
  } catch (error) {
    return { check, refusal: wordsOf(error), detail: '' }
  }
}

/** A key that is made at the start belongs to no database that was written before. */
const MASTER_KEY_BYTES = 32

const silent = { warn: () => {} }

async function tryDatabase(config: Pick<PlannedConfig, 'databaseUrl' | 'dataDir' | 'masterKey'>): Promise<void> {
  // There is nothing to open yet, and opening would make it.
  if (config.databaseUrl === '' && !existsSync(join(config.dataDir, 'lictor.db'))) return
  const database = await openDatabase(config, silent)
  try {
    await checkSchema(database)
    const key = config.masterKey ?? new Uint8Array(MASTER_KEY_BYTES)
    await checkMasterKey(database, createNaclSecretBox(key))
  } finally {
    await database.close()
  }
}

async function tryRedis(config: Pick<PlannedConfig, 'redisUrl'>): Promise<void> {
  const network = await openNetwork(config, systemClock, silent, { busLag: { observe: () => {} } })
  await network.bus.close()
  network.close()
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
