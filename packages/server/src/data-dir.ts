import { randomBytes } from 'node:crypto'
import { accessSync, chmodSync, constants, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { StartupError } from './errors.ts'

/** Makes the data folder where it is not there. @throws StartupError for one that cannot be written */
export function prepareDataDir(dataDir: string): void {
  try {
    makeFolder(dataDir)
    const probe = join(dataDir, '.writable')
    writeFileSync(probe, '')
  } catch (cause) {
    throw unwritable(dataDir, cause)
  }
}

/** The folder can be written, or made where it is to be. @throws StartupError */
export function requireWritable(dataDir: string): void {
  let folder = dataDir
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder)
  try {
    if (!statSync(folder).isDirectory()) throw new Error(`'${folder}' is a file`)
    accessSync(folder, constants.W_OK | constants.X_OK)
  } catch (cause) {
    throw unwritable(dataDir, cause)
  }
}

const unwritable = (dataDir: string, cause: unknown): StartupError =>
  new StartupError(
    'data_dir',
    `LICTOR_DATA_DIR names '${dataDir}', which cannot be written: ${(cause as Error).message}. Name a folder this user may write to.`,
    cause,
  )

/** Folder by folder: `recursive` never ends where the file system refuses to make folders, as `/proc` does. */
function makeFolder(path: string): void {
  if (existsSync(path)) return
  makeFolder(dirname(path))
  mkdirSync(path, { mode: 0o700 })
}

const masterKeyFile = (dataDir: string): string => join(dataDir, 'master.key')

/** Whether `masterKeyOf` makes no key. */
export const hasMasterKey = (given: string, dataDir: string): boolean =>
  given !== '' || existsSync(masterKeyFile(dataDir))

/** The key that is given, else that of the data folder, which is made where there is none. @throws StartupError */
export function masterKeyOf(given: string, dataDir: string): Uint8Array {
  if (given !== '') return decodeKey(given, 'LICTOR_MASTER_KEY')
  const file = masterKeyFile(dataDir)
  if (existsSync(file)) return decodeKey(readFileSync(file, 'utf8').trim(), file)
  const key = randomBytes(32)
  writeFileSync(file, `${key.toString('hex')}\n`, { mode: 0o600, flag: 'wx' })
  chmodSync(file, 0o600)
  return key
}

function decodeKey(text: string, where: string): Uint8Array {
  if (!/^[0-9a-fA-F]{64}$/.test(text))
    throw new StartupError('master_key', `${where} must hold 64 hex characters (32 bytes).`)
  return Buffer.from(text, 'hex')
}
