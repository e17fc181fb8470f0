import { BadRequest, Conflict, DomainError, Forbidden, NotFound } from '../../errors.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import { slugForm } from '../../slug.ts'
import { type Database, isUniqueViolation } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import type { UserCaller } from '../caller.ts'
import type { AnnounceWithdrawal } from '../open-calls.ts'
import { requirePermission } from '../roles.ts'
import { scopeOfRecord, systemScope, type TenantScope } from '../scope.ts'
import type { TenantFounded } from '../setup.ts'
import { FIRST_TENANT, type IdentityStore, type Membership } from '../store.ts'
import { requireActive } from '../suspension.ts'
import { type Quotas, type TenantRecord, type TenantStore, type Tier, tiers } from './store.ts'

const LONGEST_NAME = 255
/** Slugs that name what is of no tenant. */
const reserved: ReadonlySet<string> = new Set(['aegis-system', 'zaru-consumer'])

/** What each tier allows, unless an operator set another number. */
const quotasOf: Readonly<Record<Tier, Quotas>> = {
  free: { maxConcurrentExecutions: 2, maxAgents: 5, maxStorageGb: 1 },
  pro: { maxConcurrentExecutions: 10, maxAgents: 50, maxStorageGb: 25 },
  business: { maxConcurrentExecutions: 25, maxAgents: 200, maxStorageGb: 50 },
  enterprise: { maxConcurrentExecutions: 50, maxAgents: 500, maxStorageGb: 100 },
  system: { maxConcurrentExecutions: 2 ** 31 - 1, maxAgents: 2 ** 31 - 1, maxStorageGb: 2 ** 31 - 1 },
}

export const effectiveQuotas = ({ tier, quotas }: Pick<TenantRecord, 'tier' | 'quotas'>): Quotas => ({
  ...quotasOf[tier],
  ...quotas,
})

/** Called once a tenant was suspended or deleted, and again at times for each that is: what of it still runs is to end. */
export type TenantStopped = (tenant: { readonly tenantId: string }) => Promise<void>

/** The tenants of an installation, for those who look after it; and each person's own. */
export interface Tenants {
  /** @throws DomainError 400 for the slug or tier, 409 for a slug that is taken */
  create(input: {
    readonly slug: string
    readonly displayName: string
    readonly tier: string
    /** Somebody who becomes its owner with it. */
    readonly owner?: string
  }): Promise<TenantRecord>
  list(): Promise<TenantRecord[]>
  /** @throws NotFound also for one that was deleted */
  get(slug: string): Promise<TenantRecord>
  /** Everything of it stops: sessions, keys, streams, executions. Again changes nothing. @throws NotFound, Conflict */
  suspend(slug: string): Promise<TenantRecord>
  resume(slug: string): Promise<TenantRecord>
  /** For good, as far as anybody can reach it; its slug stays taken. @throws NotFound, Conflict */
  delete(slug: string): Promise<TenantRecord>
  setQuotas(slug: string, quotas: Partial<Quotas>): Promise<TenantRecord>
  /** @throws Forbidden when the tenant is suspended or gone */
  requireActive(scope: TenantScope): Promise<void>
  /** Those that the person is a member of. */
  listOf(person: Pick<UserCaller, 'userId'>): Promise<Membership[]>
  /** The caller's session goes on in another tenant of theirs. @throws NotFound, Forbidden */
  switchTo(caller: UserCaller, tenantId: string): Promise<Membership>
  /** An owner gives the tenant up. @throws Forbidden, BadRequest when the slug is another, Conflict for the first tenant */
  deleteOwn(caller: UserCaller, slug: string): Promise<void>
  onStopped(listener: TenantStopped): void
  /** End what still runs of tenants that are stopped: a server may have died between the two. */
  sweep(): Promise<void>
}

