import { constants } from 'node:fs'
import { type FileHandle, lstat, mkdir, open, readdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'

/** Where an agent sees its own files. */
export const WORKSPACE = '/workspace'
const LONGEST_PATH_BYTES = 4096

export type PathProblem = 'traversal' | 'outside' | 'too_long' | 'invalid' | 'policy'

/** A path that may not be used. Its message is shown to the model and to API callers. */
export class PathRefused extends Error {
  override readonly name = 'PathRefused'
  readonly problem: PathProblem
  readonly path: string
  constructor(problem: PathProblem, path: string, message: string) {
    super(message)
    this.problem = problem
    this.path = path
  }
}

/**
 * The components of a path below the workspace (aegis-runtime §8.3). `..` is refused even where it would stay inside, also
 * when percent-encoded or spelled with backslashes; so is NUL.
 * @param path as a tool or a URL names it: relative, or absolute as the agent sees it
 * @param rooted a leading `/` means the workspace itself, as on file routes, rather than the agent's root
 * @throws PathRefused
 */
export function componentsOf(path: string, rooted = false): string[] {
  if (Buffer.byteLength(path) > LONGEST_PATH_BYTES)
    throw new PathRefused('too_long', path.slice(0, 100), `The path is longer than ${LONGEST_PATH_BYTES} bytes.`)
  for (const reading of [path, decoded(path)]) {
    if (reading.includes('\0')) throw new PathRefused('invalid', path, 'The path contains a NUL byte.')
    if (reading.split(/[/\\]/).some((component) => component.trim() === '..'))
      throw new PathRefused('traversal', path, `The path '${path}' contains '..', which is refused.`)
  }
  const components = path.split('/').filter((component) => component !== '' && component !== '.')
  const isInWorkspace = components[0] === WORKSPACE.slice(1)
  if (path.startsWith('/') && !rooted) {
    if (!isInWorkspace) throw new PathRefused('outside', path, `The path '${path}' is outside ${WORKSPACE}.`)
    return components.slice(1)
  }
  return rooted && isInWorkspace ? components.slice(1) : components
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

/** As the agent sees it. */
export const shownPath = (components: readonly string[]): string => [WORKSPACE, ...components].join('/')

/**
 * Follow links, also those the agent made, and say where the path really leads. What does not exist yet counts as itself.
 * @returns components below the workspace, free of links at the time of the call
 * @throws PathRefused when it leads outside
 */
export async function resolveLinks(root: string, components: readonly string[]): Promise<string[]> {
  const top = await realpath(root)
  let resolved = top
  let index = 0
  for (; index < components.length; index++) {
    const next = join(resolved, components[index] ?? '')
    const found = await lstat(next).catch(() => null)
    if (!found) break
    resolved = found.isSymbolicLink() ? await followLink(next, components) : next
    if (resolved !== top && !resolved.startsWith(`${top}/`)) throw leadsOut(components)
  }
  const inside = resolved === top ? [] : resolved.slice(top.length + 1).split('/')
  return [...inside, ...components.slice(index)]
}

async function followLink(link: string, components: readonly string[]): Promise<string> {
  try {
    return await realpath(link)
  } catch {
    // A link into nowhere could be made to lead anywhere between now and its use.
    throw leadsOut(components)
  }
}

const leadsOut = (components: readonly string[]): PathRefused =>
  new PathRefused('outside', shownPath(components), `The path '${shownPath(components)}' leads outside ${WORKSPACE}.`)

const isLinux = process.platform === 'linux'
const { O_RDONLY, O_WRONLY, O_CREAT, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants

export interface OpenOptions {
  /** Create the file and its folders where they are missing, and open it for writing. Never truncates by itself. */
  readonly write: boolean
}

/**
 * Open a file below `root` component by component, never through a link: a link put there between judging and opening is
 * refused rather than followed.
 */
export async function openWithin(
  root: string,
  components: readonly string[],
  options: OpenOptions,
): Promise<FileHandle> {
  const name = components.at(-1)
  if (name === undefined) throw new PathRefused('invalid', WORKSPACE, `${WORKSPACE} is a folder.`)
  return inFolder(root, components.slice(0, -1), options.write, (folder) =>
    refuseLinks(
      components,
      options.write
        ? open(join(folder, name), O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o644)
        : open(join(folder, name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK),
    ),
  )
}

/** The entries of a folder below `root`, opened in the same way. */
export function listWithin(root: string, components: readonly string[]) {
  return inFolder(root, components, false, (folder) => readdir(folder, { withFileTypes: true }))
}

/** Call `use` with a path that is bound to the opened folder itself, not to its name. */
async function inFolder<T>(
  root: string,
  components: readonly string[],
  create: boolean,
  use: (folder: string) => Promise<T>,
): Promise<T> {
  let handle = await open(root, O_RDONLY | O_DIRECTORY)
  let path = isLinux ? `/proc/self/fd/${handle.fd}` : root
  try {
    for (const component of components) {
      const next = join(path, component)
      if (create) await mkdir(next, 0o755).catch(ignoreExisting)
      const opened = await refuseLinks(components, open(next, O_RDONLY | O_DIRECTORY | O_NOFOLLOW))
      await handle.close()
      handle = opened
      path = isLinux ? `/proc/self/fd/${handle.fd}` : next
    }
    return await use(path)
  } finally {
    await handle.close()
  }
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}

async function refuseLinks<T>(components: readonly string[], opening: Promise<T>): Promise<T> {
  try {
    return await opening
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ELOOP') throw leadsOut(components)
    throw error
  }
}

/** Bytes of all files below `root`. Links count as themselves. */
export async function usageOf(root: string): Promise<number> {
  let total = 0
  for (const entry of await readdir(root, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue
    total += (await lstat(join(entry.parentPath, entry.name)).catch(() => null))?.size ?? 0
  }
  return total
}
