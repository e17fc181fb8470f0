import { DomainError } from '../../errors.ts'
import { type SystemScope, scopeOfRecord, type TenantScope } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { RateVerdict } from '../../ports/rate-limiter.ts'
import type { Charge, Counter, WindowCounters } from '../../ports/window-counters.ts'
import type { Queryable } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import { draft, type EventDraft } from '../record/events.ts'
import type { TenantEvents } from '../record/tenant-events.ts'
import { type Override, type Policy, policiesOf, toolPolicyOf } from './policy.ts'
import { quotaOf, type ResourceName, resources, type Tier, tiers, wordsOf } from './resources.ts'
import type { Counts, LimitStore } from './store.ts'

/** From this share of a limit on, it is warned of. */
const WARNING_PERCENT = 80

/** For whom it is counted: a tenant, and whoever of it began what is counted (as the audit log names actors). */
export interface Counted {
  readonly tenantId: string
  readonly userId: string
}

/** What is left in the window that has least, told with an answer. */
export interface Left {
  readonly limit: number
  readonly remaining: number
  /** Seconds since 1970. */
  readonly resetsAt: number
}

/** What was counted for something that is about to begin. */
export interface Taking {
  /** Null: nothing limits it. */
  readonly left: Left | null
  /** It did not begin after all. */
  giveBack(): Promise<void>
}

export interface Amount {
  readonly resource: ResourceName
  readonly amount: number
}

/** One counter, with its limit where there is one now. */
export interface Usage extends Counter {
  readonly limit: number | null
}

/** A tenant's tier, its quotas (null: unlimited), and what there is. */
export interface Standing extends Counts {
  readonly tier: Tier
  readonly quotas: { readonly executions: number | null; readonly agents: number | null; readonly bytes: number | null }
}

const GIB = 1024 ** 3

/** Limits by time and by number, of tenants and of their users. */
export interface Limits {
  /** Count all of these, or nothing. @throws LimitReached */
  take(who: Counted, amounts: readonly Amount[]): Promise<Taking>
  /** Count what was used, limit or not: it is known only afterwards. */
  add(who: Counted, amounts: readonly Amount[]): Promise<void>
  /**
   * Begin something that is counted: counted exactly when it is begun. `begin` says whether it made something new, which a
   * repetition does not. @throws LimitReached
   */
  begin<T>(
    who: Counted,
    resource: ResourceName,
    begin: () => Promise<{ readonly made: T; readonly isNew: boolean }>,
  ): Promise<{ readonly made: T; readonly left: Left | null }>
  /** Count a call of a tool. `tierNamed` can only be lower than the tenant's. */
  takeTool(who: Counted & { readonly agentId: string }, tool: string, tierNamed: Tier): Promise<RateVerdict>
  /** Do what asks for room in a quota: one that is full is told of. */
  telling<T>(work: () => Promise<T>): Promise<T>
  /** Within the transaction that makes another execution. @throws DomainError 409 `quota_exceeded:…` */
  requireExecution(who: { readonly tenantId: string }, within: Queryable): Promise<void>
  /** Within the transaction that makes another agent. @throws DomainError 409 `quota_exceeded:…` */
  requireAgent(who: { readonly tenantId: string }, within: Queryable): Promise<void>
  /** Within the transaction that gives a volume so many bytes. @throws DomainError 409 `quota_exceeded:…` */
  requireStorage(who: { readonly tenantId: string }, bytes: number, within: Queryable): Promise<void>
  /** Bytes that volumes of the tenant may have together; null: no quota says so. */
  storageOf(scope: TenantScope): Promise<number | null>
  /** What a tenant has of what, and how much it may have. */
  standingOf(scope: TenantScope): Promise<Standing>
  /** What somebody has used, in windows that are under way. */
  usageOf(who: Counted): Promise<{ readonly user: readonly Usage[]; readonly tenant: readonly Usage[] }>
  /** Counters of a tenant, or of a user of it. */
  countersOf(who: { readonly tenantId: string; readonly userId: string | null }): Promise<readonly Counter[]>
  /** Set a limit for a tenant or a user. */
  setOverride(override: Omit<Override, 'id' | 'createdAt' | 'updatedAt'>): Promise<Override>
  listOverrides(scope: TenantScope | SystemScope, filter: { userId?: string | undefined }): Promise<Override[]>
  /** False when there is none. */
  deleteOverride(scope: TenantScope | SystemScope, id: string): Promise<boolean>
}

