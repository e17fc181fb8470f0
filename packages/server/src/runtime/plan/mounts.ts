import { type AgentManifestDocument, parseSize } from '@lictor/aegis'
import { checkedComponents, PathRefused, shownPath, WORKSPACE } from '../files/path.ts'

/** A volume that a manifest wants in its workspace. */
export interface MountPlan {
  readonly name: string
  /** Where, below the workspace; empty is the workspace itself. */
  readonly components: readonly string[]
  readonly access: 'read-only' | 'read-write'
  readonly storageClass: 'ephemeral' | 'persistent'
  /** Bytes; null takes what is usual. */
  readonly sizeLimit: number | null
  readonly ttlHours: number | null
  /** A volume that is there already; null: the one of this name. */
  readonly volumeId: string | null
}

const stores = new Set(['seaweedfs', 'lictor'])
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** @param refuse throws what says why the manifest cannot be executed */
export function mountsOf(
  volumes: AgentManifestDocument['spec']['volumes'],
  refuse: (message: string) => never,
): readonly MountPlan[] {
  const plans = (volumes ?? []).map((volume, index): MountPlan => {
    const at = `spec.volumes[${index}]`
    const { name, type, size_limit, ttl_hours, source, storage_class, access_mode, mount_path } = volume
    if (type !== undefined && !stores.has(type))
      refuse(`${at}.type '${type}' is not available: volumes are kept by this server. Leave it out.`)
    const sizeLimit = size_limit === undefined ? null : (parseSize(size_limit) ?? null)
    if (size_limit !== undefined && (sizeLimit === null || sizeLimit <= 0))
      refuse(`${at}.size_limit '${size_limit}' is no size such as 512Mi or 1Gi.`)
    if (ttl_hours !== undefined && ttl_hours <= 0) refuse(`${at}.ttl_hours must be above 0.`)
    const volumeId = source?.volume_id ?? null
    if (volumeId !== null && !uuid.test(volumeId)) refuse(`${at}.source.volume_id '${volumeId}' is no id of a volume.`)
    return {
      name,
      components: componentsBelow(mount_path, `${at}.mount_path`, refuse),
      access: access_mode ?? 'read-write',
      storageClass: volumeId !== null ? 'persistent' : (storage_class ?? 'ephemeral'),
      sizeLimit,
      ttlHours: ttl_hours ?? null,
      volumeId: volumeId?.toLowerCase() ?? null,
    }
  })
  for (const [index, one] of plans.entries())
    for (const other of plans.slice(index + 1)) {
      const [a, b] = [shownPath(one.components), shownPath(other.components)]
      // Only below a mount of the workspace itself may another lie.
      const isNested =
        one.components.length > 0 &&
        other.components.length > 0 &&
        (`${a}/`.startsWith(`${b}/`) || `${b}/`.startsWith(`${a}/`))
      if (a === b || isNested)
        refuse(`spec.volumes: '${one.name}' at ${a} and '${other.name}' at ${b} lie over each other.`)
    }
  return plans
}

/** Where in a workspace a volume lies. @param at what says it, for `refuse` */
export function componentsBelow(path: string, at: string, refuse: (message: string) => never): readonly string[] {
  try {
    const [first, ...rest] = checkedComponents(path)
    if (path.startsWith('/') && first === WORKSPACE.slice(1)) return rest
  } catch (error) {
    if (!(error instanceof PathRefused)) throw error
    refuse(`${at}: ${error.message}`)
  }
  return refuse(`${at} '${path}' must be ${WORKSPACE} or below it.`)
}
