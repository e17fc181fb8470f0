import type { Caller } from '../../identity/caller.ts'
import type { Micros } from '../../storage/instants.ts'

/** Whose volume it is. */
export interface Owner {
  readonly kind: 'tenant' | 'user' | 'execution' | 'run'
  readonly id: string
}

/** Whether its volumes go with it, and count for no quota. */
export const isShortLived = ({ kind }: Owner): boolean => kind === 'execution' || kind === 'run'

/** Files under a limit. */
export interface Volume {
  readonly id: string
  readonly tenantId: string
  readonly owner: Owner
  /** `attachments`: the one that uploads to `chat-attachments` go to. */
  readonly purpose: 'files' | 'attachments'
  /** Unique for its owner. */
  readonly label: string
  readonly storageClass: 'persistent' | 'ephemeral'
  readonly isAttached: boolean
  /** Bytes that its files may have together. */
  readonly sizeLimit: number
  /** Bytes of its files. */
  readonly usedBytes: number
  readonly createdBy: string
  readonly createdAt: Micros
  /** When an ephemeral one goes. */
  readonly expiresAt: Micros | null
}

/** A file or folder of a volume. */
export interface VolumeEntry {
  /** Components joined by `/`; '' is the root. */
  readonly path: string
  readonly name: string
  readonly isFolder: boolean
  readonly size: number
  readonly modifiedAt: Micros
}

export interface VolumeFile extends VolumeEntry {
  readonly isFolder: false
  readonly sha256: string
  readonly mimeType: string
  readonly blobKey: string
}

/** The name under which the routes know the volume that a caller's uploads to a conversation go to. */
export const ATTACHMENTS = 'chat-attachments'
export const ATTACHMENTS_BYTES = 10 * 1024 ** 3

/** What is unlimited is told as the largest number that every client reads exactly. */
export const UNLIMITED = Number.MAX_SAFE_INTEGER

export interface Tier {
  readonly volumes: number
  /** Bytes of the limits of all volumes together. */
  readonly total: number
  /** Bytes of one file. */
  readonly largestFile: number
  /** Repositories that are cloned into volumes. */
  readonly repositories: number
  /** Whether parts of a repository can be cloned. */
  readonly hasSparseClones: boolean
  /** Scripts that are kept. */
  readonly scripts: number
}

const MIB = 1024 ** 2
const GIB = 1024 ** 3

export const tiers: Readonly<Record<string, Tier>> = {
  free: {
    volumes: 2,
    total: 500 * MIB,
    largestFile: 50 * MIB,
    repositories: 1,
    hasSparseClones: false,
    scripts: 5,
  },
  pro: {
    volumes: 10,
    total: 10 * GIB,
    largestFile: 500 * MIB,
    repositories: 5,
    hasSparseClones: true,
    scripts: 50,
  },
  business: {
    volumes: 50,
    total: 100 * GIB,
    largestFile: 2 * GIB,
    repositories: 20,
    hasSparseClones: true,
    scripts: 500,
  },
  enterprise: {
    volumes: UNLIMITED,
    total: UNLIMITED,
    largestFile: UNLIMITED,
    repositories: UNLIMITED,
    hasSparseClones: true,
    scripts: UNLIMITED,
  },
}

/** The tier that this server is set to. */
export function tierOf({ volumeTier }: { readonly volumeTier: string }): Tier {
  const tier = tiers[volumeTier]
  if (!tier) throw new Error(`There is no tier '${volumeTier}'.`)
  return tier
}

/** A consumer's volumes are its own; those of everybody else are the tenant's. */
export const ownerOf = (caller: Caller): Owner =>
  caller.kind === 'token' && caller.identity === 'consumer'
    ? { kind: 'user', id: caller.subject }
    : { kind: 'tenant', id: caller.tenantId }

/** Volumes of executions are looked into by whoever acts for the tenant. */
export const mayUse = (caller: Caller, { owner }: Pick<Volume, 'owner'>): boolean => {
  const own = ownerOf(caller)
  return own.kind === 'tenant' ? owner.kind !== 'user' : owner.kind === 'user' && owner.id === own.id
}
