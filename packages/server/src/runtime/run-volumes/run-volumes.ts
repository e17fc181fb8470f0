import { join } from 'node:path'
import type { VolumeSpec, WorkflowManifestDocument } from '@lictor/aegis'
import { DomainError, InvalidInput } from '../../errors.ts'
import { scopeOfRecord } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import { isStorageFull } from '../../storage/room.ts'
import { removeTree } from '../files/own.ts'
import { shownPath } from '../files/path.ts'
import { viewOf, volumeKey } from '../interpreter/blackboard.ts'
import type { RunEvent, RunState } from '../interpreter/run.ts'
import { bringIn, type Copy, takeOut } from '../mounts/copy.ts'
import type { VolumeFiles } from '../volumes/files.ts'
import type { VolumeStore } from '../volumes/store.ts'
import type { Volume } from '../volumes/volume.ts'
import type { Volumes } from '../volumes/volumes.ts'
import { type DeclaredMount, declaredMounts, declaredVolumes, WORKSPACE_NAME } from './declared.ts'

const HOUR_MICROS = 3_600_000_000

/** A run that is about to begin. */
interface Beginning {
  readonly id: string
  readonly tenantId: string
  readonly startedBy: string
}

/** A run that has begun. */
interface Begun {
  readonly id: string
  readonly tenantId: string
  readonly definition: WorkflowManifestDocument
}

/** A run with the state that is under way. */
type Mounting = Begun & { readonly state: Pick<RunState, 'current' | 'blackboard' | 'feedback'> }

/** A volume that a state has in its workspace, found. */
interface Found extends DeclaredMount {
  readonly volume: Volume
}

/** The volumes of runs: made when one begins, held while it is under way, in the workspaces of its states, gone with it. */
export interface RunVolumes {
  /**
   * The volumes of `spec.storage`: their ids, and what makes and holds them in the transaction that makes the run.
   * @throws InvalidInput for one that the tenant does not have
   */
  prepare(
    run: Beginning,
    manifest: WorkflowManifestDocument,
  ): Promise<{
    readonly ids: Extract<RunEvent, { type: 'started' }>['volumes']
    make(within: Queryable): Promise<void>
  }>
  /** What an agent of the state that is under way has mounted, as its manifest would say it. @throws Error for a volume that there is not */
  forAgents(run: Mounting): Promise<readonly VolumeSpec[]>
  /**
   * Do the work of a command or of containers on copies of the volumes of the state, in a folder that goes afterwards; what was
   * changed is carried back before the state counts, and not at all where `signal` fires. Without volumes, on `shared`.
   * @throws Error that the state fails with
   */
  within<T>(
    run: Mounting,
    folders: { readonly shared: string; readonly own: string },
    signal: AbortSignal,
    use: (workspace: string) => Promise<T>,
  ): Promise<T>
  /** Of a run that has ended: those made for it go, at once or when the last execution lets go. May be asked again. */
  release(run: Begun): Promise<void>
}

