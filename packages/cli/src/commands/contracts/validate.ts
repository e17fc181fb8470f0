import { composeBundles } from '@lictor/contracts'
import { type CheckedBundle, checkBundle } from '@lictor/contracts/authoring'
import { Command } from 'commander'
import type { Context } from '../../context.ts'
import { style } from '../../terminal/style.ts'
import { present } from '../../terminal/terminal.ts'
import { plural } from './call.ts'
import { breakdownOf, breakdownText, type CompositionWire, compositionLines, compositionToWire } from './composition.ts'
import { issueToWire } from './issues.ts'
import { compileDocument, findSource, type LoadedSource, type Source, showIssues } from './source.ts'

type Composed =
  | ({ readonly contracts: number; readonly breakdown: Readonly<Record<string, number>> } & CompositionWire)
  | { readonly error: string }

interface Checked {
  readonly path: string
  readonly source: Source | null
  readonly result: CheckedBundle | null
}

/** `lictor validate FILES…`. Exit code 1 when a file, or what they compose to, cannot be loaded. */
export function validateCommand({ terminal, settings, exitWith }: Context): Command {
  const command = new Command('validate')
    .description('check that bundles load, alone and composed')
    .argument('<files...>', 'bundles, in the order they are composed in')
  return command.action((paths: string[]) => {
    const files = paths.map((path): Checked => {
      const source = findSource(terminal, path)
      return { path, source, result: source === null ? null : checkBundle(source.bytes) }
    })
    const loaded = files.flatMap(({ source, result }): LoadedSource[] =>
      source !== null && result?.bundle ? [{ ...source, bundle: result.bundle }] : [],
    )
    const composed = loaded.length < 2 ? null : compose(loaded)
    const valid = loaded.length === files.length && !(composed !== null && 'error' in composed)
    const answer = { files: files.map(fileToWire), valid, ...(composed === null ? {} : { composed }) }
    const { output } = settings(command)
    present(terminal, output, answer, () => [...files.flatMap(validLine), ...composedLines(composed)])
    if (output === 'table') for (const file of files) for (const line of problemLines(file)) terminal.note(line)
    if (!valid) exitWith(1)
  })

  function compose(sources: readonly LoadedSource[]): Composed {
    try {
      const { document, hash, report } = composeBundles(sources.map(({ bundle, name }) => ({ bundle, source: name })))
      compileDocument(terminal, document, hash)
      const { contracts } = document
      return { contracts: contracts.length, breakdown: breakdownOf(contracts), ...compositionToWire(report) }
    } catch (error) {
      return { error: (error as Error).message }
    }
  }
}

function fileToWire({ path, source, result }: Checked) {
  if (source === null || result === null) return { file: path, valid: false, error: 'file not found' }
  const file = source.name
  const { bundle, issues, warnings } = result
  if (bundle === null)
    return { file, valid: false, error: issues[0]?.message ?? '', issues: issues.map((issue) => issueToWire(issue)) }
  const { contracts } = bundle.document
  return {
    file,
    valid: true,
    contracts: contracts.length,
    breakdown: breakdownOf(contracts),
    ...(warnings.length === 0 ? {} : { warnings: warnings.length }),
  }
}

function validLine({ source, result }: Checked): string[] {
  if (source === null || !result?.bundle) return []
  const { contracts } = result.bundle.document
  const line = `${style('green', 'valid')}  ${source.name}  ${plural(contracts.length, 'contract')} (${breakdownText(contracts)})`
  const { length } = result.warnings
  if (length === 0) return [line]
  return [line, `       ${plural(length, 'warning')}: lictor lint ${source.path}`]
}

function problemLines({ path, source, result }: Checked): readonly string[] {
  if (source === null || result === null) return [`${path}: ${style('red', 'error')}: file not found`]
  return result.bundle === null ? showIssues(source, result.issues, 'error') : []
}

function composedLines(composed: Composed | null): string[] {
  if (composed === null) return []
  if ('error' in composed) return [`${style('red', 'invalid')}  composed: ${composed.error}`]
  const { contracts, breakdown } = composed
  const parts = Object.entries(breakdown).map(([type, count]) => `${count} ${type}`)
  return [
    '',
    `${style('green', 'valid')}  composed  ${plural(contracts, 'contract')} (${parts.join(', ')})`,
    ...compositionLines(composed),
  ]
}
