import { cpSync, lstatSync, mkdirSync, readdirSync, readlinkSync, symlinkSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { root } from './server.ts'

/** Folders that no clone has: what was built, and what is no part of the product. */
const notCloned = /^(\.git|coverage)$|(^|\/)(node_modules|\.types|dist|\.dist-[^/]*)$|^packages\/server\/console$/

/**
 * The sources as a fresh clone has them, in `folder`, with the libraries that are installed here: whatever is built there leaves
 * this checkout, which other tests run from, as it is.
 */
export function freshClone(folder: string): void {
  cpSync(root, folder, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (source) => !notCloned.test(relative(root, source).split(sep).join('/')),
  })
  const workspaces = readdirSync(join(root, 'packages')).map((name) => join('packages', name))
  for (const place of ['.', ...workspaces])
    linkLibraries(join(root, place, 'node_modules'), join(folder, place, 'node_modules'))
}

/** Links to each library; a link to a package of the workspace leads to the clone's own. */
function linkLibraries(from: string, to: string): void {
  if (!lstatSync(from, { throwIfNoEntry: false })?.isDirectory()) return
  mkdirSync(to, { recursive: true })
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isSymbolicLink()) symlinkSync(readlinkSync(source), target)
    else if (entry.name.startsWith('@')) linkLibraries(source, target)
    // Tools keep their scratch files in folders of this kind.
    else if (!entry.name.startsWith('.') || entry.name === '.bin') symlinkSync(source, target)
  }
}
