import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Planted } from './planted.ts'

const VERSION = '4.32.5'

/** The command of schemathesis in a virtual environment of its own, kept between runs; null where Python or the registry is missing. */
export function installSchemathesis(): string | null {
  const folder = join(tmpdir(), `lictor-e2e-schemathesis-${VERSION}`)
  const command = join(folder, 'bin/schemathesis')
  if (existsSync(command) && spawnSync(command, ['--version']).status === 0) return command
  try {
    execFileSync('python3', ['-m', 'venv', folder], { stdio: 'ignore', timeout: 120_000 })
    execFileSync(join(folder, 'bin/python'), ['-m', 'pip', 'install', '-q', `schemathesis==${VERSION}`], {
      stdio: 'ignore',
      timeout: 240_000,
    })
    return command
  } catch {
    return null
  }
}

/** What is not called, and why. */
export interface Excluded {
  /** A pattern of `METHOD /path`. */
  readonly name: string
  readonly reason: string
}

export interface Run {
  readonly command: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** Real names and ids, which most requests are to be aimed at. */
  readonly ids: Planted['ids']
  readonly checks: readonly string[]
  readonly excluded?: readonly Excluded[]
  readonly included?: string
  readonly phases?: string
  readonly maxExamples: number
  readonly seed: number
}

/** Call every operation of the OpenAPI document with what its schemas allow and forbid; what was wrong, empty if nothing. */
export async function runSchemathesis(run: Run): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'lictor-schemathesis-'))
  const config = join(folder, 'schemathesis.toml')
  writeFileSync(config, configuration(run.ids))
  const args = [
    ...['--config-file', config, 'run', `${run.url}/openapi.json`, '--no-color', '--workers', '1'],
    ...['--checks', run.checks.join(','), '--phases', run.phases ?? 'examples,coverage,fuzzing'],
    ...['--seed', String(run.seed), '--generation-deterministic'],
    ...['--max-examples', String(run.maxExamples), '--no-shrink', '--continue-on-failure', '--warnings', 'off'],
    ...['--suppress-health-check', 'all', '--request-timeout', '30', '--output-sanitize', 'false'],
    ...Object.entries(run.headers).flatMap(([name, value]) => ['--header', `${name}: ${value}`]),
    ...(run.excluded ?? []).flatMap(({ name }) => ['--exclude-name-regex', name]),
    ...(run.included ? ['--include-name-regex', run.included] : []),
  ]
  return new Promise((resolve) => {
    const environment = { PATH: process.env.PATH ?? '', HOME: folder, PYTHONHASHSEED: '0', COLUMNS: '200' }
    execFile(
      run.command,
      args,
      { cwd: folder, env: environment, maxBuffer: 256 * 1024 * 1024 },
      (error, stdout, stderr) => resolve(error ? `${stdout}\n${stderr}` : ''),
    )
  })
}

/** Most path parameters take a planted id, the others whatever the schema allows. */
function configuration(ids: Planted['ids']): string {
  const word = (name: string) => name.replaceAll(/[^a-z]/g, '_')
  const bind = (parameter: string, name: string) =>
    `"path.${parameter}" = { dictionary = "${word(name)}", probability = 0.7 }`
  const entries = Object.keys(ids)
  const general = entries.filter((name) => !name.includes('.'))
  const byPath = Map.groupBy(
    entries.filter((name) => name.includes('.')),
    (name) => name.split('.')[0] ?? '',
  )
  return [
    '[generation]\nwith-security-parameters = false',
    ...Object.entries(ids).map(([name, id]) => `[dictionaries.${word(name)}]\nvalues = [${JSON.stringify(id)}]`),
    `[parameters]\n${general.map((name) => bind(name, name)).join('\n')}`,
    ...[...byPath].map(
      ([path, names]) =>
        `[[operations]]\ninclude-path-regex = "/v1/${path}/"\n[operations.parameters]\n${names.map((name) => bind(name.split('.')[1] ?? '', name)).join('\n')}`,
    ),
  ].join('\n\n')
}
