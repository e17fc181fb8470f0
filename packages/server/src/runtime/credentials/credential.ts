import { principalOf, type TokenCaller, type UserCaller } from '../../identity/caller.ts'
import type { Micros } from '../../storage/instants.ts'

export type CredentialCaller = TokenCaller | UserCaller

export const credentialTypes = ['secret', 'variable', 'service_account', 'oauth2'] as const
export type CredentialType = (typeof credentialTypes)[number]

/** `expired`: its provider takes it no more; it is signed in again by the same flow. */
export type CredentialStatus = 'active' | 'revoked' | 'expired'

/** What stands for somebody at a provider. Its value is in the secret store alone. */
export interface Credential {
  readonly id: string
  readonly tenantId: string
  /** Whose it is, as `ownerOf` names callers. */
  readonly ownerId: string
  readonly label: string
  readonly provider: string
  readonly type: CredentialType
  /** `personal` or `team:<uuid>`. */
  readonly scope: string
  readonly status: CredentialStatus
  /** What the provider lets it do; empty where that is not known. */
  readonly scopes: readonly string[]
  readonly metadata: Readonly<Record<string, unknown>>
  readonly createdAt: Micros
  readonly updatedAt: Micros
  readonly lastUsedAt: Micros | null
}

export type CredentialChange = Partial<Pick<Credential, 'status' | 'scopes' | 'updatedAt' | 'lastUsedAt'>>

export type GrantTarget =
  | { readonly type: 'agent'; readonly value: string }
  | { readonly type: 'workflow'; readonly value: string }
  | { readonly type: 'all_agents'; readonly value: null }

/** That agents may use a credential. */
export interface CredentialGrant {
  readonly id: string
  readonly tenantId: string
  readonly credentialId: string
  readonly target: GrantTarget
  readonly permissionType: string
  readonly grantedBy: string
  readonly createdAt: Micros
}

/** Callers by the name under which executions know who started them, after what they are. */
export const ownerOf = (caller: CredentialCaller): string =>
  caller.kind === 'user'
    ? `user:${caller.email || caller.userId}`
    : caller.key?.owner.startsWith('user:')
      ? `user:${caller.subject}`
      : principalOf(caller)

/** The name alone. */
export const actorOfOwner = (ownerId: string): string => ownerId.slice(ownerId.indexOf(':') + 1)

/** Where its value lies, beside what else the store keeps of a tenant. */
export const placeOfCredential = (id: string): string => `credentials/${id}`
