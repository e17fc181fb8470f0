import { readFileSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import {
  type BundleDocument,
  type ContractIssue,
  compilePolicy,
  type DecideContext,
  EdictumConfigError,
  type LoadedBundle,
  type Policy,
} from '@lictor/contracts'
import { type CheckedBundle, checkBundle } from '@lictor/contracts/authoring'
import { realPath } from '@lictor/guard/real-path'
import { CliError } from '../../errors.ts'
import type { Terminal } from '../../terminal/terminal.ts'
import { issueLines, issueToWire } from './issues.ts'

/** A file as a command was given it. */
export interface Source {
  /** As written on the command line. */
  readonly path: string
  /** Its last part, which reports name it by. */
  readonly name: string
  /** The exact bytes: sizes and hashes are taken over them. */
  readonly bytes: Uint8Array
}

export interface LoadedSource extends Source {
  readonly bundle: LoadedBundle
}

/** The bytes of a file, or null when there is none. @throws CliError (used wrongly) when it cannot be read */
export function findSource(terminal: Terminal, path: string): Source | null {
  try {
    return { path, name: basename(path), bytes: readFileSync(resolve(terminal.workingDirectory, path)) }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw new CliError('file', `${path}: ${(cause as Error).message}`, { exitCode: 2, cause })
  }
}

/** The bytes of a file. @throws CliError (used wrongly) when there is none */
export function readSource(terminal: Terminal, path: string): Source {
  const source = findSource(terminal, path)
  if (source === null) throw new CliError('file', `${path}: there is no such file`, { exitCode: 2 })
  return source
}

/** The text of a file, without a byte order mark. @throws CliError (used wrongly) when it is no text */
export function readText(terminal: Terminal, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readSource(terminal, path).bytes)
  } catch (cause) {
    if (cause instanceof CliError) throw cause
    throw new CliError('file', `${path}: the bytes are not valid UTF-8`, { exitCode: 2, cause })
  }
}

/** A bundle that loads. @throws CliError with every issue and the lines it stands in */
export function loadSource(terminal: Terminal, path: string): LoadedSource {
  const source = readSource(terminal, path)
  const checked = checkBundle(source.bytes)
  if (checked.bundle === null) throw invalidBundle(source, checked)
  return { ...source, bundle: checked.bundle }
}

/** The policy of a bundle on this machine: links of its sandboxes' folders are followed. */
export function compileSource(terminal: Terminal, source: LoadedSource): Policy {
  return compileDocument(terminal, source.bundle.document, source.bundle.hash)
}

export function compileDocument(terminal: Terminal, document: BundleDocument, version: string): Policy {
  return compilePolicy(document, { version, resolvePath: contextOf(terminal).resolvePath })
}

const contexts = new WeakMap<Terminal, Required<Pick<DecideContext, 'resolvePath' | 'env'>>>()

/** What deciding on this machine may see: its files' links and this process' environment, as an agent here would. */
export function contextOf(terminal: Terminal): Required<Pick<DecideContext, 'resolvePath' | 'env'>> {
  let context = contexts.get(terminal)
  if (context === undefined) {
    context = {
      resolvePath: (path) => realPath(resolve(terminal.workingDirectory, path)),
      env: terminal.environment,
    }
    contexts.set(terminal, context)
  }
  return context
}

export function invalidBundle(source: Source, { issues }: Pick<CheckedBundle, 'issues'>): CliError {
  const count = issues.length === 1 ? '' : ` (and ${issues.length - 1} more)`
  return new CliError('invalid_bundle', `${source.path}: ${issues[0]?.message ?? 'cannot be loaded'}${count}`, {
    details: { issues: issues.map((issue) => issueToWire(issue)) },
    excerpt: showIssues(source, issues, 'error'),
  })
}

/** Each issue with the line of the file it stands in. */
export function showIssues(
  source: Source,
  issues: readonly ContractIssue[],
  severity: 'error' | 'warning',
): readonly string[] {
  const lines = new TextDecoder().decode(source.bytes).split(/\r\n|[\n\r\x85\u2028\u2029]/)
  return issues.flatMap((issue, index) => [
    ...(index === 0 ? [] : ['']),
    ...issueLines(source.path, lines, issue, severity),
  ])
}

/** Runs what may refuse a call (a tool name no call can have, arguments that are no object). @throws CliError (used wrongly) */
export function refusing<T>(what: () => T): T {
  try {
    return what()
  } catch (error) {
    if (!(error instanceof EdictumConfigError)) throw error
    throw new CliError(error.code, error.message, { exitCode: 2, cause: error })
  }
}
