import { createHash } from 'node:crypto'
import { checkedComponents, PathRefused } from './path.ts'

const LONGEST_NAME_BYTES = 255
const controls = /[\u0000-\u001f\u007f]/

/**
 * A path in a volume, from its root: components joined by `/`, '' for the root itself.
 * @throws PathRefused as for every other path, and for names that no file system takes
 */
export function volumePath(text: string): string {
  const components = checkedComponents(text)
  for (const name of components) {
    if (Buffer.byteLength(name) > LONGEST_NAME_BYTES)
      throw new PathRefused(
        'too_long',
        text,
        `The name '${name.slice(0, 50)}…' is longer than ${LONGEST_NAME_BYTES} bytes.`,
      )
    if (controls.test(name) || !name.isWellFormed())
      throw new PathRefused('invalid', text, 'The path contains a control character, or is no valid text.')
  }
  return components.join('/')
}

export const keyOf = (path: string): string => createHash('sha256').update(path).digest('hex')

export const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

/** The folder it is in; '' is the root. */
export const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')))

/** The folders above it, the outermost first, without the root. */
export function foldersAbove(path: string): string[] {
  const components = path.split('/')
  return components.slice(0, -1).map((_, index) => components.slice(0, index + 1).join('/'))
}

/** As paths are shown: from the root. */
export const shown = (path: string): string => `/${path}`
