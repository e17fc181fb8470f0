import { RedactionPolicy, responseText } from '@lictor/contracts'
import type { AuditEvent } from './event.ts'
import type { AuditSink } from './sinks.ts'

function toLine(event: AuditEvent, redaction: RedactionPolicy): string {
  return `${responseText(redaction.capPayload({ ...event.toJSON() }))}\n`
}

/** One JSON line per event on standard output. */
export class StdoutAuditSink implements AuditSink {
  readonly #redaction: RedactionPolicy
  readonly #write: (line: string) => unknown

  /** `write` defaults to the process's standard output. */
  constructor(
    redaction: RedactionPolicy = new RedactionPolicy(),
    write: (line: string) => unknown = (line) => process.stdout.write(line),
  ) {
    this.#redaction = redaction
    this.#write = write
  }

  emit(event: AuditEvent): void {
    this.#write(toLine(event, this.#redaction))
  }
}

/**
 * Appends one JSON line per event to a file, which it creates; the folder must exist. Writes queue up behind each
 * other, so lines never interleave, and lines that wait together are written together.
 */
export class FileAuditSink implements AuditSink {
  readonly path: string
  readonly #redaction: RedactionPolicy
  #waiting: string[] = []
  #next: Promise<void> | null = null
  #running: Promise<void> = Promise.resolve()

  constructor(path: string, redaction: RedactionPolicy = new RedactionPolicy()) {
    this.path = path
    this.#redaction = redaction
  }

  /** Resolves when the line is in the file. */
  emit(event: AuditEvent): Promise<void> {
    this.#waiting.push(toLine(event, this.#redaction))
    if (this.#next === null) {
      const write = this.#running.then(async () => {
        // Loaded when a file is written: most guards never do, and each pays for what is imported at its start.
        const { appendFile } = await import('node:fs/promises')
        const lines = this.#waiting.join('')
        this.#waiting = []
        this.#next = null
        await appendFile(this.path, lines, { encoding: 'utf8', mode: 0o600 })
      })
      this.#next = write
      this.#running = write.catch(() => {})
    }
    return this.#next
  }

  async flush(): Promise<void> {
    await (this.#next ?? this.#running)
  }

  async close(): Promise<void> {
    await this.flush()
  }
}
