import type { RequestOptions } from '../http/options.ts'
import { path, query } from '../http/path.ts'
import type { Transport } from '../http/transport.ts'

export interface TenantQuotas {
  readonly max_concurrent_executions: number
  readonly max_agents: number
  readonly max_storage_gb: number
}

export interface Tenant {
  readonly slug: string
  readonly display_name: string
  /** `active`, `suspended` or `deleted`. */
  readonly status: string
  readonly tier: string
  readonly keycloak_realm: string
  readonly openbao_namespace: string
  readonly quotas: TenantQuotas
  readonly created_at: string
  readonly updated_at: string
  readonly deleted_at: string | null
}

export interface TenantInvitation {
  readonly id: string
  readonly email: string
  readonly role: string
  readonly expires_at: string
  /** In this answer alone: good once. */
  readonly link: string
  /** `sent`, `failed` or `off`. */
  readonly mail: string
}

/** The tenants of an installation, for those who look after it. Each call rejects with an `AegisError`; see there. */
export function tenantMethods(transport: Transport) {
  return {
    /** @param tier `free`, `pro`, `business`, `enterprise` or `system` */
    createTenant: (slug: string, displayName: string, tier = 'enterprise', options?: RequestOptions): Promise<Tenant> =>
      transport.json(
        { method: 'POST', path: '/v1/admin/tenants', json: { slug, display_name: displayName, tier } },
        options,
      ),
    /** Suspended ones too. */
    async listTenants(
      options?: RequestOptions,
    ): Promise<{ readonly tenants: readonly Tenant[]; readonly count: number }> {
      return transport.json({ method: 'GET', path: '/v1/admin/tenants' }, options)
    },
    getTenant: (slug: string, options?: RequestOptions): Promise<Tenant> =>
      transport.json({ method: 'GET', path: path`/v1/admin/tenants/${slug}` }, options),
    /** Everything of it stops: keys, streams, executions. */
    suspendTenant: (
      slug: string,
      options?: RequestOptions,
    ): Promise<{ readonly status: string; readonly slug: string }> =>
      transport.json({ method: 'POST', path: path`/v1/admin/tenants/${slug}/suspend` }, options),
    resumeTenant: (
      slug: string,
      options?: RequestOptions,
    ): Promise<{ readonly status: string; readonly slug: string }> =>
      transport.json({ method: 'POST', path: path`/v1/admin/tenants/${slug}/resume` }, options),
    /** For good, as far as anybody can reach it. */
    deleteTenant: (
      slug: string,
      options?: RequestOptions,
    ): Promise<{ readonly status: string; readonly slug: string }> =>
      transport.json({ method: 'DELETE', path: path`/v1/admin/tenants/${slug}` }, options),
    /** What is left out stays. */
    setTenantQuotas: (slug: string, quotas: Partial<TenantQuotas>, options?: RequestOptions): Promise<Tenant> =>
      transport.json({ method: 'PUT', path: path`/v1/admin/tenants/${slug}/quotas`, json: quotas }, options),
    /** Into any tenant, such as its first owner. */
    inviteToTenant: (
      slug: string,
      invited: { readonly email: string; readonly role?: string },
      options?: RequestOptions,
    ): Promise<TenantInvitation> =>
      transport.json({ method: 'POST', path: path`/v1/admin/tenants/${slug}/invitations`, json: invited }, options),
  }
}

export type TenantMethods = ReturnType<typeof tenantMethods>

export interface ColonyMember {
  /** Of the user; of somebody who is invited that of the invitation. */
  readonly id: string
  readonly user_id?: string
  readonly email: string
  /** `owner`, `admin`, `member` or `viewer`. */
  readonly role: string
  /** `active`, `invited` or `pending`. */
  readonly status: string
  readonly invited_at?: string
  readonly joined_at?: string | null
}

export interface InvitedMember extends ColonyMember {
  /** Its token and link are in this answer alone. */
  readonly invitation?: {
    readonly id: string
    readonly token: string
    readonly link?: string
    readonly expires_at: string
  }
}

/** What the caller's tenant has. */
export interface ColonySubscription {
  readonly tier: string
  readonly features: readonly string[]
  /** By what is counted: how much there is, and how much there may be; null is unlimited. */
  readonly quota_usage?: Readonly<Record<string, { readonly used: number; readonly limit: number | null }>>
  readonly members_used?: number
  readonly members_limit?: number
  readonly seat_count?: number
  readonly status?: string
  readonly current_period_end?: string | null
  readonly is_team?: boolean
}

/** The SAML identity provider at which members of the caller's tenant sign in. */
export interface SamlIdpConfig {
  /** How the provider names itself; empty while there is none. */
  readonly entity_id: string
  /** Where it takes requests (HTTP-Redirect); empty while there is none. */
  readonly sso_url: string
  /** PEM; several, one after the other, while the provider changes its key. */
  readonly certificate?: string | null
  readonly configured: boolean
  /** How the server names itself to the provider. */
  readonly sp_entity_id?: string
  /** Where the provider lets a browser post its answer. */
  readonly acs_url?: string
  /** Where the provider may read both. */
  readonly metadata_url?: string
}

export interface SamlConfigRequest {
  readonly entity_id: string
  /** `https` address. */
  readonly sso_url: string
  /** PEM, one or several, or one in base64. */
  readonly certificate: string
}

/** Members of the caller's tenant. Each call rejects with an `AegisError`; see there. */
export function colonyMethods(transport: Transport) {
  return {
    listMembers: (
      limit?: number,
      options?: RequestOptions,
    ): Promise<{ readonly members: readonly ColonyMember[]; readonly count?: number }> =>
      transport.json({ method: 'GET', path: `/v1/colony/members${query({ limit })}` }, options),
    inviteMember: (
      payload: { readonly email: string; readonly role?: string },
      options?: RequestOptions,
    ): Promise<InvitedMember> => transport.json({ method: 'POST', path: '/v1/colony/members', json: payload }, options),
    removeMember: (userId: string, options?: RequestOptions): Promise<{ readonly status: string }> =>
      transport.json({ method: 'DELETE', path: path`/v1/colony/members/${userId}` }, options),
    updateRole: (
      payload: { readonly user_id: string; readonly role: string },
      options?: RequestOptions,
    ): Promise<ColonyMember> => transport.json({ method: 'PUT', path: '/v1/colony/roles', json: payload }, options),
    /** Takes an owner of the tenant, or who looks after the installation. */
    getSamlConfig: (options?: RequestOptions): Promise<SamlIdpConfig> =>
      transport.json({ method: 'GET', path: '/v1/colony/saml' }, options),
    /** Takes an owner of the tenant, or who looks after the installation. */
    setSamlConfig: (payload: SamlConfigRequest, options?: RequestOptions): Promise<SamlIdpConfig> =>
      transport.json({ method: 'PUT', path: '/v1/colony/saml', json: payload }, options),
    getSubscription: (options?: RequestOptions): Promise<ColonySubscription> =>
      transport.json({ method: 'GET', path: '/v1/colony/subscription' }, options),
    acceptInvitation: (
      token: string,
      options?: RequestOptions,
    ): Promise<{ readonly status: string; readonly tenant_id: string; readonly role: string }> =>
      transport.json({ method: 'POST', path: path`/v1/colony/invitations/${token}/accept` }, options),
  }
}

export type ColonyMethods = ReturnType<typeof colonyMethods>
