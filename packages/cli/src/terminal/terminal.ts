import { setTimeout as pause } from 'node:timers/promises'
import { writeJson } from './json.ts'
import { writeYaml } from './yaml.ts'

export type OutputFormat = 'table' | 'json' | 'yaml'

/** Where a command reads and writes: the process, or a test's own. */
export interface Terminal {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly workingDirectory: string
  readonly isInteractive: boolean
  /** One line on standard output. */
  print(line: string): void
  /** One line on standard error: progress and warnings, never the answer. */
  note(line: string): void
  /** Standard input to its end, as text. */
  readInput(): Promise<string>
  /** Resolves when the user asks to stop (Ctrl-C, SIGTERM). */
  readonly interrupted: Promise<void>
  /** Wait, in milliseconds. */
  pause(milliseconds: number): Promise<void>
}

/** Write the answer of a command once, in the form that was asked for. `human` is called for `table` only. */
export function present(
  terminal: Terminal,
  format: OutputFormat,
  value: unknown,
  human: () => string | readonly string[],
): void {
  if (format === 'json') terminal.print(writeJson(value, 2))
  else if (format === 'yaml') terminal.print(writeYaml(value).trimEnd())
  else for (const line of [human()].flat()) terminal.print(line)
}

/** Columns as wide as their widest cell, two spaces apart. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => (row[column] ?? '').length)),
  )
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  return [line(headings), ...rows.map(line)]
}

/** Where the command was called: what a connection needs to know, without taking the signals over. */
export const placeOf = ({
  environment,
  workingDirectory,
}: Terminal): Pick<Terminal, 'environment' | 'workingDirectory'> => ({ environment, workingDirectory })

/** The process as a terminal. */
export function processTerminal(): Terminal {
  let interrupted: Promise<void> | undefined
  return {
    environment: process.env,
    workingDirectory: process.cwd(),
    isInteractive: process.stdout.isTTY === true,
    print: (line) => {
      process.stdout.write(`${line}\n`)
    },
    note: (line) => {
      process.stderr.write(`${line}\n`)
    },
    async readInput() {
      if (process.stdin.isTTY) process.stderr.write('Type it, then press Ctrl-D; it is seen as you type.\n')
      const chunks: Buffer[] = []
      for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk as Uint8Array))
      return Buffer.concat(chunks).toString('utf8')
    },
    pause: (milliseconds) => pause(milliseconds),
    // Only a command that waits for it takes the signals over; every other ends by them, as programs do.
    get interrupted() {
      interrupted ??= new Promise((resolve) => {
        process.once('SIGINT', () => resolve())
        process.once('SIGTERM', () => resolve())
      })
      return interrupted
    },
  }
}
