/** Whose a context's name is. Names with these beginnings belong to somebody; any other is free to every tenant. */
export interface NameHolder {
  /** Short name of the tenant. */
  readonly tenantSlug: string
  /** Whether it speaks for the platform: an operator, or a service account. */
  readonly isOfPlatform: boolean
  /** Tier of a person of the consumer realm; null for everybody else. */
  readonly consumerTier: string | null
}

/** Whether the holder may name this context. */
export function mayName(name: string, holder: NameHolder): boolean {
  if (name.startsWith('aegis-system-')) return holder.isOfPlatform
  if (name.startsWith('zaru-')) return holder.consumerTier !== null && name === `zaru-${holder.consumerTier}`
  if (name.startsWith('tenant-')) return name.startsWith(`tenant-${holder.tenantSlug}-`)
  return true
}

/** Whether a tenant may define a context of this name. */
export function mayDefine(name: string, tenantSlug: string): boolean {
  return mayName(name, { tenantSlug, isOfPlatform: false, consumerTier: null })
}
