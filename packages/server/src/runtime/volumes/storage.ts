import type { Logger } from 'pino'
import type { App } from '../../http/server.ts'
import type { Part } from '../../part.ts'
import type { Blobs } from '../../ports/blobs.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { Database } from '../../storage/database.ts'
import type { Limits } from '../limits/limits.ts'
import { draft } from '../record/events.ts'
import type { TenantEvents } from '../record/tenant-events.ts'
import type { Violations } from '../violations/violations.ts'
import { volumeFileRoutes } from './file-routes.ts'
import { createFileStore } from './file-store.ts'
import { createVolumeFiles, type VolumeFiles } from './files.ts'
import { volumeRoutes } from './routes.ts'
import { createVolumeStore, type VolumeStore } from './store.ts'
import { createSweeper } from './sweeper.ts'
import { uploadRoutes } from './upload-routes.ts'
import { tierOf } from './volume.ts'
import { createVolumes, type Volumes } from './volumes.ts'

/** Volumes with their files, and what keeps them in order. */
export interface Storage extends Part {
  readonly volumes: Volumes
  readonly files: VolumeFiles
  /** For mounts. */
  readonly store: VolumeStore
  routes(app: App): void
}

export function createStorage(deps: {
  database: Database
  blobs: Blobs
  violations: Violations
  events: TenantEvents
  clock: Clock
  random: Random
  logger: Logger
  workers: { every(name: string, milliseconds: number, turn: () => Promise<void>): void }
  config: { readonly volumeTier: string }
  limits: Pick<Limits, 'requireStorage' | 'storageOf' | 'telling'>
  /** Names this server, and stays with its data folder. */
  owner: string
}): Storage {
  const tier = tierOf(deps.config)
  const volumeStore = createVolumeStore(deps.database)
  const fileStore = createFileStore(deps.database)
  const sweeper = createSweeper({
    ...deps,
    volumeStore,
    store: fileStore,
    async onExpired({ id, tenantId }, within) {
      deps.logger.info({ volume_id: id }, 'volume expired and deleted')
      await deps.events.add(
        tenantId,
        [draft('volume_expired', { volume_id: id }), draft('volume_deleted', { volume_id: id })],
        within,
      )
    },
  })
  const { collect } = sweeper
  const volumes = createVolumes({ ...deps, store: volumeStore, tier, collect })
  const files = createVolumeFiles({ ...deps, volumeStore, store: fileStore, tier, collect })
  return {
    volumes,
    files,
    store: volumeStore,
    routes(app) {
      volumeRoutes(app, volumes)
      volumeFileRoutes(app, { ...deps, volumes, files })
      uploadRoutes(app, { ...deps, volumes, files })
    },
    start: (address) => sweeper.start?.(address),
    stop: () => sweeper.stop?.(),
  }
}