export function createTenants(deps: {
  database: Database
  store: IdentityStore
  tenantStore: TenantStore
  clock: Clock
  random: Random
  tenantFounded: TenantFounded
  announceWithdrawal: AnnounceWithdrawal
  onError: (error: unknown) => void
}): Tenants {
  const { database, store, tenantStore, clock, random, tenantFounded, announceWithdrawal, onError } = deps
  const listeners: TenantStopped[] = []

  async function stopped(tenant: TenantRecord): Promise<void> {
    for (const listener of listeners) await listener({ tenantId: tenant.id }).catch(onError)
  }

  async function get(slug: string): Promise<TenantRecord> {
    const tenant = await tenantStore.find(systemScope, slug)
    if (!tenant || tenant.status === 'deleted') throw unknown(slug)
    return tenant
  }

  async function update(
    slug: string,
    changeOf: (tenant: TenantRecord) => Parameters<TenantStore['update']>[1] | null,
  ): Promise<TenantRecord> {
    const tenant = await database.db.transaction().execute(async (within) => {
      await database.lock(`tenant:${slug}`, within)
      const found = await tenantStore.find(systemScope, slug, within)
      if (!found || found.status === 'deleted') throw unknown(slug)
      const change = changeOf(found)
      if (change === null) return found
      const at = microsOf(clock.now())
      await tenantStore.update(scopeOfRecord({ tenantId: found.id }), change, at, within)
      return { ...found, ...change, updatedAt: at }
    })
    if (tenant.status !== 'active') {
      announceWithdrawal()
      await stopped(tenant)
    }
    return tenant
  }

  function requireOther(slug: string, what: string): void {
    if (slug === FIRST_TENANT)
      throw new Conflict(`This tenant looks after the installation; it cannot be ${what}.`, 'first_tenant')
  }

  const end = (slug: string) => update(slug, () => ({ status: 'deleted', deletedAt: microsOf(clock.now()) }))

  return {
    async create({ slug, displayName, tier, owner }) {
      if (!slugForm.test(slug) || reserved.has(slug))
        throw refused(
          `Invalid tenant slug: ${slug.slice(0, 100)}`,
          `A slug is 1 to 63 of a-z, 0-9 and -, with no - at either end, and none of ${[...reserved].join(', ')}.`,
        )
      if (!tiers.some((one) => one === tier))
        throw refused(`Invalid tier: ${tier.slice(0, 100)}`, `There are ${tiers.join(', ')}.`)
      const name = displayName.trim()
      if (name === '' || [...name].length > LONGEST_NAME || /\p{Cc}/u.test(name))
        throw refused(`display_name takes 1 to ${LONGEST_NAME} characters and no control characters`)
      const at = microsOf(clock.now())
      const tenant: TenantRecord = {
        id: random.uuid(),
        slug,
        displayName: name,
        kind: slug.startsWith('u-') ? 'personal' : 'team',
        status: 'active',
        tier: tier as Tier,
        quotas: {},
        createdAt: at,
        updatedAt: at,
        deletedAt: null,
      }
      try {
        await database.db.transaction().execute(async (within) => {
          await tenantStore.insert(tenant, within)
          await tenantFounded(scopeOfRecord({ tenantId: tenant.id }), within)
          if (owner !== undefined)
            await store.insertMember(
              { tenantId: tenant.id, userId: owner, role: 'owner', joinedAt: at, invitedAt: null },
              within,
            )
        })
      } catch (error) {
        if (!isUniqueViolation(error)) throw error
        const text = `Tenant slug already exists: ${slug}`
        throw new Conflict(text, text)
      }
      return tenant
    },
    list: () => tenantStore.list(systemScope),
    get,
    async suspend(slug) {
      requireOther(slug, 'suspended')
      return update(slug, ({ status }) => (status === 'suspended' ? null : { status: 'suspended' }))
    },
    resume: (slug) => update(slug, ({ status }) => (status === 'active' ? null : { status: 'active' })),
    async delete(slug) {
      requireOther(slug, 'deleted')
      return end(slug)
    },
    setQuotas: (slug, quotas) => update(slug, (tenant) => ({ quotas: { ...tenant.quotas, ...quotas } })),
    async requireActive(scope) {
      requireActive((await tenantStore.statusOf(scope)) ?? 'deleted')
    },
    listOf: (caller) => store.listMemberships(caller.userId),
    async switchTo(caller, tenantId) {
      const [session, mine] = await Promise.all([
        store.findSession(caller.sessionDigest),
        store.listMemberships(caller.userId),
      ])
      const membership = mine.find((one) => one.tenantId === tenantId)
      if (!membership) throw new NotFound('You are not a member of this tenant.')
      // What one tenant's provider says of a person counts in that tenant.
      if (session?.method.startsWith('sso:') && tenantId !== session.tenantId)
        throw new Forbidden(
          'You signed in at the provider of one tenant. Sign in with your password to go to another.',
          'sso_session',
        )
      requireActive(membership.status)
      await store.moveSession(caller.sessionDigest, tenantId)
      announceWithdrawal()
      return membership
    },
    async deleteOwn(caller, slug) {
      const mine = (await store.listMemberships(caller.userId)).find(({ tenantId }) => tenantId === caller.tenantId)
      if (!mine) throw new NotFound('You are not a member of this tenant.')
      requirePermission(mine.role, 'own')
      if (slug !== mine.slug)
        throw new BadRequest(`Name the tenant to delete it: its short name is '${mine.slug}'.`, 'slug_mismatch')
      requireOther(mine.slug, 'deleted')
      await end(mine.slug)
    },
    onStopped: (listener) => void listeners.push(listener),
    async sweep() {
      for (const tenant of await tenantStore.listStopped(systemScope)) await stopped(tenant)
    },
  }
}

const refused = (text: string, rule = '') => new DomainError(400, text, rule === '' ? text : `${text}. ${rule}`)

function unknown(slug: string): NotFound {
  const text = `Tenant not found: ${slug.slice(0, 100)}`
  return new NotFound(text, text)
}
