import { Conflict, InvalidInput, NotFound } from '../../errors.ts'
import { actorOf, type Caller } from '../../identity/caller.ts'
import { scopeOf, scopeOfRecord, type TenantScope } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import type { Limits } from '../limits/limits.ts'
import { draft, type EventDraft } from '../record/events.ts'
import type { TenantEvents } from '../record/tenant-events.ts'
import type { Violations } from '../violations/violations.ts'
import type { VolumeStore } from './store.ts'
import {
  ATTACHMENTS,
  ATTACHMENTS_BYTES,
  isShortLived,
  mayUse,
  type Owner,
  ownerOf,
  type Tier,
  UNLIMITED,
  type Volume,
} from './volume.ts'

const DEFAULT_BYTES = 1024 ** 3
const LONGEST_LABEL = 255

export interface VolumeUse {
  /** Bytes that all volumes may be allowed together. */
  readonly quota: number
  readonly used: number
  readonly count: number
  readonly limit: number
  readonly largestFile: number
}

/** What a volume is made with. */
export interface VolumeInput {
  /** Absent: a new one. */
  readonly id?: string
  readonly label: string
  readonly sizeLimit: number | null
  readonly storageClass?: Volume['storageClass']
  readonly expiresAt?: number | null
}

/** Volumes as their owners know them. */
export interface Volumes {
  readonly tier: Tier
  /** @throws InvalidInput for a bad label or size and beyond a quota, Conflict for a label that is taken. */
  create(caller: Caller, input: { label: string | undefined; sizeLimit: number | undefined }): Promise<Volume>
  /** For `owner`, within a transaction that others are part of. @throws as `create` */
  createFor(tenantId: string, createdBy: string, owner: Owner, input: VolumeInput, within: Queryable): Promise<Volume>
  list(caller: Caller): Promise<Volume[]>
  /** @throws NotFound also for a volume that is not the caller's. */
  get(caller: Caller, id: string, within?: Queryable): Promise<Volume>
  /** The volume of this id, or the caller's own for attachments, which the first use makes. @throws NotFound */
  resolve(caller: Caller, idOrName: string): Promise<Volume>
  rename(caller: Caller, id: string, label: string | undefined): Promise<Volume>
  /** @throws Conflict while an execution has it. */
  delete(caller: Caller, id: string): Promise<void>
  /** Delete what a run owned that has ended; one that an execution still has goes when that lets go of it. */
  deleteOf(scope: TenantScope, owner: Owner): Promise<void>
  /** Delete a volume whose time is over, unless somebody has it. */
  deleteExpired(scope: TenantScope, id: string): Promise<void>
  use(caller: Caller): Promise<VolumeUse>
}

