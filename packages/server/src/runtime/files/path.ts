/** Where an agent sees its own files. */
export const WORKSPACE = '/workspace'

const LONGEST_PATH_BYTES = 4096

export type PathProblem = 'traversal' | 'outside' | 'too_long' | 'invalid' | 'policy' | 'changed'

/** A path that may not be used. Its message is shown to the model and to API callers. */
export class PathRefused extends Error {
  override readonly name = 'PathRefused'
  readonly problem: PathProblem
  readonly path: string
  /** What was to be done, of a rule about that; null: nothing may be done there. */
  readonly access: 'read' | 'write' | null
  constructor(problem: PathProblem, path: string, message: string, access: PathRefused['access'] = null) {
    super(message)
    this.problem = problem
    this.path = path
    this.access = access
  }
}

/**
 * The components of a path below the workspace. `..` is refused even where it would stay inside, also when percent-encoded or
 * spelled with backslashes; so is NUL.
 * @param path as a tool or a URL names it: relative, or absolute as the agent sees it
 * @param rooted a leading `/` means the workspace itself, as on file routes, rather than the agent's root
 * @throws PathRefused
 */
export function componentsOf(path: string, rooted = false): string[] {
  const components = checkedComponents(path)
  const isInWorkspace = components[0] === WORKSPACE.slice(1)
  if (path.startsWith('/') && !rooted) {
    if (!isInWorkspace) throw new PathRefused('outside', path, `The path '${path}' is outside ${WORKSPACE}.`)
    return components.slice(1)
  }
  return rooted && isInWorkspace ? components.slice(1) : components
}

/** The components of a path from whatever root, by the rules of `componentsOf`. @throws PathRefused */
export function checkedComponents(path: string): string[] {
  if (Buffer.byteLength(path) > LONGEST_PATH_BYTES)
    throw new PathRefused('too_long', path.slice(0, 100), `The path is longer than ${LONGEST_PATH_BYTES} bytes.`)
  for (const reading of [path, decoded(path)]) {
    if (reading.includes('\0')) throw new PathRefused('invalid', path, 'The path contains a NUL byte.')
    if (reading.split(/[/\\]/).some((component) => component.trim() === '..'))
      throw new PathRefused('traversal', path, `The path '${path}' contains '..', which is refused.`)
  }
  return path.split('/').filter((component) => component !== '' && component !== '.')
}

/** Each escape by itself: one that is none does not hide the others. What matters is ASCII. */
const decoded = (path: string): string =>
  path.replace(/%([0-7][0-9a-f])/gi, (_escape, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))

/** As the agent sees it. */
export const shownPath = (components: readonly string[]): string => [WORKSPACE, ...components].join('/')

export const leadsOut = (components: readonly string[]): PathRefused =>
  new PathRefused('outside', shownPath(components), `The path '${shownPath(components)}' leads outside ${WORKSPACE}.`)
