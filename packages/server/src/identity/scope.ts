import type { Caller } from './caller.ts'

declare const confined: unique symbol
declare const everywhere: unique symbol

/** The tenant that a query is confined to. Only this file makes one, from a caller or from a row that names its tenant. */
export type TenantScope = { readonly tenantId: string; readonly [confined]: true }

/** For work that belongs to no tenant: sweeps, migrations, the server's own upkeep. Said aloud where it is used. */
export type SystemScope = { readonly [everywhere]: true }

const scope = (tenantId: string) => ({ tenantId }) as TenantScope

/** What a caller may see: its own tenant, nothing else. */
export const scopeOf = (caller: Caller): TenantScope => scope(caller.tenantId)

/** The tenant of a record that was itself read within a scope, or by a sweep that goes over all of them. */
export const scopeOfRecord = (record: { readonly tenantId: string }): TenantScope => scope(record.tenantId)

/** Every tenant at once. */
export const systemScope = {} as SystemScope
