import { Forbidden } from '../errors.ts'

/** What a member of a tenant is, from the least to the most. */
export const roles = ['viewer', 'member', 'admin', 'owner'] as const
export type Role = (typeof roles)[number]

export const isRole = (text: unknown): text is Role => roles.includes(text as Role)

/**
 * What may be done, in both halves, and the least role it takes: the one table of roles. Every route falls under one of these; the page
 * about roles shows it, and a test walks every route with every role.
 */
export const permissions = {
  view: {
    least: 'viewer',
    means:
      'See what the tenant has: contracts, bundles, agents, events, approvals, executions, workflows, volumes, members; look after one’s own sessions, password and second factor.',
  },
  work: {
    least: 'member',
    means:
      'Write and deploy contracts, decide approvals, deploy and run agents and workflows, use volumes and credentials, make API keys of one’s own for the runtime.',
  },
  administer: {
    least: 'admin',
    means:
      'Invite, promote and remove members up to administrators; make and revoke API keys and service accounts; channels, signing keys, the assistant’s settings, purges; read and write secrets; read what administrators did.',
  },
  own: {
    least: 'owner',
    means: 'Make and unmake owners; single sign-on; delete the tenant.',
  },
} as const satisfies Record<string, { readonly least: Role; readonly means: string }>

export type Permission = keyof typeof permissions

/** Whether a role is enough. */
export const isAllowed = (role: Role, permission: Permission): boolean =>
  roles.indexOf(role) >= roles.indexOf(permissions[permission].least)

/** Whether one role is at least the other. */
export const isAtLeast = (role: Role, least: Role): boolean => roles.indexOf(role) >= roles.indexOf(least)

/** @throws Forbidden that says which role it takes */
export function requirePermission(role: Role, permission: Permission): void {
  if (isAllowed(role, permission)) return
  if (permission === 'administer') throw new Forbidden('Admin access required.', 'role_required')
  const { least } = permissions[permission]
  throw new Forbidden(
    `Your role in this tenant is ${role}; this takes ${least === 'owner' ? 'an owner' : `the role ${least} or a higher one`}.`,
    'role_required',
  )
}

/** Scopes of the runtime API that only look. */
const looking = /:(read|list|logs|stream|validate)$/
/** Those of people who look after the tenant. What is kept secret is theirs to read, too. */
const administering = /^(secret|tenant|stack):|^node:(?!read|list)/

/** Under which permission a scope of the runtime API falls for people. */
export function permissionOfScope(scope: string): Permission {
  if (administering.test(scope)) return 'administer'
  return looking.test(scope) ? 'view' : 'work'
}

/** What a route asks of a person, as it is declared or as it follows from what is declared. */
export function permissionOfRoute(
  method: string,
  config: { readonly access?: string; readonly requires?: string; readonly permission?: Permission },
): Permission {
  if (config.permission) return config.permission
  if (config.access === 'admin') return 'administer'
  if (config.requires) return permissionOfScope(config.requires)
  return method === 'GET' || method === 'HEAD' ? 'view' : 'work'
}
