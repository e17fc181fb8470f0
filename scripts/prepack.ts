/**
 * Builds the package that npm is about to pack, so that what is packed is what the sources say, also from a fresh clone.
 * npm calls it in the package's folder.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const name = basename(process.cwd())

/** npm reads what it is to pack from standard output, so nothing else may be written there. */
function run(program: string, ...parameters: string[]): void {
  execFileSync(process.execPath, [join(root, program), ...parameters], { cwd: root, stdio: ['ignore', 2, 2] })
}

run('node_modules/typescript/bin/tsc', '-b', `packages/${name}`)
run('scripts/bundle.ts', name)
if (name === 'server') {
  // The server carries the console: it serves it from beside its own code.
  execFileSync(process.execPath, [join(root, 'node_modules/vite/bin/vite.js'), 'build', '--logLevel', 'warn'], {
    cwd: join(root, 'packages/console'),
    stdio: ['ignore', 2, 2],
  })
  rmSync(join(root, 'packages/server/console'), { recursive: true, force: true })
  cpSync(join(root, 'packages/console/dist'), join(root, 'packages/server/console'), { recursive: true })
}
