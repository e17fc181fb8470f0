import { stringify } from 'yaml'

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
  /** Resolves when the user asks to stop (Ctrl-C, SIGTERM). */
  readonly interrupted: Promise<void>
}

/** Write the answer of a command once, in the form that was asked for. `human` is called for `table` only. */
export function present(
  terminal: Terminal,
  format: OutputFormat,
  value: unknown,
  human: () => string | readonly string[],
): void {
  if (format === 'json') terminal.print(JSON.stringify(value, null, 2))
  else if (format === 'yaml') terminal.print(stringify(value).trimEnd())
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

/** The process as a terminal. */
export function processTerminal(): Terminal {
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
    interrupted: new Promise((resolve) => {
      process.once('SIGINT', () => resolve())
      process.once('SIGTERM', () => resolve())
    }),
  }
}
