/**
 * Runs the proofs of the adapters against the newest release of every framework, in a copy of this folder.
 *
 *   npm run proofs:latest
 *
 * Prints which versions differ from the pinned ones, then what holds. Changes neither the lockfile nor the table.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const pinned = fileURLToPath(new URL('.', import.meta.url))
const latest = `${root}proofs/latest/`

interface Manifest {
  dependencies: Record<string, string>
}

const run = (program: string, parameters: readonly string[], cwd: string, env: Record<string, string> = {}) =>
  spawnSync(program, parameters, { cwd, stdio: 'inherit', env: { ...process.env, ...env } }).status

const newest = (name: string): string =>
  spawnSync('npm', ['view', name, 'version'], { encoding: 'utf8' }).stdout.trim().split('\n').at(-1) ?? ''

rmSync(latest, { recursive: true, force: true })
cpSync(pinned, latest, { recursive: true, filter: (path) => !path.includes('/node_modules') })
const places = ['.', 'claude-agent', 'voltagent'].filter((place) => existsSync(`${latest}${place}/package.json`))
for (const place of places) {
  const file = `${latest}${place}/package.json`
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as Manifest
  for (const [name, version] of Object.entries(manifest.dependencies)) {
    // A framework's own major of another package stays: the newest one is not what it was made for.
    const wanted = place === 'voltagent' && name === 'ai' ? version : newest(name) || version
    if (wanted !== version) console.log(`${name} ${version} -> ${wanted}`)
    manifest.dependencies[name] = wanted
  }
  writeFileSync(file, JSON.stringify(manifest))
  rmSync(`${latest}${place}/package-lock.json`, { force: true })
  if (run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts'], `${latest}${place}`) !== 0) process.exit(1)
}
process.exitCode =
  run(
    process.execPath,
    ['node_modules/vitest/vitest.mjs', 'run', '--project', 'adapters', '--reporter', 'verbose'],
    root,
    {
      LICTOR_ADAPTER_PROOFS: 'proofs/latest',
    },
  ) ?? 1