/** A limit is reached: what of, which one, and when to come again. */
export class LimitReached extends DomainError {
  override readonly name = 'LimitReached'
  constructor(told: { message: string; charge: Charge; left: Left; retryAfter: number }) {
    const { message, charge, left, retryAfter } = told
    super(429, 'rate_limit_exceeded', message, {
      headers: { ...headersOf(left), 'retry-after': String(retryAfter) },
      members: {
        resource_type: charge.resourceType,
        bucket: charge.bucket,
        limit: left.limit,
        retry_after_seconds: retryAfter,
      },
    })
  }
}

/** What is left, as headers of an answer. */
export const headersOf = (left: Left): Record<string, string> => ({
  'x-ratelimit-limit': String(left.limit),
  'x-ratelimit-remaining': String(left.remaining),
  'x-ratelimit-reset': String(left.resetsAt),
})

export function createLimits(deps: {
  store: LimitStore
  counters: WindowCounters
  events: Pick<TenantEvents, 'record' | 'tell'>
  /** `LICTOR_LIMITS`: off sets no limits of tiers; what an administrator set holds all the same. */
  setting: 'on' | 'off'
  /** Within a transaction that is under way, where it is asked for in one. */
  tierOf: (scope: TenantScope, within?: Queryable) => Promise<Tier>
  count: (outcome: 'refused' | 'warned', resourceType: string) => void
  clock: Clock
  random: Random
}): Limits {
  const { store, counters, events, clock, random } = deps

  async function tierOf(scope: TenantScope, within?: Queryable): Promise<Tier | null> {
    return deps.setting === 'on' ? deps.tierOf(scope, within) : null
  }

  async function chargesFor({ tenantId, userId }: Counted, amounts: readonly Amount[]): Promise<Charge[]> {
    const scope = scopeOfRecord({ tenantId })
    const [overrides, tier] = await Promise.all([store.overridesFor(scope, userId), tierOf(scope)])
    return amounts.flatMap(({ resource, amount }) => {
      const { tenant, user } = policiesOf(resource, overrides, tier)
      return [
        ...chargesOf(user, { scopeType: 'user', scopeId: userScope(tenantId, userId) }, amount),
        ...chargesOf(tenant, { scopeType: 'tenant', scopeId: tenantId }, amount),
      ]
    })
  }

  const wire = ({ tenantId, userId }: Counted, charge: Charge) => ({
    user_id: charge.scopeType === 'user' ? userId : null,
    tenant_id: tenantId,
    resource_type: charge.resourceType,
    bucket: charge.bucket,
    limit: charge.limit,
  })

  /** Near is told once in a window: by the call that comes near. */
  const warningsOf = (who: Counted, charges: readonly Charge[], now: readonly Counter[]): EventDraft[] =>
    charges.flatMap((charge, n) => {
      const current = now[n]?.count ?? 0
      if (charge.limit === null) return []
      const near = Math.ceil((charge.limit * WARNING_PERCENT) / 100)
      if (current < near || current - charge.amount >= near) return []
      deps.count('warned', charge.resourceType)
      return [draft('rate_limit_warning', { ...wire(who, charge), current, threshold_percent: WARNING_PERCENT })]
    })

  async function take(who: Counted, amounts: readonly Amount[]): Promise<Taking> {
    const charges = await chargesFor(who, amounts)
    if (charges.length === 0) return { left: null, giveBack: async () => {} }
    const taken = await counters.take(charges)
    if (!taken.isTaken) {
      const { refused, counter } = taken
      deps.count('refused', refused.resourceType)
      await events.record(who.tenantId, [
        draft('rate_limit_exceeded', { ...wire(who, refused), counter: counter.count }),
      ])
      const left = leftOf(refused, counter)
      const retryAfter = refused.windowSeconds
      const whom = refused.scopeType === 'user' ? `user: ${who.userId}` : `tenant: ${who.tenantId}`
      const message = `Rate limit exceeded for ${wordsOf(refused.resourceType)} (${whom}), retry after ${retryAfter}s`
      throw new LimitReached({ message, charge: refused, left, retryAfter })
    }
    const warnings = warningsOf(who, charges, taken.counters)
    if (warnings.length > 0) await events.record(who.tenantId, warnings)
    return { left: leastLeft(charges, taken.counters), giveBack: () => counters.giveBack(charges) }
  }

  /** What an operator set stands in place of the tier's number, and holds where tiers limit nothing. */
  async function quotasOf(scope: TenantScope, within?: Queryable): Promise<Standing['quotas']> {
    const tier = await tierOf(scope, within)
    const given = await store.givenQuotas(scope, within)
    const ofTier = tier === null ? null : quotaOf(tier)
    return {
      executions: given.maxConcurrentExecutions ?? ofTier?.executions ?? null,
      agents: given.maxAgents ?? ofTier?.agents ?? null,
      bytes: given.maxStorageGb === undefined ? null : Math.floor(given.maxStorageGb * GIB),
    }
  }

  async function requireQuota(
    tenantId: string,
    kind: 'ConcurrentExecutions' | 'TotalAgents',
    within: Queryable,
    look: (scope: TenantScope) => Promise<number>,
  ): Promise<void> {
    const scope = scopeOfRecord({ tenantId })
    const quotas = await quotasOf(scope, within)
    const most = kind === 'TotalAgents' ? quotas.agents : quotas.executions
    if (most === null) return
    const current = await look(scope)
    if (current < most) return
    throw new QuotaReached(tenantId, kind, current, most)
  }

  /** What is refused within a transaction is told outside of it: inside, it would go with it. */
  async function telling<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (error instanceof QuotaReached) {
        const { tenantId, kind, current, most } = error
        const slug = await store.slugOf(scopeOfRecord({ tenantId }))
        const fields = { tenant_slug: slug, quota_kind: kind, current_value: current, limit: most }
        await events.record(tenantId, [draft('tenant_quota_exceeded', fields)])
      }
      throw error
    }
  }

  return {
    take,
    telling,
    async add(who, amounts) {
      const charges = await chargesFor(who, amounts)
      const taken = await counters.take(charges.map((charge) => ({ ...charge, limit: null })))
      if (!taken.isTaken) return
      const warnings = warningsOf(who, charges, taken.counters)
      if (warnings.length > 0) await events.record(who.tenantId, warnings)
    },
    async begin(who, resource, begin) {
      const taking = await take(who, [{ resource, amount: 1 }])
      try {
        const { made, isNew } = await telling(begin)
        if (!isNew) await taking.giveBack()
        return { made, left: isNew ? taking.left : null }
      } catch (error) {
        await taking.giveBack()
        throw error
      }
    },
    async takeTool({ tenantId, userId, agentId }, tool, tierNamed) {
      const scope = scopeOfRecord({ tenantId })
      const [overrides, tier] = await Promise.all([store.overridesFor(scope, userId), tierOf(scope)])
      const policy = toolPolicyOf(tool, overrides, tier === null ? null : lower(tier, tierNamed))
      if (policy === null) return { allowed: true }
      const charges = chargesOf(policy, { scopeType: 'user', scopeId: userScope(tenantId, userId) }, 1)
      const taken = await counters.take(charges)
      const who = { tenantId, userId }
      const tell = (told: readonly EventDraft[]) =>
        events.tell({ tenantId, agentId, executionId: null }, async () => ({ made: undefined, events: told }))
      if (!taken.isTaken) {
        const { refused, counter } = taken
        deps.count('refused', refused.resourceType)
        await tell([draft('rate_limit_exceeded', { ...wire(who, refused), counter: counter.count })])
        return { allowed: false, retryAfter: refused.windowSeconds }
      }
      const warnings = warningsOf(who, charges, taken.counters)
      if (warnings.length > 0) await tell(warnings)
      return { allowed: true }
    },
    requireExecution: ({ tenantId }, within) =>
      requireQuota(tenantId, 'ConcurrentExecutions', within, (scope) => store.countExecutions(scope, within)),
    requireAgent: ({ tenantId }, within) =>
      requireQuota(tenantId, 'TotalAgents', within, (scope) => store.countAgents(scope, within)),
    async requireStorage({ tenantId }, bytes, within) {
      const scope = scopeOfRecord({ tenantId })
      const { bytes: most } = await quotasOf(scope, within)
      if (most === null) return
      const current = await store.countBytes(scope, within)
      if (current + bytes <= most) return
      throw new QuotaReached(tenantId, 'StorageBytes', current, most)
    },
    storageOf: async (scope) => (await quotasOf(scope)).bytes,
    async standingOf(scope) {
      const [tier, quotas, counts] = await Promise.all([deps.tierOf(scope), quotasOf(scope), store.countAll(scope)])
      return { ...counts, tier, quotas }
    },
    async usageOf({ tenantId, userId }) {
      const scope = scopeOfRecord({ tenantId })
      const [user, tenant, overrides, tier] = await Promise.all([
        counters.list({ scopeType: 'user', scopeId: userScope(tenantId, userId) }),
        counters.list({ scopeType: 'tenant', scopeId: tenantId }),
        store.overridesFor(scope, userId),
        tierOf(scope),
      ])
      const limitsOf = (of: 'user' | 'tenant') =>
        (Object.keys(resources) as ResourceName[]).flatMap((resource) => {
          const policy = policiesOf(resource, overrides, tier)[of]
          return policy ? policy.limits.map((one) => ({ ...one, resourceType: resource as string })) : []
        })
      return { user: withLimits(user, limitsOf('user')), tenant: withLimits(tenant, limitsOf('tenant')) }
    },
    countersOf: ({ tenantId, userId }) =>
      counters.list(
        userId === null
          ? { scopeType: 'tenant', scopeId: tenantId }
          : { scopeType: 'user', scopeId: userScope(tenantId, userId) },
      ),
    setOverride(override) {
      const now = microsOf(clock.now())
      return store.putOverride({ ...override, id: random.uuid(), createdAt: now, updatedAt: now })
    },
    listOverrides: store.listOverrides,
    deleteOverride: store.deleteOverride,
  }
}

