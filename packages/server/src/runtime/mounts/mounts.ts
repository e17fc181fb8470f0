import { join } from 'node:path'
import type { Logger } from 'pino'
import { DomainError, NotFound } from '../../errors.ts'
import { scopeOfRecord } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import { SandboxError } from '../../ports/sandbox.ts'
import type { Database } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import { isStorageFull } from '../../storage/room.ts'
import { shownPath } from '../files/path.ts'
import type { MountPlan } from '../plan/mounts.ts'
import { draft } from '../record/events.ts'
import type { TenantEvents } from '../record/tenant-events.ts'
import type { VolumeFiles } from '../volumes/files.ts'
import type { Mount, VolumeStore } from '../volumes/store.ts'
import type { Volume } from '../volumes/volume.ts'
import type { Volumes } from '../volumes/volumes.ts'
import { bringIn, type Copy, takeOut } from './copy.ts'

const SWEEP_MS = 300_000
const HOUR_MICROS = 3_600_000_000
const USUAL_HOURS = 24

/** Whose volumes are mounted. */
export interface MountedExecution {
  readonly id: string
  readonly tenantId: string
  readonly startedBy: string
}

/** An execution that sees what another has mounted. */
export interface Borrower {
  readonly id: string
  readonly mounts: readonly MountPlan[]
}

type Borrowing = Pick<MountedExecution, 'id' | 'tenantId'>
type Named = Pick<MountPlan, 'name' | 'volumeId'>

/** A mount that was made. */
export interface Entered {
  readonly volume: Volume
  readonly mount: Mount
}

/**
 * Volumes in the workspaces of executions. A workspace gets a copy, which lies where the manifest says, so that every sandbox and
 * every tool sees it; after each attempt what changed is carried back. What is mounted read-only is never carried back.
 */
export interface Mounts {
  /** Find or make the volumes, attach them, and copy them in; what is done already is left. @throws SandboxError saying why not. */
  enter(execution: MountedExecution, plans: readonly MountPlan[]): Promise<Entered[]>
  /**
   * Copy what an execution has mounted into the workspace of its judge, as it was last kept, but for what the judge mounts there
   * itself. It is never carried back.
   */
  lend(execution: MountedExecution, to: Borrower): Promise<MountPlan[]>
  /** Carry back what changed. @throws SandboxError where it does not fit. */
  keep(execution: Pick<MountedExecution, 'id' | 'tenantId'>): Promise<void>
  /** Carry back what is here, and let go of the volumes. */
  release(execution: Pick<MountedExecution, 'id' | 'tenantId'>): Promise<void>
}

