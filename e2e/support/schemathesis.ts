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

/** Operations that are treated otherwise, and why. */
export interface Exception {
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
  /** A pattern of `METHOD /path`: only these. */
  readonly included?: string
  readonly excluded?: readonly Exception[]
  /** Taken although the schema forbids it: not judged by `negative_data_rejection`. */
  readonly lenient?: readonly Exception[]
  readonly phases?: string
  readonly maxExamples: number
  readonly seed: number
}

/** Call every operation of the OpenAPI document with what its schemas allow and forbid; what was wrong, empty if nothing. */
export async function runSchemathesis(run: Run): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'lictor-schemathesis-'))
  const config = join(folder, 'schemathesis.toml')
  writeFileSync(config, configuration(run))
  const args = [
    ...['--config-file', config, 'run', `${run.url}/openapi.json`, '--no-color', '--workers', '1'],
    ...['--phases', run.phases ?? 'examples,coverage,fuzzing'],
    ...['--seed', String(run.seed), '--generation-deterministic'],
    ...['--max-examples', String(run.maxExamples), '--no-shrink', '--continue-on-failure', '--warnings', 'off'],
    ...['--suppress-health-check', 'all', '--request-timeout', '300', '--output-sanitize', 'false'],
    ...Object.entries(run.headers).flatMap(([name, value]) => ['--header', `${name}: ${value}`]),
    ...(run.excluded ? ['--exclude-name-regex', run.excluded.map(({ name }) => `(${name})`).join('|')] : []),
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

/** Statuses that a check takes beside its own. */
const expected: Readonly<Record<string, string>> = {
  // Larger than a body may be is refused as such, before anything else is wrong with it.
  negative_data_rejection: 'expected-statuses = ["400", "401", "403", "404", "405", "409", "413", "422", "429", "5xx"]',
  // Without an assistant, questions to it are answered 503, and the document says so.
  not_a_server_error: 'expected-statuses = ["2xx", "3xx", "4xx", "503"]',
}

/** Most path parameters take a planted id, the others whatever the schema allows. */
function configuration({ ids, checks, lenient = [] }: Run): string {
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
    '[checks]\nenabled = false',
    ...checks.map((check) => `[checks.${check}]\nenabled = true\n${expected[check] ?? ''}`),
    ...Object.entries(ids).map(([name, id]) => `[dictionaries.${word(name)}]\nvalues = [${JSON.stringify(id)}]`),
    `[parameters]\n${general.map((name) => bind(name, name)).join('\n')}`,
    ...[...byPath].map(
      ([path, names]) =>
        `[[operations]]\ninclude-path-regex = "/v1/${path}/"\n[operations.parameters]\n${names.map((name) => bind(name.split('.')[1] ?? '', name)).join('\n')}`,
    ),
    ...lenient.map(
      ({ name }) =>
        `[[operations]]\ninclude-name-regex = ${JSON.stringify(name)}\nchecks.negative_data_rejection.enabled = false`,
    ),
  ].join('\n\n')
}
