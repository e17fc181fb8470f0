import type { Role } from './queries.ts'

export interface Preset<Value extends string> {
  readonly value: Value
  readonly label: string
  readonly means: string
}

/** What a service account is for; the server's own roles of machines. */
export const ACCOUNT_ROLES: readonly Preset<Role>[] = [
  {
    value: 'aegis:operator',
    label: 'operator',
    means: 'Deploys and runs agents and workflows, and decides approvals.',
  },
  { value: 'aegis:readonly', label: 'read only', means: 'Looks at everything, changes nothing.' },
  { value: 'aegis:admin', label: 'admin', means: 'Everything of the tenant, secrets included.' },
]

export type KeyPreset = 'run' | 'watch' | 'deploy' | 'own'

/** What a key of the runtime is for, and the scopes that takes. */
export const KEY_PRESETS: readonly (Preset<KeyPreset> & { readonly scopes: readonly string[] })[] = [
  {
    value: 'run',
    label: 'Run agents',
    means: 'Starts agents and workflows and reads what became of them.',
    scopes: [
      'agent:execute',
      'agent:list',
      'agent:read',
      'execution:list',
      'execution:read',
      'execution:stream',
      'workflow:list',
      'workflow:read',
      'workflow:run',
    ],
  },
  {
    value: 'watch',
    label: 'Watch',
    means: 'Reads agents, executions and workflows, and starts nothing.',
    scopes: [
      'agent:list',
      'agent:read',
      'execution:list',
      'execution:read',
      'execution:stream',
      'workflow:list',
      'workflow:read',
    ],
  },
  {
    value: 'deploy',
    label: 'Deploy from CI',
    means: 'Deploys agents and workflows, and starts none.',
    scopes: [
      'agent:deploy',
      'agent:list',
      'agent:read',
      'workflow:deploy',
      'workflow:list',
      'workflow:read',
      'workflow:validate',
    ],
  },
  { value: 'own', label: 'Scopes of your own', means: 'Named one by one.', scopes: [] },
]

/** In how many days a key ends; 0: never. */
export const LIFETIMES = [
  { value: '30', label: '30 days' },
  { value: '90', label: '90 days' },
  { value: '365', label: 'a year' },
  { value: '0', label: 'until it is revoked' },
] as const
