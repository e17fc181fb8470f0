import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { root } from './server.ts'

const run = promisify(execFile)

/**
 * A project as a user of the packages has it: installed from what `npm pack` makes, nothing from this repository's folders.
 * What is packed is what `npm test` has built: other tests run from it, so it is not built again meanwhile.
 */
export async function scratchProject(packages: readonly string[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'lictor-scratch-'))
  for (const name of packages)
    await run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], {
      cwd: join(root, 'packages', name),
    })
  const archives = readdirSync(folder).filter((file) => file.endsWith('.tgz'))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'scratch', private: true, type: 'module' }))
  await run(
    'npm',
    ['install', '--offline', '--no-audit', '--no-fund', '--silent', ...archives.map((file) => `./${file}`)],
    { cwd: folder },
  )
  return folder
}
