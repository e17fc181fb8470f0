import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { createNaclSecretBox } from './adapters/secret-box/nacl.ts'
import type { Config } from './config.ts'
import { StartupError } from './errors.ts'
import { openDatabase } from './open-database.ts'
import type { Database } from './storage/database.ts'
import { migrate } from './storage/migrate.ts'
import { rewrap, sealedUnder } from './storage/rewrap.ts'

export interface Rotated {
  /** `already`: a rotation that was cut off had come that far; only the key was put in its place. */
  readonly kind: 'rotated' | 'already'
  /** Sealed values. */
  readonly values: number
  /** Where the new key is. */
  readonly file: string
  /** The key comes by `LICTOR_MASTER_KEY`, which has to be set to the new one before the next start. */
  readonly mustBeSet: boolean
}

/** Beside `master.key` while a rotation is under way. */
export const nextKeyFile = (dataDir: string): string => join(dataDir, 'master.key.next')

/**
 * Seal everything in the database with a new master key.
 *
 * The new key is on the disk before anything is sealed with it, and the old one stays until everything is: whatever ends this at
 * whatever moment, one of the two files holds the key that opens the database, and the next call (or start) goes on from there.
 *
 * @param newKeyFile where the new key is, or is to be written, when the key comes by the environment; null: in the data folder
 * @param promote put the new key file in the place of the old one
 * @throws StartupError when a server is running, or neither key opens the database
 */
export async function rotateMasterKey(
  database: Database,
  options: {
    readonly dataDir: string
    readonly masterKey: Uint8Array
    readonly isFromEnvironment: boolean
    readonly newKeyFile: string | null
    readonly now: number
  },
  promote: (next: string, file: string) => void = renameSync,
): Promise<Rotated> {
  const { dataDir, masterKey, isFromEnvironment, now } = options
  if (isFromEnvironment && options.newKeyFile === null)
    throw new StartupError(
      'new_key_file',
      'The master key comes by LICTOR_MASTER_KEY: name a file for the new one with --new-key-file, and set LICTOR_MASTER_KEY (or LICTOR_MASTER_KEY_FILE) to it afterwards.',
    )
  if (!isFromEnvironment && options.newKeyFile !== null)
    throw new StartupError(
      'new_key_file',
      'The master key is in the data folder, and the new one is put in its place: leave --new-key-file out.',
    )
  const next = options.newKeyFile ? resolve(options.newKeyFile) : nextKeyFile(dataDir)
  const newKey = keyIn(next)
  const keys = { old: createNaclSecretBox(masterKey), new: createNaclSecretBox(newKey) }
  const under = await sealedUnder(database, keys)
  if (under === 'neither')
    throw new StartupError(
      'master_key',
      'The master key is not the one this database was written under. Put back the master.key (or LICTOR_MASTER_KEY) that belongs to it.',
    )
  if (under === null)
    throw new StartupError('no_database', 'No server has started on this database yet: there is nothing to seal anew.')
  const values = under === 'new' ? 0 : (await rewrap(database, keys, now)).values
  const kind = under === 'new' ? 'already' : 'rotated'
  if (isFromEnvironment) return { kind, values, file: next, mustBeSet: true }
  const file = join(dataDir, 'master.key')
  promote(next, file)
  syncFolder(dataDir)
  return { kind, values, file, mustBeSet: false }
}

/** As `rotateMasterKey`, of the database that `config` names. The server must not run. */
export async function rotateMasterKeyOf(
  config: Config,
  options: { readonly isFromEnvironment: boolean; readonly newKeyFile: string | null },
): Promise<Rotated> {
  const database = await openDatabase(config, { warn: () => {} })
  try {
    await migrate(database)
    return await rotateMasterKey(database, { ...config, ...options, now: Date.now() * 1000 })
  } finally {
    await database.close()
  }
}

/**
 * The key that opens the database: the one in the data folder, or the one that a rotation was about to put there when it ended.
 * Puts that one in its place.
 */
export async function settledMasterKey(
  database: Database,
  { dataDir, masterKey }: { readonly dataDir: string; readonly masterKey: Uint8Array },
): Promise<Uint8Array> {
  const next = nextKeyFile(dataDir)
  if (!existsSync(next)) return masterKey
  const newKey = keyIn(next)
  const keys = { old: createNaclSecretBox(masterKey), new: createNaclSecretBox(newKey) }
  const under = await sealedUnder(database, keys)
  if (under === 'new') {
    renameSync(next, join(dataDir, 'master.key'))
    syncFolder(dataDir)
    return newKey
  }
  // Nothing was sealed with it: the rotation had not come that far, and the next one takes the same key.
  return masterKey
}

/** The key in a file, made and written to the disk where there is none. @throws StartupError */
function keyIn(file: string): Uint8Array {
  if (!existsSync(file)) {
    try {
      writeFileSync(file, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600, flag: 'wx', flush: true })
      syncFolder(dirname(file))
    } catch (cause) {
      throw new StartupError(
        'new_key_file',
        `The new key cannot be written to '${file}': ${(cause as Error).message}.`,
        cause,
      )
    }
  }
  const text = readFileSync(file, 'utf8').trim()
  if (!/^[0-9a-f]{64}$/i.test(text))
    throw new StartupError('new_key_file', `'${file}' must hold 64 hex characters (32 bytes), or not exist yet.`)
  return Buffer.from(text, 'hex')
}

/** A name is on the disk when its folder is. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return
  const descriptor = openSync(folder, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
