import { closeSync, constants, fstatSync, openSync, renameSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from '../logger.ts'
import type { EdictumServerClient } from './client.ts'
import { type AgentManifest, createEventDelivery } from './event-delivery.ts'
import { deliverAbandoned } from './spool.ts'
import {
  journalName,
  makeFolder,
  readLines,
  removeFile,
  type SpoolOwner,
  spoolFolder,
  spoolPath,
  thisProcess,
} from './spool-folder.ts'

export type { AgentManifest, SpoolOwner }

/**
 * The spool of programs that live for one call: all of them append to one file, which `deliverJournal` takes over and delivers
 * as it delivers what an ended process left behind.
 */
export function appendToJournal(owner: SpoolOwner, line: string, folder = ownFolder()): void {
  const path = join(folder, journalName(owner))
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > MAX_FILE_BYTES)
    throw new Error(`${path} has more than ${MAX_FILE_BYTES} bytes that wait for the server`)
  for (;;) {
    const file = openAppending(folder, path)
    try {
      writeSync(file, `${line}\n`)
      // Taken over between opening and writing: the one who delivers it may have read it already. The server knows events by
      // their ids, so that one which is in both files counts once.
      if (isAt(file, path)) return
    } finally {
      closeSync(file)
    }
  }
}

/**
 * Delivers what was appended, and what earlier deliveries left behind.
 * @returns how many events were dealt with, and whether all were; the rest waits for the next delivery
 */
export async function deliverJournal(deps: {
  readonly client: EdictumServerClient
  readonly logger: Logger
  readonly manifest?: AgentManifest | null
  readonly folder?: string
}): Promise<{ readonly delivered: number; readonly isComplete: boolean }> {
  const { client, logger, manifest = null, folder = ownFolder() } = deps
  const owner = { keyPrefix: client.keyPrefix, agentId: client.agentId }
  const send = createEventDelivery({ client, logger, manifest })
  let delivered = 0
  const deliver: typeof send = async (lines, signal) => {
    const outcome = await send(lines, signal)
    delivered += outcome.settled
    return outcome
  }
  const own = spoolPath(folder, owner, thisProcess())
  // Left where it is, it is the file of a process that has ended, and the next delivery finds it.
  const deliverOwn = async (): Promise<boolean> => {
    const lines = readLines(own)
    if ((await deliver(lines)).settled < lines.length) return false
    removeFile(own)
    return true
  }
  // What this process could not deliver before stands where the journal is to go.
  const isComplete =
    (await deliverOwn()) &&
    (await deliverAbandoned({ owner, deliver, logger, folder })) &&
    (!takeOver(join(folder, journalName(owner)), own) || (await deliverOwn()))
  return { delivered, isComplete }
}

/** Bytes and events that wait in the journal. */
export function journalSize(
  owner: SpoolOwner,
  folder = ownFolder(),
): { readonly events: number; readonly bytes: number } {
  const path = join(folder, journalName(owner))
  const lines = readLines(path)
  return { events: lines.length, bytes: lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0) }
}

/** As of every spool file. */
const MAX_FILE_BYTES = 32 * 1024 * 1024

const ownFolder = () => spoolFolder(process.env, process.platform)

const APPEND = constants.O_APPEND | constants.O_CREAT | constants.O_WRONLY | (constants.O_NOFOLLOW ?? 0)

function openAppending(folder: string, path: string): number {
  try {
    return openSync(path, APPEND, 0o600)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    makeFolder(folder)
    return openSync(path, APPEND, 0o600)
  }
}

function isAt(file: number, path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false })
  return found !== undefined && found.ino === fstatSync(file).ino
}

function takeOver(journal: string, own: string): boolean {
  try {
    renameSync(journal, own)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}
