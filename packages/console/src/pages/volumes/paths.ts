/** Paths of a volume: `/` is the whole of it, a folder ends in no slash. */

/** `path` below `folder`. */
export const below = (folder: string, path: string): string => `${folder === '/' ? '' : folder}/${path}`

/** The folder that holds it; null above the whole. */
export function parentOf(path: string): string | null {
  if (path === '/') return null
  return path.slice(0, path.lastIndexOf('/')) || '/'
}

/** Each folder on the way to it, from the outermost; the whole is not among them. */
export const wayTo = (path: string): readonly { readonly name: string; readonly path: string }[] => {
  const names = path.split('/').filter(Boolean)
  return names.map((name, at) => ({ name, path: `/${names.slice(0, at + 1).join('/')}` }))
}

/** A path as the address has it, put in order: what is typed there may lack its slash, or have too many. */
export const orderly = (path: string): string => `/${path.split('/').filter(Boolean).join('/')}`

/** What is wrong with the name of a file or a folder that somebody gives; null: nothing. */
export function nameProblem(name: string): string | null {
  if (name === '') return 'Give it a name.'
  if (name === '.' || name === '..') return 'A name is not only dots.'
  return name.includes('/') ? 'A name has no slash.' : null
}
