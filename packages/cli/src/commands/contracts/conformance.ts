import { type Dirent, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type ConformanceResult, type FixtureFile, runConformance } from '@lictor/contracts/conformance'
import { Command } from 'commander'
import type { Context } from '../../context.ts'
import { CliError } from '../../errors.ts'
import { style } from '../../terminal/style.ts'
import { present, type Terminal } from '../../terminal/terminal.ts'
import { readText } from './source.ts'

/** `lictor conformance DIR`: runs every fixture file below a folder. Exit code 1 when a case fails, or there is none. */
export function conformanceCommand({ terminal, settings, exitWith }: Context): Command {
  const command = new Command('conformance')
    .description('run conformance fixtures against this evaluator')
    .argument('<dir>', 'folder of fixture files; all of its folders are looked into')
  return command.action((dir: string) => {
    const { results, passed, failed } = runConformance(readFixtures(terminal, dir))
    const failures = results.filter(({ status }) => status === 'failed')
    const excluded = results.filter(({ status }) => status === 'excluded')
    const answer = {
      passed,
      failed,
      excluded: excluded.map(({ file, id, expected }) => ({ file, case: id, reason: expected })),
      failures: failures.map(({ file, id, expected, got }) => ({ file, case: id, expected, got })),
    }
    present(terminal, settings(command).output, answer, () => [
      ...failures.flatMap(failureLines),
      ...excluded.map(({ file, id, expected }) => `${style('yellow', 'excluded')}  ${file}: ${id}: ${expected}`),
      `${passed} passed, ${failed} failed`,
    ])
    if (failed > 0) exitWith(1)
  })
}

/** Every YAML file below a folder, in the order of their paths. @throws CliError (used wrongly) when there is no folder */
export function readFixtures(terminal: Terminal, dir: string): FixtureFile[] {
  let entries: Dirent[]
  try {
    entries = readdirSync(resolve(terminal.workingDirectory, dir), { recursive: true, withFileTypes: true })
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    const reason = code === 'ENOENT' ? 'there is no such folder' : code === 'ENOTDIR' ? 'not a folder' : message
    throw new CliError('file', `${dir}: ${reason}`, { exitCode: 2, cause })
  }
  return entries
    .filter((entry) => !entry.isDirectory() && /\.ya?ml$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => ({ path, text: readText(terminal, path) }))
}

function failureLines({ file, id, description, expected, got }: ConformanceResult): string[] {
  return [
    `${style('red', 'FAIL')}  ${file || 'no file'}${id === '' ? '' : `: ${id}`}${description === '' ? '' : `  ${style('dim', description)}`}`,
    `      expected  ${expected}`,
    `      got       ${got}`,
  ]
}
