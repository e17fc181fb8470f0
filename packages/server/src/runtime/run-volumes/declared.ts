import type { WorkflowManifestDocument, WorkflowState } from '@lictor/aegis'
import { shownPath } from '../files/path.ts'
import { componentsBelow } from '../plan/mounts.ts'

type Spec = WorkflowManifestDocument['spec']

/** A volume that a state has in its workspace, as its workflow says it. */
export interface DeclaredMount {
  /** The name that it has in the workflow, or its id. */
  readonly name: string
  /** Where, below the workspace; empty is the workspace itself. */
  readonly components: readonly string[]
  readonly access: 'read-only' | 'read-write'
}

/** A volume of `spec.storage`, with what is usual where nothing is said. */
export interface DeclaredVolume {
  readonly name: string
  /** Bytes. */
  readonly sizeLimit: number
  readonly ttlHours: number
  /** One that is there already, and stays; null: one that is made for the run, and goes with it. */
  readonly volumeId: string | null
}

/** The name under which states know the volume of `spec.storage.workspace`. */
export const WORKSPACE_NAME = 'workspace'

const MIB = 1024 ** 2
const usual = { sizeMib: 256, ttlHours: 1 }
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** The volumes of `spec.storage`. @throws Error that says what is wrong with one */
export function declaredVolumes({ storage = {} }: Spec): readonly DeclaredVolume[] {
  const { workspace, shared_volumes: shared = [] } = storage
  const all = [
    ...(workspace ? [{ at: 'spec.storage.workspace', name: WORKSPACE_NAME, ...workspace }] : []),
    ...shared.map((one, index) => ({ at: `spec.storage.shared_volumes[${index}]`, ...one })),
  ]
  const names = new Set<string>()
  return all.map((one) => {
    const { at, name, storage_class, volume_id, size_limit_mb, ttl_hours } = one
    if (name.trim() === '') throw new Error(`${at}.name must not be empty.`)
    if (names.has(name)) throw new Error(`${at}: there are two volumes '${name}'.`)
    names.add(name)
    if (storage_class === 'persistent' && volume_id === undefined)
      throw new Error(`${at} is persistent and names no volume_id: make a volume, and name it.`)
    if (storage_class === 'ephemeral' && volume_id !== undefined)
      throw new Error(`${at} names a volume_id, and is ephemeral: one that is there already is persistent.`)
    if (volume_id !== undefined && !uuid.test(volume_id))
      throw new Error(`${at}.volume_id '${volume_id.slice(0, 100)}' is no id of a volume.`)
    const written = 'size_limit_bytes' in one ? one.size_limit_bytes : undefined
    const sizeLimit = Math.floor(written ?? (size_limit_mb ?? usual.sizeMib) * MIB)
    if (!Number.isSafeInteger(sizeLimit) || sizeLimit <= 0)
      throw new Error(`${at}: its size must be a whole number of bytes above 0.`)
    return { name, sizeLimit, ttlHours: ttl_hours ?? usual.ttlHours, volumeId: volume_id?.toLowerCase() ?? null }
  })
}

/**
 * What a state has in its workspace, what lies below another behind it. The volume of `spec.storage.workspace` is the workspace of
 * every state that works on files, unless the state mounts another there.
 * @throws Error that says what is wrong with a mount
 */
export function declaredMounts(spec: Spec, state: WorkflowState): readonly DeclaredMount[] {
  const mounts: DeclaredMount[] = []
  for (const mount of mountsIn(state)) {
    const path = shownPath(mount.components)
    const other = mounts.find(({ components }) => liesOver(components, mount.components))
    if (other === undefined) mounts.push(mount)
    else if (shownPath(other.components) !== path)
      throw new Error(`the volumes '${other.name}' and '${mount.name}' lie over each other at ${path}.`)
    else if (other.name !== mount.name || other.access !== mount.access)
      throw new Error(`${path} is mounted in two ways: its containers share one workspace.`)
  }
  const isWorking = state.kind !== 'Human' && state.kind !== 'Subworkflow'
  if (spec.storage?.workspace !== undefined && isWorking && !mounts.some(({ components }) => components.length === 0))
    mounts.push({ name: WORKSPACE_NAME, components: [], access: 'read-write' })
  return mounts.sort((one, other) => one.components.length - other.components.length)
}

function mountsIn(state: WorkflowState): DeclaredMount[] {
  switch (state.kind) {
    case 'Agent':
      return (state.volumes ?? []).map(({ volume, mount_path, access_mode }) => ({
        name: volume,
        components: placeOf(volume, mount_path),
        access: access_mode ?? 'read-write',
      }))
    case 'ContainerRun':
      return containerMounts(state.volumes)
    case 'ParallelContainerRun':
      return state.steps.flatMap(({ volumes }) => containerMounts(volumes))
    default:
      return []
  }
}

const containerMounts = (
  volumes: readonly { name: string; mount_path: string; read_only?: boolean }[] = [],
): DeclaredMount[] =>
  volumes.map(({ name, mount_path, read_only }) => ({
    name,
    components: placeOf(name, mount_path),
    access: read_only === true ? 'read-only' : 'read-write',
  }))

const placeOf = (name: string, path: string): readonly string[] =>
  componentsBelow(path, `the mount_path of the volume '${name}'`, (message) => {
    throw new Error(message)
  })

/** Only below a mount of the workspace itself may another lie. */
function liesOver(one: readonly string[], other: readonly string[]): boolean {
  const [a, b] = [`${shownPath(one)}/`, `${shownPath(other)}/`]
  if (one.length === 0 || other.length === 0) return a === b
  return a.startsWith(b) || b.startsWith(a)
}
