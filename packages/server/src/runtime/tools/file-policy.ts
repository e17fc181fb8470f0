import { PathRefused, shownPath, WORKSPACE } from './workspace.ts'

/** `spec.security.filesystem` of a manifest (aegis-runtime §8.3, 7). */
export interface FilePolicy {
  readonly read?: readonly string[]
  readonly write?: readonly string[]
  readonly read_only?: boolean
}

/**
 * Whether the manifest lets the agent read or write this path. Empty lists mean the whole workspace.
 * @throws PathRefused naming the rule
 */
export function requireByPolicy(
  policy: FilePolicy | undefined,
  operation: 'read' | 'write',
  components: readonly string[],
): void {
  const path = shownPath(components)
  const refuse = (rule: string): never => {
    throw new PathRefused('policy', path, `The manifest does not let this agent ${operation} '${path}' (${rule}).`)
  }
  if (operation === 'write' && policy?.read_only) refuse('security.filesystem.read_only')
  const rules = policy?.[operation] ?? []
  if (rules.length === 0 || rules.some((rule) => ruleCovers(rule, path))) return
  refuse(`security.filesystem.${operation}: ${rules.join(', ')}`)
}

/** Exact path; `dir/**` is `dir` and everything below; `dir/*` is one level. */
export function ruleCovers(rule: string, path: string): boolean {
  const pattern = rule.startsWith('/') ? rule : `${WORKSPACE}/${rule}`
  if (pattern === '/**') return true
  if (pattern.endsWith('/**')) {
    const folder = pattern.slice(0, -3)
    return path === folder || path.startsWith(`${folder}/`)
  }
  if (pattern.endsWith('/*')) {
    const folder = pattern.slice(0, -1)
    return path.startsWith(folder) && path.length > folder.length && !path.slice(folder.length).includes('/')
  }
  return pattern.replace(/\/+$/, '') === path
}
