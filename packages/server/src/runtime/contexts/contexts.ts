import { Conflict, Forbidden, NotFound } from '../../errors.ts'
import type { TenantScope } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import { microsOf } from '../../storage/instants.ts'
import { builtInContexts } from './built-in.ts'
import { readContext } from './definition.ts'
import { mayDefine } from './names.ts'
import { findContext, type SecurityContext } from './security-contexts.ts'
import type { ContextStore, StoredContext } from './store.ts'

/** A context as operators see it: built in, or of their tenant. */
export type KnownContext =
  | { readonly kind: 'built-in'; readonly context: SecurityContext }
  | ({ readonly kind: 'stored' } & StoredContext)

/** Security contexts: those that every deployment has, and those of a tenant. */
export interface SecurityContexts {
  /** The context as it is now, or null. Who keeps it has a snapshot. */
  find(scope: TenantScope, name: string): Promise<SecurityContext | null>
  get(scope: TenantScope, name: string): Promise<KnownContext>
  /** Built-in ones first, then by name. */
  list(scope: TenantScope): Promise<KnownContext[]>
  /** Make a context, or change it: executions and sessions that run keep what they have. @throws InvalidInput, Conflict, Forbidden */
  save(scope: TenantScope, body: unknown, by: string): Promise<StoredContext>
  /** @throws NotFound, Conflict for a built-in one */
  delete(scope: TenantScope, name: string): Promise<void>
  /** Short name of the tenant, by which some names are its own. */
  slugOf(scope: TenantScope): Promise<string>
}

export function createSecurityContexts(deps: { store: ContextStore; clock: Clock }): SecurityContexts {
  const { store, clock } = deps

  function requireOwn(name: string): void {
    if (findContext(name))
      throw new Conflict(`The context '${name}' is built in and cannot be changed. Choose another name.`, 'built_in')
  }

  return {
    slugOf: store.slugOf,
    async find(scope, name) {
      return findContext(name) ?? (await store.find(scope, name))?.context ?? null
    },
    async get(scope, name) {
      const context = findContext(name)
      if (context) return { kind: 'built-in', context }
      const stored = await store.find(scope, name)
      if (!stored) throw new NotFound('security context not found', 'security context not found')
      return { kind: 'stored', ...stored }
    },
    async list(scope) {
      const stored = await store.list(scope)
      return [
        ...builtInContexts.map((context) => ({ kind: 'built-in', context }) as const),
        ...stored.map((one) => ({ kind: 'stored', ...one }) as const),
      ]
    },
    async save(scope, body, by) {
      const { description, ...context } = readContext(body)
      requireOwn(context.name)
      const slug = await store.slugOf(scope)
      if (!mayDefine(context.name, slug))
        throw new Forbidden(
          `The name '${context.name}' is not this tenant's: 'aegis-system-' and 'zaru-' belong to the platform, 'tenant-' needs 'tenant-${slug}-'.`,
          'foreign_name',
        )
      return store.save(scope, { context, description, at: microsOf(clock.now()), by })
    },
    async delete(scope, name) {
      requireOwn(name)
      if (!(await store.delete(scope, name)))
        throw new NotFound('security context not found', 'security context not found')
    },
  }
}
