import { PathRefused, shownPath, WORKSPACE } from './path.ts'

export type FileAccess = 'read' | 'write'

/** `spec.security.filesystem` of a manifest. */
export interface FilePolicy {
  readonly read?: readonly string[]
  readonly write?: readonly string[]
  readonly read_only?: boolean
  /** Where volumes are mounted read-only, as the agent sees it; what no manifest says in so many words. */
  readonly mounted_read_only?: readonly string[]
}

/**
 * Whether the manifest lets the agent read or write this path. Empty lists mean the whole workspace.
 * @throws PathRefused naming the rule
 */
export function requireByPolicy(
  policy: FilePolicy | undefined,
  access: FileAccess,
  components: readonly string[],
): void {
  const path = shownPath(components)
  const refuse = (rule: string): never => {
    throw new PathRefused('policy', path, `The manifest does not let this agent ${access} '${path}' (${rule}).`, access)
  }
  if (access === 'write' && policy?.read_only) refuse('security.filesystem.read_only')
  if (access === 'write' && policy?.mounted_read_only?.some((rule) => ruleCovers(rule, path)))
    refuse('mounted read-only by spec.volumes')
  const rules = policy?.[access] ?? []
  if (rules.length === 0 || rules.some((rule) => ruleCovers(rule, path))) return
  refuse(`security.filesystem.${access}: ${rules.join(', ')}`)
}

/** As `requireByPolicy` judges. */
export function isAllowed(policy: FilePolicy | undefined, access: FileAccess, components: readonly string[]): boolean {
  try {
    requireByPolicy(policy, access, components)
    return true
  } catch (error) {
    if (error instanceof PathRefused) return false
    throw error
  }
}

/** Without empty components and `.`, and without a slash at the end. */
function plainPath(path: string): string {
  const components = path.split('/').filter((component) => component !== '' && component !== '.')
  return components.map((component) => `/${component}`).join('')
}

/** `dir` and `dir/**` are the file or folder itself and everything below; `dir/*` is one level. */
export function ruleCovers(rule: string, path: string): boolean {
  const pattern = plainPath(rule.startsWith('/') ? rule : `${WORKSPACE}/${rule}`)
  if (pattern.endsWith('/*')) {
    const folder = pattern.slice(0, -1)
    return path.startsWith(folder) && path.length > folder.length && !path.slice(folder.length).includes('/')
  }
  const folder = pattern.replace(/(\/\*\*)?\/*$/, '')
  return path === folder || path.startsWith(`${folder}/`)
}
