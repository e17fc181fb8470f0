import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The Python of a virtual environment that holds one published version of the package; null where it cannot be had. */
export function installPublished(version: string): string | null {
  const folder = join(tmpdir(), `lictor-differential-edictum-${version}`)
  const python = join(folder, 'bin/python')
  if (existsSync(python) && spawnSync(python, ['-c', 'import edictum, jsonschema, yaml']).status === 0) return python
  try {
    execFileSync('python3', ['-m', 'venv', folder], { stdio: 'ignore', timeout: 120_000 })
    execFileSync(python, ['-m', 'pip', 'install', '-q', `edictum[yaml]==${version}`], {
      stdio: 'ignore',
      timeout: 240_000,
    })
    return python
  } catch {
    return null
  }
}
