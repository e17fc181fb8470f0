import Type from 'typebox'
import { Instant, Maybe, Nullable } from '../../http/schemas.ts'
import { toWireTime, toWireTimeOrNull } from '../../storage/instants.ts'
import { missingInBody } from '../http.ts'
import type { Credential, CredentialGrant } from './credential.ts'

export const tags = ['credentials']

/** How a body names the credential that it makes. */
export const namingFields = {
  provider: Type.Optional(Type.String()),
  name: Maybe(Type.String()),
  label: Maybe(Type.String({ description: 'The same as `name`, which goes first.' })),
  scope: Maybe(Type.String({ description: '`personal` where it is left out.' })),
}

/** @throws InvalidInput without a provider */
export function namedIn(body: {
  provider?: string
  name?: string | null
  label?: string | null
  scope?: string | null
}): { readonly provider: string; readonly label: string | null; readonly scope: string } {
  const { provider } = body
  if (!provider) throw missingInBody('provider')
  return { provider, label: body.name || body.label || null, scope: body.scope ?? 'personal' }
}

export const GrantBody = Type.Object({
  id: Type.String(),
  grant_id: Type.String(),
  credential_id: Type.String(),
  agent_id: Nullable(Type.String()),
  workflow_name: Nullable(Type.String()),
  target_type: Type.String(),
  target_value: Nullable(Type.String()),
  permission_type: Type.String(),
  created_at: Instant,
})

export const credentialFields = {
  id: Type.String(),
  credential_id: Type.String(),
  name: Type.String(),
  label: Type.String(),
  provider: Type.String(),
  credential_type: Type.String(),
  scope: Type.String(),
  status: Type.String(),
  scopes: Type.Array(Type.String()),
  metadata: Type.Record(Type.String(), Type.Any()),
  grants: Type.Array(GrantBody),
  owner_user_id: Type.String(),
  tenant_id: Type.String(),
  created_at: Instant,
  updated_at: Instant,
  last_used: Nullable(Instant),
}
export const CredentialBody = Type.Object(credentialFields)

export const shownGrant = (grant: CredentialGrant) => ({
  id: grant.id,
  grant_id: grant.id,
  credential_id: grant.credentialId,
  agent_id: grant.target.type === 'agent' ? grant.target.value : null,
  workflow_name: grant.target.type === 'workflow' ? grant.target.value : null,
  target_type: grant.target.type,
  target_value: grant.target.value,
  permission_type: grant.permissionType,
  created_at: toWireTime(grant.createdAt),
})

export const shownCredential = (credential: Credential, grants: readonly CredentialGrant[]) => ({
  id: credential.id,
  credential_id: credential.id,
  name: credential.label,
  label: credential.label,
  provider: credential.provider,
  credential_type: credential.type,
  scope: credential.scope,
  status: credential.status,
  scopes: [...credential.scopes],
  metadata: { ...credential.metadata },
  grants: grants.map(shownGrant),
  owner_user_id: credential.ownerId,
  tenant_id: credential.tenantId,
  created_at: toWireTime(credential.createdAt),
  updated_at: toWireTime(credential.updatedAt),
  last_used: toWireTimeOrNull(credential.lastUsedAt),
})
