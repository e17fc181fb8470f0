import { checkBundle } from '@lictor/contracts/authoring'
import { Command } from 'commander'
import type { Context } from '../../context.ts'
import { present } from '../../terminal/terminal.ts'
import { plural } from './call.ts'
import { issueToWire } from './issues.ts'
import { readSource, showIssues } from './source.ts'

/**
 * `lictor lint FILES…`: errors, and what is probably not meant as it is written. Exit code 1 for errors; with `--strict` for
 * warnings too.
 */
export function lintCommand({ terminal, settings, exitWith }: Context): Command {
  const command = new Command('lint')
    .description('find what loads but is probably not meant so')
    .argument('<files...>', 'bundles')
    .option('--strict', 'end with exit code 1 for warnings too')
  return command.action((paths: string[], options: { strict?: boolean }) => {
    const files = paths.map((path) => {
      const source = readSource(terminal, path)
      return { source, ...checkBundle(source.bytes) }
    })
    const errors = files.reduce((sum, { issues }) => sum + issues.length, 0)
    const warnings = files.reduce((sum, file) => sum + file.warnings.length, 0)
    const answer = {
      files: files.map((file) => ({
        file: file.source.path,
        errors: file.issues.map(issueToWire),
        warnings: file.warnings.map(issueToWire),
      })),
      errors,
      warnings,
    }
    present(terminal, settings(command).output, answer, () => [
      ...files.flatMap((file) => {
        const found = [...showIssues(file.source, file.issues, 'error')]
        if (found.length > 0 && file.warnings.length > 0) found.push('')
        found.push(...showIssues(file.source, file.warnings, 'warning'))
        return found.length === 0 ? [] : [...found, '']
      }),
      `${plural(errors, 'error')}, ${plural(warnings, 'warning')}`,
    ])
    if (errors > 0 || (options.strict && warnings > 0)) exitWith(1)
  })
}