export function createVolumes(deps: {
  database: Database
  store: VolumeStore
  events: TenantEvents
  violations: Violations
  clock: Clock
  random: Random
  tier: Tier
  /** Of the tenant as a whole. */
  limits: Pick<Limits, 'requireStorage' | 'storageOf' | 'telling'>
  /** Blobs may be removed that nothing names any more. */
  collect: () => void
}): Volumes {
  const { database, store, events, violations, clock, random, tier, limits, collect } = deps

  async function get(caller: Caller, id: string, within?: Queryable): Promise<Volume> {
    const volume = await store.find(scopeOf(caller), id, within)
    if (volume && mayUse(caller, volume)) return volume
    if (volume)
      await violations.record({
        tenantId: caller.tenantId,
        category: 'unauthorized_volume_access',
        operation: 'access',
        volumeId: id,
        details: `'${actorOf(caller)}' asked for a volume of somebody else.`,
      })
    throw missing(id)
  }

  const createFor: Volumes['createFor'] = async (tenantId, createdBy, owner, input, within) => {
    const scope = scopeOfRecord({ tenantId })
    const label = requireLabel(input.label)
    await store.lockOwner(scope, owner, within)
    const { count, allocated } = await store.totals(scope, owner, within)
    const left = tier.total - allocated
    const sizeLimit = input.sizeLimit ?? Math.min(DEFAULT_BYTES, left)
    if (!isShortLived(owner)) {
      if (count >= tier.volumes) throw beyond('volume count quota exceeded for tier', `${tier.volumes} volumes`)
      if (sizeLimit > left || sizeLimit <= 0)
        throw beyond('storage quota exceeded for tier', `${tier.total} bytes, of which ${Math.max(0, left)} are left`)
      await limits.requireStorage({ tenantId }, sizeLimit, within)
    }
    const volume: Volume = {
      id: input.id ?? random.uuid(),
      tenantId,
      owner,
      purpose: 'files',
      label,
      storageClass: input.storageClass ?? 'persistent',
      isAttached: false,
      sizeLimit,
      usedBytes: 0,
      createdBy,
      createdAt: microsOf(clock.now()),
      expiresAt: input.expiresAt ?? null,
    }
    if (!(await store.insert(volume, within))) throw taken(label)
    await events.add(tenantId, [createdEvent(volume), ...warningOf(volume, allocated + sizeLimit, tier)], within)
    return volume
  }

  const deleteExpired: Volumes['deleteExpired'] = async (scope, id) => {
    const isOver = (volume: Volume | null): volume is Volume =>
      volume !== null &&
      isShortLived(volume.owner) &&
      volume.expiresAt !== null &&
      volume.expiresAt <= microsOf(clock.now())
    if (!isOver(await store.find(scope, id))) return
    await database.db.transaction().execute(async (within) => {
      const volume = await store.lock(id, within)
      if (!isOver(volume) || volume.isAttached) return
      await store.delete(id, microsOf(clock.now()), within)
      await events.add(volume.tenantId, [deletedEvent(volume)], within)
    })
    collect()
  }

  async function attachments(caller: Caller): Promise<Volume> {
    const [scope, owner] = [scopeOf(caller), ownerOf(caller)]
    const found = await store.findLabelled(scope, owner, ATTACHMENTS)
    if (found) return found
    const most = Math.min(tier.total, (await limits.storageOf(scope)) ?? UNLIMITED)
    const volume: Volume = {
      id: random.uuid(),
      tenantId: caller.tenantId,
      owner,
      purpose: 'attachments',
      label: ATTACHMENTS,
      storageClass: 'persistent',
      isAttached: false,
      sizeLimit: most === UNLIMITED ? ATTACHMENTS_BYTES : most,
      usedBytes: 0,
      createdBy: actorOf(caller),
      createdAt: microsOf(clock.now()),
      expiresAt: null,
    }
    await events.record(caller.tenantId, [createdEvent(volume)], (within) => store.insert(volume, within))
    // Another first upload may have been quicker.
    return (await store.findLabelled(scope, owner, ATTACHMENTS)) ?? volume
  }

  return {
    tier,
    get,
    createFor,
    create(caller, { label, sizeLimit }) {
      const named = requireLabel(label)
      if (named === ATTACHMENTS) throw taken(named)
      if (sizeLimit !== undefined && (!Number.isSafeInteger(sizeLimit) || sizeLimit <= 0))
        throw new InvalidInput(
          [{ loc: ['body', 'size_limit_bytes'], msg: 'size_limit_bytes must be a whole number of bytes above 0.' }],
          'invalid_size',
        )
      const input = { label: named, sizeLimit: sizeLimit ?? null }
      return limits.telling(() =>
        database.db
          .transaction()
          .execute((within) => createFor(caller.tenantId, actorOf(caller), ownerOf(caller), input, within)),
      )
    },
    list: (caller) => store.list(scopeOf(caller), ownerOf(caller)),
    resolve: (caller, name) => (name === ATTACHMENTS ? attachments(caller) : get(caller, name)),
    async rename(caller, id, label) {
      const named = requireLabel(label)
      const volume = await get(caller, id)
      if (volume.purpose === 'attachments' || named === ATTACHMENTS) throw taken(ATTACHMENTS)
      await database.db.transaction().execute(async (within) => {
        await store.lockOwner(scopeOf(caller), volume.owner, within)
        if (!(await store.rename(id, named, within))) throw taken(named)
        const labels = { old_label: volume.label, new_label: named }
        await events.add(volume.tenantId, [draft('user_volume_renamed', { volume_id: id, ...labels })], within)
      })
      return get(caller, id)
    },
    async delete(caller, id) {
      await get(caller, id)
      await database.db.transaction().execute(async (within) => {
        const volume = await store.lock(id, within)
        if (!volume) throw missing(id)
        if (volume.isAttached) {
          const message = 'volume is currently attached and cannot be deleted'
          throw new Conflict(message, message)
        }
        await store.delete(id, microsOf(clock.now()), within)
        await events.add(volume.tenantId, [deletedEvent(volume)], within)
      })
      collect()
    },
    async deleteOf(scope, owner) {
      for (const { id } of await store.list(scope, owner)) {
        await store.expire(id, microsOf(clock.now()))
        await deleteExpired(scope, id)
      }
    },
    deleteExpired,
    async use(caller) {
      const { count, used } = await store.totals(scopeOf(caller), ownerOf(caller))
      const most = (await limits.storageOf(scopeOf(caller))) ?? UNLIMITED
      return { quota: Math.min(tier.total, most), used, count, limit: tier.volumes, largestFile: tier.largestFile }
    },
  }
}