export function createRunVolumes(deps: {
  database: Database
  store: VolumeStore
  volumes: Pick<Volumes, 'createFor' | 'deleteOf'>
  files: VolumeFiles
  clock: Clock
  random: Random
  /** Somebody asked for a volume of somebody else. */
  refused: (tried: { tenantId: string; volumeId: string }) => Promise<void>
}): RunVolumes {
  const { database, store, volumes, files, clock, random } = deps
  const now = () => microsOf(clock.now())
  const ownerOf = (run: { readonly id: string }) => ({ kind: 'run', id: run.id }) as const

  /** A volume of the tenant. @throws Error */
  async function findGiven(of: { readonly tenantId: string }, id: string, what: string): Promise<Volume> {
    const volume = await store.find(scopeOfRecord(of), id)
    if (volume?.owner.kind === 'tenant') return volume
    if (volume) await deps.refused({ tenantId: of.tenantId, volumeId: id })
    throw new Error(`There is no volume ${what}.`)
  }

  /** The volumes of the state that is under way. @throws Error */
  async function find(run: Mounting): Promise<Found[]> {
    const state = run.definition.spec.states[run.state.current]
    const mounts = state === undefined ? [] : declaredMounts(run.definition.spec, state)
    if (mounts.length === 0) return []
    const held = new Map((await store.mountsOf(run.id)).map(({ name, volumeId }) => [name, volumeId]))
    const view = viewOf(run.state)
    const found: Found[] = []
    for (const mount of mounts) {
      const { name } = mount
      const own = held.get(name)
      const volume = own === undefined ? null : await store.find(scopeOfRecord(run), own)
      if (own !== undefined && volume === null) throw new Error(`The volume '${name}' of the workflow is gone.`)
      const told = Object.hasOwn(view, volumeKey(name)) ? view[volumeKey(name)] : undefined
      const id = typeof told === 'string' ? told : name
      found.push({ ...mount, volume: volume ?? (await findGiven(run, id, `'${name}'`)) })
    }
    return found
  }

  return {
    async prepare(run, manifest) {
      const { tenantId, startedBy } = run
      const declared = declaredVolumes(manifest.spec)
      for (const { name, volumeId } of declared)
        if (volumeId !== null)
          await findGiven(run, volumeId, `${volumeId} for '${name}' of spec.storage`).catch((error: Error) => {
            const message = `Failed to start workflow execution: ${error.message}`
            throw new InvalidInput(message, message)
          })
      const made = declared.map((one) => ({ ...one, id: one.volumeId ?? random.uuid() }))
      const idOf = (name: string) => made.find((one) => one.name === name)?.id
      const shared = (manifest.spec.storage?.shared_volumes ?? []).map(({ name }) => [name, idOf(name) ?? ''])
      const workspace = manifest.spec.storage?.workspace === undefined ? null : (idOf(WORKSPACE_NAME) ?? null)
      return {
        ids: { workspace, shared: Object.fromEntries(shared) },
        async make(within) {
          for (const { id, name, sizeLimit, ttlHours, volumeId } of made) {
            if (volumeId === null) {
              const expiresAt = Math.round(now() + ttlHours * HOUR_MICROS)
              const input = { id, label: name, sizeLimit, storageClass: 'ephemeral', expiresAt } as const
              await volumes.createFor(tenantId, startedBy, ownerOf(run), input, within)
            }
            if (!(await store.lock(id, within)))
              throw new InvalidInput(`There is no volume '${name}' any more.`, 'volume_gone')
            const mount = { volumeId: id, executionId: run.id, name, mountPath: '', access: 'read-write' } as const
            await store.attach(mount, now(), within)
          }
        },
      }
    },
    async forAgents(run) {
      return (await find(run)).map(({ name, components, access, volume }) => ({
        // An agent may have a volume of the same name.
        name: `workflow:${name}`,
        mount_path: shownPath(components),
        access_mode: access,
        storage_class: 'persistent',
        source: { volume_id: volume.id },
      }))
    },
    async within(run, { shared, own }, signal, use) {
      const mounts = await find(run)
      if (mounts.length === 0) return use(shared)
      // What an earlier server left here was not carried back, and does not count.
      await removeTree(own)
      const workspace = join(own, 'workspace')
      const copies = mounts.map((mount, index) => ({ ...mount, copy: copyOf(own, workspace, mounts, index) }))
      try {
        for (const { name, volume, copy } of copies)
          await bringIn(files, volume, copy).catch((error: unknown) => {
            if (!isStorageFull(error)) throw error
            throw new Error(`The volume '${name}' does not fit on the disk of the server.`)
          })
        const result = await use(workspace)
        if (signal.aborted) return result
        for (const { access, components, volume, copy } of copies) {
          if (access === 'read-only') continue
          await takeOut(files, volume, copy).catch((error: unknown) => {
            if (!(error instanceof DomainError) || error.status >= 500) throw error
            throw new Error(`What was written to ${shownPath(components)} could not be kept: ${error.message}`)
          })
        }
        return result
      } finally {
        await removeTree(own)
      }
    },
    async release(run) {
      if (run.definition.spec.storage === undefined) return
      await database.db.transaction().execute((within) => store.detach(run.id, now(), within))
      await volumes.deleteOf(scopeOfRecord(run), ownerOf(run))
    },
  }
}

/** Where a volume lies, and what lies below it that is another's. */
const copyOf = (own: string, workspace: string, mounts: readonly DeclaredMount[], index: number): Copy => {
  const { components = [] } = mounts[index] ?? {}
  return {
    workspace,
    components,
    state: join(own, 'mounts', `${index}.json`),
    without: mounts
      .filter((other) => other.components.length > components.length)
      .filter((other) => components.every((one, place) => other.components[place] === one))
      .map((other) => other.components.slice(components.length).join('/')),
  }
}
