import { isAllowed, isAtLeast, type Role as PersonRole, permissionOfScope } from '../roles.ts'

/** What a token of the runtime API may do: `<group>:<action>`. */

const actions = {
  agent: ['deploy', 'read', 'list', 'execute', 'generate', 'logs', 'delete'],
  workflow: ['deploy', 'read', 'list', 'run', 'validate', 'generate', 'logs', 'signal', 'cancel', 'delete'],
  execution: ['read', 'list', 'stream', 'logs', 'cancel', 'remove'],
  swarm: ['read', 'list', 'cancel'],
  secret: ['read', 'write', 'list', 'delete', 'rotate'],
  credential: ['read', 'list', 'create', 'delete', 'rotate', 'grant'],
  approval: ['read', 'list', 'approve', 'reject'],
  stimulus: ['ingest'],
  node: ['read', 'list', 'register', 'deregister', 'drain', 'shutdown'],
  stack: ['read', 'up', 'down', 'restart', 'update', 'uninstall'],
  key: ['read', 'list', 'create', 'revoke'],
  tenant: ['read', 'list', 'onboard', 'provision'],
  volume: ['read', 'write'],
} as const satisfies Record<string, readonly string[]>

const of = (group: keyof typeof actions, ...names: string[]): string[] =>
  (names.length > 0 ? names : actions[group]).map((action) => `${group}:${action}`)

export const everyScope: readonly string[] = (Object.keys(actions) as (keyof typeof actions)[]).flatMap((group) =>
  of(group),
)

const readonlyPreset = [
  ...of('agent', 'read', 'list'),
  ...of('workflow', 'read', 'list'),
  ...of('execution', 'read', 'list', 'logs'),
  ...of('swarm', 'read', 'list'),
  ...of('node', 'read', 'list'),
]
const executionPreset = [
  ...readonlyPreset,
  ...of('agent', 'execute', 'logs'),
  ...of('workflow', 'run', 'logs', 'signal', 'cancel'),
  ...of('execution', 'stream', 'cancel'),
  ...of('swarm', 'cancel'),
  ...of('approval'),
  ...of('volume'),
]
/** What running agents takes: an API key has it where it names no scopes. */
export const executionScopes: readonly string[] = executionPreset
const developerPreset = [
  ...executionPreset,
  ...of('agent', 'deploy', 'generate', 'delete'),
  ...of('workflow', 'deploy', 'validate', 'generate', 'delete'),
  ...of('execution', 'remove'),
  ...of('credential'),
  ...of('stimulus', 'ingest'),
  ...of('key', 'read', 'list', 'create', 'revoke'),
]

/** Roles a token may carry. The first three are those of service accounts and operators. */
export const roles = ['aegis:admin', 'aegis:operator', 'aegis:readonly', 'tenant:admin', 'user'] as const
export type Role = (typeof roles)[number]

/** What a role may do when its token names no scope of its own. */
export function scopesOfRole(role: string): readonly string[] {
  switch (role) {
    case 'aegis:admin':
    case 'aegis:operator':
      return everyScope
    case 'aegis:readonly':
      return readonlyPreset
    case 'tenant:admin':
    case 'user':
      return developerPreset
    default:
      return []
  }
}

/** What a person may do in a tenant where they have this role. */
export const scopesOfPerson = (role: PersonRole): readonly string[] =>
  everyScope.filter((scope) => isAllowed(role, permissionOfScope(scope)))

/** The role that programs of theirs carry. */
export const tokenRoleOf = (role: PersonRole): Role =>
  isAtLeast(role, 'admin') ? 'aegis:admin' : role === 'member' ? 'user' : 'aegis:readonly'

/** What a service account may do at present. */
export const scopesOfAccount = ({
  scopes,
  role,
}: {
  scopes: readonly string[] | null
  role: string
}): readonly string[] => scopes ?? scopesOfRole(role)

const shape = /^[a-z]+:[a-z]+$/

/** The permission scopes among the words of a `scope` claim; identity-provider scopes such as `openid` are none. */
export function permissionScopes(claim: string): string[] {
  return claim.split(/\s+/).filter((word) => shape.test(word))
}

export const isKnownScope = (scope: string): boolean => everyScope.includes(scope)