function createdEvent({ id, tenantId, owner, label, sizeLimit, storageClass, createdAt, expiresAt }: Volume) {
  const common = { volume_id: id, size_limit_bytes: sizeLimit }
  if (owner.kind === 'user')
    return draft('user_volume_created', { ...common, owner_user_id: owner.id, tenant_id: tenantId, label })
  return draft('volume_created', {
    ...common,
    execution_id: owner.kind === 'execution' ? owner.id : null,
    storage_class:
      expiresAt === null
        ? { type: storageClass }
        : { type: storageClass, ttl: `PT${Math.round((expiresAt - createdAt) / 1_000_000)}S` },
    remote_path: `/aegis/volumes/${tenantId}/${id}`,
  })
}

/** From this share of what a tier allows on, whoever makes a volume is warned. */
const WARNING_PERCENT = 80

function warningOf({ tenantId, owner }: Volume, allocated: number, { total }: Tier): readonly EventDraft[] {
  const percent = (allocated / total) * 100
  if (isShortLived(owner) || total === UNLIMITED || percent < WARNING_PERCENT) return []
  const owner_user_id = owner.kind === 'user' ? owner.id : null
  const usage_percent = Math.round(percent * 10) / 10
  return [draft('user_volume_quota_warning', { owner_user_id, tenant_id: tenantId, usage_percent })]
}

const deletedEvent = ({ id, owner }: Volume) =>
  owner.kind === 'user'
    ? draft('user_volume_deleted', { volume_id: id, owner_user_id: owner.id })
    : draft('volume_deleted', { volume_id: id })

export const missing = (id: string): NotFound => new NotFound(`volume not found: ${id}`, `volume not found: ${id}`)

function taken(label: string): Conflict {
  const message = `volume with name '${label}' already exists`
  return new Conflict(message, message)
}

const beyond = (error: string, bound: string): InvalidInput =>
  new InvalidInput(`${error}: LICTOR_VOLUME_TIER allows ${bound}.`, error)

function requireLabel(text: string | undefined): string {
  const label = text?.trim() ?? ''
  const problem =
    label === ''
      ? 'label must not be empty.'
      : label.length > LONGEST_LABEL
        ? `label must have at most ${LONGEST_LABEL} characters.`
        : /[\u0000-\u001f\u007f]/.test(label) || !label.isWellFormed()
          ? 'label must not contain control characters.'
          : null
  if (problem) throw new InvalidInput([{ loc: ['body', 'label'], msg: problem }], 'invalid_label')
  return label
}
