import { createRoute } from '@tanstack/react-router'
import { HardDrive } from 'lucide-react'
import { inside } from '../../app/inside.ts'
import type { PageParts } from '../../app/page-parts.ts'
import { scalar } from '../../app/search.ts'
import { lazily } from '../../ui/lazy.tsx'

export interface VolumesSearch {
  readonly q?: string | undefined
  /** Storage class. */
  readonly kind?: 'persistent' | 'ephemeral' | undefined
  readonly create?: true | undefined
}

export interface VolumeSearch {
  /** Folder that is open, from the volume's root; absent: the root. */
  readonly path?: string | undefined
  /** Path of the file that is open. */
  readonly file?: string | undefined
  readonly q?: string | undefined
}

const volumes = createRoute({
  getParentRoute: () => inside,
  path: '/volumes',
  validateSearch: (search: Record<string, unknown>): VolumesSearch => {
    const q = scalar(search.q)
    const kind = (['persistent', 'ephemeral'] as const).find((one) => one === search.kind)
    return { ...(q ? { q } : {}), ...(kind ? { kind } : {}), ...(search.create ? { create: true } : {}) }
  },
  component: lazily(() => import('./page.tsx').then((page) => page.VolumesPage)),
})

const volume = createRoute({
  getParentRoute: () => inside,
  path: '/volumes/$id',
  validateSearch: (search: Record<string, unknown>): VolumeSearch => {
    const [path, file, q] = [scalar(search.path), scalar(search.file), scalar(search.q)]
    return { ...(path && path !== '/' ? { path } : {}), ...(file ? { file } : {}), ...(q ? { q } : {}) }
  },
  component: lazily(() => import('./volume.tsx').then((page) => page.VolumePage)),
})

export const parts: PageParts = {
  inside: { volumes, volume },
  place: { to: '/volumes', label: 'Volumes', icon: HardDrive, group: 'run', order: 4, key: 'b' },
}

declare module '../../app/page-parts.ts' {
  interface InsideRoutes {
    volumes: typeof volumes
    volume: typeof volume
  }
}
