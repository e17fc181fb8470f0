import type { Micros } from '../../storage/instants.ts'
import { PathRefused } from '../files/path.ts'
import { volumePath } from '../files/volume-path.ts'

export const refKinds = ['branch', 'tag', 'commit'] as const

/** What is checked out. */
export interface GitRef {
  readonly kind: (typeof refKinds)[number]
  readonly value: string
}

/** A git repository that was cloned into a volume of its own. */
export interface Binding {
  readonly id: string
  readonly tenantId: string
  readonly volumeId: string
  /** `https:`, without user and password. */
  readonly repoUrl: string
  /** The value is empty until it is known which branch the repository begins with. */
  readonly ref: GitRef
  /** The credential that the repository is reached with; null: none. */
  readonly credentialId: string | null
  /** Paths of the tree that there are; an empty list is all of it. */
  readonly sparsePaths: readonly string[]
  /** Without the history. */
  readonly isShallow: boolean
  /** What is checked out; null until it was cloned. */
  readonly commit: string | null
  /** Somebody works on it until then at the latest. */
  readonly busyUntil: Micros | null
  readonly createdBy: string
  readonly createdAt: Micros
  readonly refreshedAt: Micros | null
}

const LONGEST_URL = 2048
const LONGEST_REF = 255
const MOST_SPARSE_PATHS = 100
const SHA = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/

/** What was given names no repository, or nothing in one. */
export class BadRepository extends Error {
  override readonly name = 'BadRepository'
}

/** The address of a repository, in the one spelling that is kept. @throws BadRepository */
export function repositoryUrl(text: string): string {
  // Also as git itself spells it, without a scheme.
  if (/^(?:ssh|git\+ssh|ssh\+git):|^[\w.-]+@[\w.-]+:/i.test(text.trim()))
    throw new BadRepository(
      'repo_url leads over ssh, which this server does not go. Repositories are reached by https: alone: write https://git.example/team/project.git, and name a credential that holds a token in credential_binding_id.',
    )
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : null
  if (url === null || text.length > LONGEST_URL)
    throw new BadRepository('repo_url is no address. Write it whole, for example https://git.example/team/project.git.')
  if (url.protocol !== 'https:')
    throw new BadRepository(
      `repo_url begins with '${url.protocol}'; repositories are reached by https: alone, for example https://git.example/team/project.git.`,
    )
  if (url.username !== '' || url.password !== '')
    throw new BadRepository(
      'repo_url holds a user or a password. Leave them out, store them as a credential, and name it in credential_binding_id.',
    )
  if (url.search !== '' || url.hash !== '') throw new BadRepository('repo_url has a query or a fragment. Leave it out.')
  if (url.pathname === '/') throw new BadRepository('repo_url names a host and no repository.')
  return url.href
}

/** @throws BadRepository */
export function gitRef(value: unknown): GitRef {
  const { kind, value: name } = value as { kind: GitRef['kind']; value: string }
  if (kind === 'commit') {
    const sha = name.trim().toLowerCase()
    if (!SHA.test(sha)) throw new BadRepository(`git_ref: '${name.slice(0, 100)}' is no commit; write all 40 digits.`)
    return { kind, value: sha }
  }
  return { kind, value: refName(name, 'git_ref') }
}

/** The name of a branch or tag, by git's own rules. @throws BadRepository */
export function refName(name: string, argument: string): string {
  const parts = name.split('/')
  const isName =
    Buffer.byteLength(name) <= LONGEST_REF &&
    !/[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{/.test(name) &&
    name !== '@' &&
    !name.startsWith('-') &&
    !name.endsWith('.') &&
    parts.every((part) => part !== '' && !part.startsWith('.') && !part.endsWith('.lock'))
  if (!isName) throw new BadRepository(`${argument}: '${name.slice(0, 100)}' is no name of a branch or tag.`)
  return name
}

/** Folders and files of the tree, from its root. @throws BadRepository */
export function sparsePaths(paths: readonly string[]): string[] {
  if (paths.length > MOST_SPARSE_PATHS)
    throw new BadRepository(`sparse_paths has ${paths.length} entries; at most ${MOST_SPARSE_PATHS} are taken.`)
  return paths.map((text) => {
    try {
      const path = volumePath(text)
      // These would be a pattern of git's.
      if (path !== '' && !/[*?[\]!#]/.test(path)) return path
    } catch (error) {
      if (!(error instanceof PathRefused)) throw error
      throw new BadRepository(`sparse_paths: ${error.message}`)
    }
    throw new BadRepository(`sparse_paths: '${text.slice(0, 100)}' is no path in the repository.`)
  })
}

/** What git itself keeps in `.git` that a job is given. Settings, hooks and whatever leads elsewhere are not among it. */
const kept = /^\.git(?:\/(?:HEAD|index|packed-refs|shallow|(?:objects|refs)(?:\/.*)?))?$/
const leadsElsewhere = /^\.git\/objects\/info\/(?:http-)?alternates$|\.lock$/

/** Whether a file or folder of a volume is brought to git: never what belongs to a repository within the repository. */
export function isBrought(path: string): boolean {
  if (path === '.git' || path.startsWith('.git/')) return kept.test(path) && !leadsElsewhere.test(path)
  return !path.split('/').some((name) => name.toLowerCase() === '.git')
}
