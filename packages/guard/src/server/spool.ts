import { closeSync, openSync, renameSync, writeFileSync, writeSync } from 'node:fs'
import { errorText, type Logger } from '../logger.ts'
import type { DeliverEvents } from './event-delivery.ts'
import { atProcessEnd } from './process-end.ts'
import {
  abandonedFiles,
  makeFolder,
  readLines,
  removeFile,
  type SpoolOwner,
  spoolFolder,
  spoolPath,
  thisProcess,
} from './spool-folder.ts'

/**
 * What happens to events that wait when the process ends: `true` writes them to a file, which the next guard of the same key
 * and agent delivers; `'each'` writes every event as it happens, for those who fear kill -9; `false` lets them go.
 */
export type SpoolMode = boolean | 'each'

/** The spool as one audit sink sees it. */
export interface Spool {
  /** Events that an earlier guard of this process could not deliver. They are the sink's from now on. */
  readonly adopted: readonly string[]
  /** Every event is to be handed over as it happens. */
  readonly each: boolean
  append(line: string): void
  /** Nothing waits any more, or less than before. */
  settled(): void
  /** The sink is closed; what it could not deliver stays for the next guard. */
  close(undelivered: readonly string[]): void
}

/** Bytes of a file at most; the oldest events go first. */
const MAX_FILE_BYTES = 32 * 1024 * 1024

/** One file a process for each key and agent, however many guards it has. */
const files = new Map<string, SpoolFile>()

/**
 * Opens the spool for one sink and delivers what ended processes of this key and agent left behind. A folder that cannot be
 * written is one warning: calls go on.
 * @param pending the events that wait at this moment, each as its JSON on the wire
 */
export function openSpool(deps: {
  readonly owner: SpoolOwner
  readonly mode: true | 'each'
  readonly pending: () => readonly string[]
  readonly logger: Logger
  readonly folder?: string
}): Spool {
  const { owner, mode, pending, logger } = deps
  const folder = deps.folder ?? spoolFolder(process.env, process.platform)
  const path = spoolPath(folder, owner, thisProcess())
  const file = files.get(path) ?? new SpoolFile(folder, path, logger)
  files.set(path, file)
  const adopted = file.join(pending)
  return {
    adopted,
    each: mode === 'each',
    append: (line) => file.append(line),
    settled: () => file.shrink(),
    close: (undelivered) => file.leave(pending, undelivered),
  }
}

/**
 * Delivers the files of ended processes. A file goes only after the server has all of it; two guards that find the same one
 * both send it, and the server knows the events by their ids. Returns false when the server is away.
 */
export async function deliverAbandoned(deps: {
  readonly owner: SpoolOwner
  readonly deliver: DeliverEvents
  readonly logger: Logger
  readonly folder?: string
}): Promise<boolean> {
  const { owner, deliver, logger } = deps
  const folder = deps.folder ?? spoolFolder(process.env, process.platform)
  for (const path of abandonedFiles(folder, owner)) {
    try {
      const lines = readLines(path)
      if ((await deliver(lines)).settled < lines.length) return false
      removeFile(path)
    } catch (error) {
      logger.warn(`the spool file ${path} was not delivered: ${errorText(error)}`)
    }
  }
  return true
}

class SpoolFile {
  readonly #folder: string
  readonly #path: string
  readonly #logger: Logger
  readonly #sources = new Set<() => readonly string[]>()
  #left: readonly string[] = []
  #appendTo: number | null = null
  #size = 0
  #unusable = false
  #forget: (() => void) | null = null

  constructor(folder: string, path: string, logger: Logger) {
    this.#folder = folder
    this.#path = path
    this.#logger = logger
  }

  join(pending: () => readonly string[]): readonly string[] {
    this.#sources.add(pending)
    this.#forget ??= atProcessEnd(() => this.#rewrite())
    const adopted = this.#left
    this.#left = []
    return adopted
  }

  leave(pending: () => readonly string[], undelivered: readonly string[]): void {
    this.#sources.delete(pending)
    this.#left = [...this.#left, ...undelivered]
    if (this.#size > 0 || this.#left.length > 0) this.#rewrite()
    if (this.#sources.size > 0) return
    this.#forget?.()
    this.#forget = null
    this.#closeFile()
    if (this.#left.length === 0) files.delete(this.#path)
  }

  append(line: string): void {
    if (this.#unusable) return
    try {
      if (this.#appendTo === null) {
        makeFolder(this.#folder)
        this.#appendTo = openSync(this.#path, 'a', 0o600)
      }
      const bytes = Buffer.from(`${line}\n`, 'utf8')
      writeSync(this.#appendTo, bytes)
      this.#size += bytes.length
    } catch (error) {
      this.#giveUp(error)
    }
    // Half of it stays, so that a file that is full is not written anew for every further event.
    if (this.#size > MAX_FILE_BYTES) this.#rewrite(MAX_FILE_BYTES / 2)
  }

  /** A file whose events are all delivered goes. */
  shrink(): void {
    if (this.#size > 0 && this.#waiting().length === 0) this.#rewrite()
  }

  #waiting(): string[] {
    return [...this.#left, ...[...this.#sources].flatMap((pending) => pending())]
  }

  /** Replaces the file by what waits now, in one step: a process that is killed meanwhile leaves the old file or the new. */
  #rewrite(most = MAX_FILE_BYTES): void {
    if (this.#unusable) return
    try {
      const lines = newest(this.#waiting(), most)
      this.#closeFile()
      if (lines.length === 0) {
        if (this.#size > 0) removeFile(this.#path)
        this.#size = 0
        return
      }
      makeFolder(this.#folder)
      const text = `${lines.join('\n')}\n`
      const draft = `${this.#path}.draft`
      removeFile(draft)
      writeFileSync(draft, text, { mode: 0o600, flag: 'wx' })
      renameSync(draft, this.#path)
      this.#size = Buffer.byteLength(text)
    } catch (error) {
      this.#giveUp(error)
    }
  }

  #closeFile(): void {
    if (this.#appendTo !== null) closeSync(this.#appendTo)
    this.#appendTo = null
  }

  #giveUp(error: unknown): void {
    this.#unusable = true
    this.#logger.warn(
      `audit events that wait when this process ends will be lost, ${this.#path} cannot be written: ${errorText(error)}`,
    )
  }
}

function newest(lines: readonly string[], most: number): readonly string[] {
  let bytes = 0
  let from = lines.length
  while (from > 0) {
    bytes += Buffer.byteLength(lines[from - 1] ?? '') + 1
    if (bytes > most) break
    from--
  }
  return lines.slice(from)
}
