import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Whose events a spool file holds. */
export interface SpoolOwner {
  /** What the console shows of the API key. */
  readonly keyPrefix: string
  readonly agentId: string
}

/** Where spool files lie: `LICTOR_SPOOL_DIR`, else the user's cache folder. */
export function spoolFolder(env: Readonly<Record<string, string | undefined>>, platform: NodeJS.Platform): string {
  if (env.LICTOR_SPOOL_DIR) return env.LICTOR_SPOOL_DIR
  if (env.XDG_CACHE_HOME) return join(env.XDG_CACHE_HOME, 'lictor', 'spool')
  if (platform === 'win32') return join(env.LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'), 'lictor', 'spool')
  if (platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'lictor', 'spool')
  return join(homedir(), '.cache', 'lictor', 'spool')
}

/** One process, recognisable also when its number is given to another one later. */
export interface ProcessIdentity {
  readonly pid: number
  readonly start: string
}

/** When the process with this number began, in the system's own measure; null where the system does not tell. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name of the program, in parentheses, may hold blanks; the start is the twentieth field behind it.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
  } catch {
    return null
  }
}

let own: ProcessIdentity | null = null

export function thisProcess(): ProcessIdentity {
  own ??= { pid: process.pid, start: startOf(process.pid) ?? String(Math.round(performance.timeOrigin)) }
  return own
}

/** Whether a process still lives. One whose start cannot be known is taken to be the one that is asked for. */
export function isAlive({ pid, start }: ProcessIdentity): boolean {
  if (pid === process.pid) return start === thisProcess().start
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  const actual = startOf(pid)
  return actual === null || actual === start
}

const EXTENSION = '.jsonl'
/** Stands in neither key prefixes nor agent ids. */
const SEPARATOR = '~'

export function spoolPath(folder: string, { keyPrefix, agentId }: SpoolOwner, { pid, start }: ProcessIdentity): string {
  return join(folder, `${[plain(keyPrefix), plain(agentId), pid, start].join(SEPARATOR)}${EXTENSION}`)
}

/** The file that programs append to which live for one call. Its end is no number of a process. */
export const journalName = ({ keyPrefix, agentId }: SpoolOwner): string =>
  `${[plain(keyPrefix), plain(agentId), 'journal'].join(SEPARATOR)}${EXTENSION}`

function plain(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9._-]/g, '_')
}

export function makeFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
}

/** Files of this key and agent whose processes have ended. */
export function abandonedFiles(folder: string, owner: SpoolOwner): readonly string[] {
  const prefix = `${plain(owner.keyPrefix)}${SEPARATOR}${plain(owner.agentId)}${SEPARATOR}`
  return namesIn(folder)
    .filter((name) => name.startsWith(prefix) && name.endsWith(EXTENSION))
    .filter((name) => {
      const [pid = '', start = ''] = name.slice(prefix.length, -EXTENSION.length).split(SEPARATOR)
      return /^\d+$/.test(pid) && !isAlive({ pid: Number(pid), start })
    })
    .map((name) => join(folder, name))
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    // No folder, no files; one that cannot be read is told of when it is to be written.
    return []
  }
}

/** The events of a file. A line that was cut off by the end of its process is none. */
export function readLines(path: string): readonly string[] {
  try {
    return readFileSync(path, 'utf8').split('\n').filter(isEvent)
  } catch (error) {
    // Another guard has delivered and removed it meanwhile.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

function isEvent(line: string): boolean {
  if (!line.startsWith('{')) return false
  try {
    JSON.parse(line)
    return true
  } catch {
    return false
  }
}

export function removeFile(path: string): void {
  rmSync(path, { force: true })
}
