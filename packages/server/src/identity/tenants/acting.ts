import type { FastifyRequest } from 'fastify'
import { type DomainError, Forbidden, NotFound } from '../../errors.ts'
import { type Caller, looksAfterInstallation, principalOf, type TokenCaller, type UserCaller } from '../caller.ts'
import { isAtLeast } from '../roles.ts'
import { systemScope } from '../scope.ts'
import type { IdentityStore } from '../store.ts'
import { requireActive } from '../suspension.ts'
import type { IdentityTelling } from '../telling.ts'
import type { TenantRecord, TenantStore } from './store.ts'

/** Who may name a tenant. */
type Bearer = TokenCaller | UserCaller

/**
 * In which tenant a request of the runtime API acts, by its headers. `X-Aegis-Tenant` is for who looks after the
 * installation, and means nothing from others; `X-Tenant-Id` for them, too, and for people: a tenant of which they are a member.
 * Both take an id, a slug, or `t-` and the id. Naming one's own tenant changes nothing.
 */
export interface Acting {
  /** The caller as who it acts. @throws NotFound, Forbidden */
  actAs(request: FastifyRequest, caller: Bearer): Promise<Bearer>
  /** Of callers that act elsewhere than where they come from: whether they still may. */
  stillMay(caller: Bearer): Promise<boolean>
}

export function createActing(deps: {
  store: Pick<IdentityStore, 'listMemberships'>
  tenantStore: Pick<TenantStore, 'findNamed'>
  telling: Pick<IdentityTelling, 'tell'>
}): Acting {
  const { store, tenantStore, telling } = deps

  function requireStanding(tenant: TenantRecord, request: FastifyRequest): void {
    if (request.routeOptions.config.whileSuspended !== true) requireActive(tenant.status)
  }

  /** As an administrator of another tenant. */
  async function across(request: FastifyRequest, caller: Bearer, named: string): Promise<Bearer> {
    const tenant = await tenantStore.findNamed(systemScope, named)
    if (tenant?.id === caller.tenantId) return caller
    if (!tenant || tenant.status === 'deleted') {
      const text = `Tenant not found: ${named}`
      throw new NotFound(text, text)
    }
    requireStanding(tenant, request)
    await telling.tell({ kind: 'acted_across', tenantId: tenant.id, by: principalOf(caller) })
    return caller.kind === 'user'
      ? { ...caller, tenantId: tenant.id, role: 'admin', isAdmin: true, own: caller }
      : { ...caller, tenantId: tenant.id, own: caller }
  }

  async function asMember(request: FastifyRequest, caller: UserCaller, named: string): Promise<UserCaller> {
    const wanted = named.replace(/^t-/, '')
    const mine = await store.listMemberships(caller.userId)
    const membership = mine.find(({ tenantId, slug }) => tenantId === wanted || slug === named)
    if (membership?.tenantId === caller.tenantId) return caller
    if (!membership) throw new Forbidden(`You are not a member of the tenant '${named}'.`, 'not_a_team_member')
    // What one tenant's provider says of a person counts in that tenant.
    if (caller.signedInBy.startsWith('sso:'))
      throw new Forbidden('You signed in at the provider of one tenant, and act in that one.', 'sso_session')
    if (request.routeOptions.config.whileSuspended !== true) requireActive(membership.status)
    await telling.tell({
      kind: 'switched',
      tenantId: membership.tenantId,
      userId: caller.userId,
      from: caller.tenantId,
      header: 'X-Tenant-Id',
    })
    const { tenantId, role } = membership
    return { ...caller, tenantId, role, isAdmin: isAtLeast(role, 'admin'), isOperator: false, own: caller }
  }

  return {
    async actAs(request, caller) {
      // What concerns no tenant's data is judged by who the caller is.
      if (request.routeOptions.config.scope === 'none') return caller
      const elsewhere = nameIn(request.headers['x-aegis-tenant'])
      if (elsewhere !== null && looksAfterInstallation(caller)) return across(request, caller, elsewhere)
      const header = request.headers['x-tenant-id']
      if (header === undefined) return caller
      const named = nameIn(header)
      if (named === null) throw foreign(String(header))
      if (looksAfterInstallation(caller)) return across(request, caller, named)
      if (caller.kind === 'user') return asMember(request, caller, named)
      const tenant = await tenantStore.findNamed(systemScope, named)
      if (tenant?.id !== caller.tenantId) throw foreign(named)
      return caller
    },
    async stillMay(caller) {
      const tenant = await tenantStore.findNamed(systemScope, caller.tenantId)
      if (tenant?.status !== 'active') return false
      if (caller.kind === 'token' || caller.isOperator) return true
      const mine = await store.listMemberships(caller.userId)
      return mine.some(({ tenantId, role }) => tenantId === caller.tenantId && role === caller.role)
    },
  }
}

/** A text that can name a tenant, as it is written; null for any other. */
function nameIn(header: string | string[] | undefined): string | null {
  return typeof header === 'string' && /^[a-z0-9][a-z0-9-]{0,99}$/i.test(header) ? header.toLowerCase() : null
}

function foreign(named: string): DomainError {
  return new Forbidden(
    `This access token does not belong to the tenant '${named.slice(0, 100)}'.`,
    'forbidden_tenant_switch',
  )
}

/** Whom a call belongs to that stays open: who came, wherever they act. */
export const comesAs = (caller: Caller): Caller => ('own' in caller && caller.own ? caller.own : caller)
