import {
  type BucketName,
  buckets,
  type ResourceName,
  resources,
  speaksOfTool,
  type Tier,
  toolClasses,
  toolResource,
} from './resources.ts'

/** A limit that an administrator set. */
export interface Override {
  readonly id: string
  readonly tenantId: string
  /** Null: for everybody of the tenant. */
  readonly userId: string | null
  readonly resourceType: string
  readonly bucket: BucketName
  readonly limit: number
  /** Kept and given back; windows are fixed, so that `limit` is all that bounds what comes at once. */
  readonly burst: number | null
  readonly createdAt: number
  readonly updatedAt: number
}

/** How much of a resource there is in each window that has a limit. */
export interface Policy {
  readonly resourceType: string
  readonly limits: readonly { readonly bucket: BucketName; readonly seconds: number; readonly limit: number }[]
}

/** What holds for whom: the tenant as a whole, and the user by themself. Null: nothing is counted. */
export interface Policies {
  readonly tenant: Policy | null
  readonly user: Policy | null
}

/**
 * The limits of a resource: those of the user before those of the tenant, before those of the tier. The first level that says
 * anything of the resource says all of it. A tenant's own limit bounds all its users together, but those who have one of their own.
 * @param tier null: tiers set no limits
 */
export function policiesOf(resourceType: ResourceName, overrides: readonly Override[], tier: Tier | null): Policies {
  const of = overrides.filter((one) => one.resourceType === resourceType)
  const own = policyOf(
    resourceType,
    of.filter(({ userId }) => userId !== null),
  )
  const shared = policyOf(
    resourceType,
    of.filter(({ userId }) => userId === null),
  )
  const byTier = (name: Tier | null) =>
    name === null || name === 'system' ? null : policyOfRow(resourceType, resources[resourceType].tiers[name])
  const ceiling = tier === null || tier === 'system' ? null : byTier('enterprise')
  return { tenant: own ? ceiling : (shared ?? ceiling), user: own ?? shared ?? byTier(tier) }
}

/** The limits of a tool: of what is set for it or for tools like it, the nearest name; else those of its class in the tier. */
export function toolPolicyOf(tool: string, overrides: readonly Override[], tier: Tier | null): Policy | null {
  for (const level of [
    overrides.filter(({ userId }) => userId !== null),
    overrides.filter(({ userId }) => userId === null),
  ]) {
    const named = level.filter(({ resourceType }) => speaksOfTool(resourceType, tool)).map((one) => one.resourceType)
    const nearest = named.toSorted((a, b) => nearness(b) - nearness(a))[0]
    if (nearest !== undefined)
      return policyOf(
        nearest,
        level.filter((one) => one.resourceType === nearest),
      )
  }
  if (tier === null || tier === 'system') return null
  const found = toolClasses.find(({ pattern }) => speaksOfTool(toolResource(pattern), tool))
  return found ? policyOfRow(toolResource(found.pattern), found.tiers[tier]) : null
}

/** A whole name before a pattern, a longer pattern before a shorter one. */
const nearness = (resourceType: string): number => resourceType.length + (resourceType.endsWith('*') ? 0 : 1_000)

function policyOf(resourceType: string, overrides: readonly Override[]): Policy | null {
  const limits = buckets.flatMap(({ name, seconds }) =>
    overrides.filter(({ bucket }) => bucket === name).map(({ limit }) => ({ bucket: name, seconds, limit })),
  )
  return limits.length > 0 ? { resourceType, limits } : null
}

function policyOfRow(resourceType: string, row: readonly (number | null)[]): Policy {
  const limits = buckets.flatMap(({ name, seconds }, n) => {
    const limit = row[n] ?? null
    return limit === null ? [] : [{ bucket: name, seconds, limit }]
  })
  return { resourceType, limits }
}