export function createMounts(deps: {
  database: Database
  store: VolumeStore
  volumes: Pick<Volumes, 'createFor' | 'deleteExpired'>
  files: VolumeFiles
  events: TenantEvents
  clock: Clock
  logger: Pick<Logger, 'warn' | 'error'>
  workers: { every(name: string, milliseconds: number, turn: () => Promise<void>): void }
  folderOf: (executionId: string) => string
  workspaceOf: (executionId: string) => string
  /** Whether an execution has ended, or is not there. */
  isOver: (execution: { readonly id: string; readonly tenantId: string }) => Promise<boolean>
  /** Whether a run of a workflow began an execution. */
  isOfRun: (execution: { readonly id: string; readonly tenantId: string }, runId: string) => Promise<boolean>
  /** Somebody asked for a volume of somebody else. */
  refused: (tried: { tenantId: string; executionId: string; volumeId: string }) => Promise<void>
}): Mounts {
  const { database, store, volumes, files, events, clock, logger, workers, folderOf, workspaceOf } = deps
  const now = () => microsOf(clock.now())

  const copyOf = ({ executionId, name, mountPath }: Mount, all: readonly Mount[]): Copy => ({
    workspace: workspaceOf(executionId),
    components: mountPath
      .split('/')
      .filter((one) => one !== '')
      .slice(1),
    without: all
      .filter((other) => other.mountPath.startsWith(`${mountPath}/`))
      .map((other) => other.mountPath.slice(mountPath.length + 1)),
    state: join(folderOf(executionId), 'mounts', `${encodeURIComponent(name)}.json`),
  })

  async function attach(execution: MountedExecution, plan: MountPlan): Promise<Mount> {
    const { id: executionId, tenantId } = execution
    const scope = scopeOfRecord(execution)
    const tenant = { kind: 'tenant', id: tenantId } as const
    const mount = (volumeId: string): Mount => ({
      volumeId,
      executionId,
      name: plan.name,
      mountPath: shownPath(plan.components),
      access: plan.access,
    })
    if (plan.volumeId !== null) {
      const found = await store.find(scope, plan.volumeId)
      const isMountable =
        found?.owner.kind === 'tenant' ||
        (found?.owner.kind === 'run' && (await deps.isOfRun(execution, found.owner.id)))
      if (!isMountable) {
        await deps.refused({ tenantId, executionId, volumeId: plan.volumeId })
        throw new SandboxError(`spec.volumes: there is no volume ${plan.volumeId} for '${plan.name}'.`)
      }
    }
    return database.db.transaction().execute(async (within) => {
      // Another attempt to enter may have been quicker; a volume that is deleted meanwhile is found gone here.
      const isOwn = plan.storageClass === 'ephemeral'
      const owner = isOwn ? ({ kind: 'execution', id: executionId } as const) : tenant
      const label = plan.name
      const there =
        plan.volumeId === null
          ? await store.findLabelled(scope, owner, label, within)
          : await store.find(scope, plan.volumeId, within)
      if (plan.volumeId !== null && !there) throw new NotFound(`volume not found: ${plan.volumeId}`)
      const volume =
        there ??
        (await volumes.createFor(
          tenantId,
          execution.startedBy,
          owner,
          {
            label,
            sizeLimit: plan.sizeLimit,
            storageClass: plan.storageClass,
            expiresAt: isOwn ? now() + (plan.ttlHours ?? USUAL_HOURS) * HOUR_MICROS : null,
          },
          within,
        ))
      await store.lock(volume.id, within)
      await store.attach(mount(volume.id), now(), within)
      const attached = {
        volume_id: volume.id,
        execution_id: executionId,
        instance_id: executionId,
        mount_point: shownPath(plan.components),
        access_mode: plan.access === 'read-only' ? 'ReadOnly' : 'ReadWrite',
      }
      await events.add(tenantId, [draft('volume_attached', attached)], within)
      return mount(volume.id)
    })
  }

  const each = async <T>(
    execution: Pick<MountedExecution, 'id' | 'tenantId'>,
    mounts: readonly Mount[],
    use: (volume: Volume, mount: Mount) => Promise<T>,
  ): Promise<T[]> => {
    const results: T[] = []
    for (const mount of mounts) {
      const volume = await store.find(scopeOfRecord(execution), mount.volumeId)
      if (volume) results.push(await use(volume, mount))
    }
    return results
  }

  /** Why a volume is not where the manifest wants it, told as an event. @throws what is this server's own failure */
  async function refusing<T>(
    { id, tenantId }: Borrowing,
    { name, volumeId }: Named,
    work: () => Promise<T>,
  ): Promise<T> {
    try {
      return await work()
    } catch (error) {
      const isRefusal = error instanceof DomainError && error.status < 500
      if (!isRefusal && !(error instanceof SandboxError)) throw error
      const message = isRefusal ? `spec.volumes: '${name}' cannot be mounted: ${error.message}` : error.message
      const of = { execution_id: id, instance_id: id, volume_id: volumeId }
      await events.record(tenantId, [draft('volume_mount_failed', { ...of, error: message })])
      throw new SandboxError(message, { cause: error })
    }
  }

  async function copyIn(volume: Volume, name: string, copy: Copy): Promise<void> {
    try {
      await bringIn(files, volume, copy)
    } catch (error) {
      if (!isStorageFull(error)) throw error
      throw new SandboxError(`spec.volumes: '${name}' cannot be mounted: it does not fit on the disk of the server.`)
    }
  }

  async function keep(execution: Pick<MountedExecution, 'id' | 'tenantId'>, mounts: readonly Mount[]): Promise<void> {
    await each(execution, mounts, async (volume, mount) => {
      if (mount.access === 'read-only') return
      try {
        const left = await takeOut(files.of(execution.id), volume, copyOf(mount, mounts))
        if (left.length > 0)
          logger.warn({ execution_id: execution.id, volume_id: volume.id, count: left.length }, 'files were left out')
      } catch (error) {
        if (!(error instanceof DomainError) || error.status >= 500) throw error
        throw new SandboxError(`What was written to ${mount.mountPath} could not be kept: ${error.message}`)
      }
    })
  }

  async function release(execution: Pick<MountedExecution, 'id' | 'tenantId'>): Promise<void> {
    const mounts = await store.mountsOf(execution.id)
    if (mounts.length === 0) return
    await keep(execution, mounts).catch((err: unknown) =>
      logger.warn({ err, execution_id: execution.id }, 'files of an execution that has ended could not be kept'),
    )
    await database.db.transaction().execute(async (within) => {
      const detached = await store.detach(execution.id, now(), within)
      const of = { execution_id: execution.id, instance_id: execution.id }
      const told = detached.map(({ volumeId }) => draft('volume_detached', { volume_id: volumeId, ...of }))
      if (told.length > 0) await events.add(execution.tenantId, told, within)
    })
    // The last who held a volume of a run that has ended takes it away.
    for (const { volumeId } of mounts) await volumes.deleteExpired(scopeOfRecord(execution), volumeId)
  }

  workers.every('volume_mounts', SWEEP_MS, async () => {
    for (const execution of await store.listAttached()) if (await deps.isOver(execution)) await release(execution)
  })

  return {
    async enter(execution, plans) {
      if (plans.length === 0) return []
      const before = await store.mountsOf(execution.id)
      const mounts: Mount[] = []
      for (const plan of plans) {
        const known = before.find(({ name }) => name === plan.name)
        mounts.push(known ?? (await refusing(execution, plan, () => attach(execution, plan))))
      }
      return each(execution, mounts, async (volume, mount) => {
        await refusing(execution, mount, () => copyIn(volume, mount.name, copyOf(mount, mounts)))
        return { volume, mount }
      })
    },
    async lend(execution, { id, mounts: own }) {
      const lent = (await store.mountsOf(execution.id)).filter(
        (mount) => !own.some(({ components }) => lieOverEachOther(shownPath(components), mount.mountPath)),
      )
      return each(execution, lent, async (volume, mount) => {
        const copy = copyOf({ ...mount, executionId: id }, lent)
        await copyIn(volume, mount.name, { ...copy, state: `${copy.state}.lent` })
        return {
          name: mount.name,
          components: copy.components,
          access: 'read-only',
          storageClass: volume.storageClass,
          sizeLimit: volume.sizeLimit,
          ttlHours: null,
          volumeId: volume.id,
        }
      })
    },
    keep: async (execution) => keep(execution, await store.mountsOf(execution.id)),
    release,
  }
}

const lieOverEachOther = (a: string, b: string): boolean => `${a}/`.startsWith(`${b}/`) || `${b}/`.startsWith(`${a}/`)