class QuotaReached extends DomainError {
  override readonly name = 'QuotaReached'
  readonly tenantId: string
  readonly kind: string
  readonly current: number
  readonly most: number
  constructor(tenantId: string, kind: string, current: number, most: number) {
    const message = `quota_exceeded:quota exceeded for ${kind}: current ${current}, limit ${most}`
    super(409, message, message, { members: { quota_kind: kind, current_value: current, limit: most } })
    this.tenantId = tenantId
    this.kind = kind
    this.current = current
    this.most = most
  }
}

/** A user's counters are the tenant's: the same name in another tenant is somebody else. */
export const userScope = (tenantId: string, userId: string): string => `${tenantId}:${userId}`

function chargesOf(policy: Policy | null, scope: Pick<Charge, 'scopeType' | 'scopeId'>, amount: number): Charge[] {
  if (policy === null) return []
  const { resourceType, limits } = policy
  return limits.map(({ bucket, seconds, limit }) => ({
    ...scope,
    resourceType,
    bucket,
    windowSeconds: seconds,
    amount,
    limit,
  }))
}

const leftOf = ({ limit }: Charge, { count, windowStart, windowSeconds }: Counter): Left => ({
  limit: limit ?? 0,
  remaining: Math.max(0, (limit ?? 0) - count),
  resetsAt: windowStart / 1000 + windowSeconds,
})

function leastLeft(charges: readonly Charge[], now: readonly Counter[]): Left | null {
  const all = charges.flatMap((charge, n) => {
    const counter = now[n]
    return counter && charge.limit !== null ? [leftOf(charge, counter)] : []
  })
  return all.reduce<Left | null>(
    (least, one) => (least === null || one.remaining < least.remaining ? one : least),
    null,
  )
}

function withLimits(
  counted: readonly Counter[],
  limits: readonly { readonly resourceType: string; readonly bucket: string; readonly limit: number }[],
): Usage[] {
  return counted.map((counter) => {
    const found = limits.find(
      ({ resourceType, bucket }) => resourceType === counter.resourceType && bucket === counter.bucket,
    )
    return { ...counter, limit: found?.limit ?? null }
  })
}

const lower = (one: Tier, other: Tier): Tier => (tiers.indexOf(one) < tiers.indexOf(other) ? one : other)
