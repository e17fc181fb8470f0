import { BadRequest, DomainError, Forbidden } from '../errors.ts'
import type { TokenCaller, UserCaller } from '../identity/caller.ts'
import { scopeOf, scopeOfRecord, type TenantScope } from '../identity/scope.ts'

/**
 * Who sees what a tenant deploys, agents and workflows alike: its own tenant, or every tenant. What every tenant sees belongs to a
 * tenant of its own and is changed by operators; to others it answers, where they would change it, as if it were not there.
 */

/** Who may call the runtime API: a bearer of an access token, or a person signed in to the console. */
export type RuntimeCaller = TokenCaller | UserCaller

export type Visibility = 'tenant' | 'global'

/** The tenant that holds what every tenant sees. */
export const GLOBAL_TENANT = 'aegis-system'
export const globalScope: TenantScope = scopeOfRecord({ tenantId: GLOBAL_TENANT })

/** Whether a text can be the id or the short name of a tenant. */
export const isTenantName = (text: string): boolean => /^[a-z0-9][a-z0-9-]{0,99}$/i.test(text)

/** The tenants of which a tenant sees what they deployed. */
export const visibleTenants = ({ tenantId }: TenantScope): string[] => [tenantId, GLOBAL_TENANT]

/** Of rows under one name, the tenant's own before the global one. */
export const ownFirst = <Row extends { readonly tenant_id: string }>(
  rows: readonly Row[],
  { tenantId }: TenantScope,
): Row | undefined => rows.find((row) => row.tenant_id === tenantId) ?? rows[0]

/** Where something of this visibility belongs. */
export const homeOf = (caller: RuntimeCaller, scope: Visibility): TenantScope =>
  scope === 'global' ? globalScope : scopeOf(caller)

/** Whether the caller runs the platform: of the installation's first tenant administrators, operators and service accounts that are no mere readers. */
export function isOperator(caller: RuntimeCaller): boolean {
  if (caller.kind === 'user') return caller.isOperator
  return caller.isOfFirstTenant === true && (caller.role === 'aegis:admin' || caller.role === 'aegis:operator')
}

/** Whether the caller may change what is seen so far. */
export const mayChange = (caller: RuntimeCaller, { scope }: { readonly scope: Visibility }): boolean =>
  scope !== 'global' || isOperator(caller)

/** @throws Forbidden when only operators may deploy so */
export function requireMayDeploy(caller: RuntimeCaller, scope: Visibility, what: string): void {
  if (scope === 'global' && !isOperator(caller))
    throw new Forbidden(`Only operators may deploy ${what} for every tenant (scope=global).`)
}

/**
 * The visibility that something is to get, by a caller who may give it.
 * @throws DomainError 400 for a word that is none, 403 for who may not
 */
export function requireTarget(caller: RuntimeCaller, target: string | undefined): Visibility {
  if (target === undefined) throw refusal(400, "missing 'target_scope' field")
  if (target !== 'tenant' && target !== 'global')
    throw refusal(400, `invalid scope: '${target}'. Valid values: global, tenant`)
  if (!isOperator(caller)) throw refusal(403, 'Scope changes require aegis:operator or aegis:admin role')
  return target
}

/** @throws DomainError 400 where it has that visibility already */
export function requireChange(from: Visibility, target: Visibility): void {
  if (from === target)
    throw refusal(400, `invalid transition from '${from}' to '${target}': must traverse through Tenant`)
}

/** What is told of a change: fields of an event. */
export const moved = (
  before: { readonly scope: Visibility; readonly tenantId: string },
  after: { readonly scope: Visibility; readonly tenantId: string },
) => ({
  previous_scope: scopeWord(before.scope),
  new_scope: scopeWord(after.scope),
  previous_tenant_id: before.tenantId,
  new_tenant_id: after.tenantId,
})

/** Events spell it so. */
const scopeWord = (scope: Visibility): string => (scope === 'global' ? 'Global' : 'Tenant')

/** A `scope` of a query or a body; absent and `user` are the tenant's. @throws BadRequest */
export function readScope(text: string | undefined): Visibility {
  if (text === undefined || text === '' || text === 'tenant' || text === 'user') return 'tenant'
  if (text === 'global') return 'global'
  throw new BadRequest(`invalid scope: '${text}'. Valid values: global, tenant`, 'invalid_scope')
}

/** An error whose `error` is exactly the text that clients know. */
export const refusal = (status: number, text: string, members: Readonly<Record<string, unknown>> = {}): DomainError =>
  new DomainError(status, text, text, { members })
