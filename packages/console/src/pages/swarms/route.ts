import { createRoute } from '@tanstack/react-router'
import { Network } from 'lucide-react'
import { inside } from '../../app/inside.ts'
import type { PageParts } from '../../app/page-parts.ts'
import { lazily } from '../../ui/lazy.tsx'

export interface SwarmsSearch {
  readonly status?: 'active' | 'dissolving' | 'dissolved'
  /** From 1; absent on the first page. */
  readonly page?: number
}

const swarms = createRoute({
  getParentRoute: () => inside,
  path: '/swarms',
  validateSearch: (search: Record<string, unknown>): SwarmsSearch => {
    const status = (['active', 'dissolving', 'dissolved'] as const).find((one) => one === search.status)
    const page = Number(search.page)
    return { ...(status ? { status } : {}), ...(Number.isInteger(page) && page > 1 ? { page } : {}) }
  },
  component: lazily(() => import('./page.tsx').then((page) => page.SwarmsPage)),
})

const swarm = createRoute({
  getParentRoute: () => inside,
  path: '/swarms/$id',
  component: lazily(() => import('./detail.tsx').then((page) => page.SwarmPage)),
})

export const parts: PageParts = {
  inside: { swarms, swarm },
  place: { to: '/swarms', label: 'Swarms', icon: Network, group: 'run', order: 7, key: 'z' },
}

declare module '../../app/page-parts.ts' {
  interface InsideRoutes {
    swarms: typeof swarms
    swarm: typeof swarm
  }
}
