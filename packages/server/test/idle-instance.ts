import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Ends with what stands in the file `answer` of the workspace, once it is there. */
const program = `
import { existsSync, readFileSync } from 'node:fs'
function look() {
  if (existsSync('answer')) process.stdout.write(readFileSync('answer'), () => process.exit(0))
  else setTimeout(look, 20)
}
look()
`
let path: string | undefined

/** What to lay over a manifest so that its instance says nothing to the dispatch gateway: a test speaks in its place. */
export function idleInstance(): { readonly advanced: { readonly bootstrap_path: string } } {
  if (path === undefined) {
    const folder = mkdtempSync(join(tmpdir(), 'lictor-idle-'))
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
    path = join(folder, 'idle.mjs')
    writeFileSync(path, program)
  }
  return { advanced: { bootstrap_path: path } }
}
