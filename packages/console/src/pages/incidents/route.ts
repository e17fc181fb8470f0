import { createRoute } from '@tanstack/react-router'
import { ShieldAlert } from 'lucide-react'
import { inside } from '../../app/inside.ts'
import type { PageParts } from '../../app/page-parts.ts'
import { scalar } from '../../app/search.ts'
import { lazily } from '../../ui/lazy.tsx'

export interface IncidentsSearch {
  readonly tab?: 'storage' | undefined
  readonly category?: string | undefined
  /** Id of a volume: of storage, what is about it alone. */
  readonly volume?: string | undefined
  /** The one that is open. */
  readonly id?: string | undefined
}

const incidents = createRoute({
  getParentRoute: () => inside,
  path: '/incidents',
  validateSearch: (search: Record<string, unknown>): IncidentsSearch => {
    const [category, volume, id] = [scalar(search.category), scalar(search.volume), scalar(search.id)]
    return {
      ...(search.tab === 'storage' ? { tab: 'storage' } : {}),
      ...(category ? { category } : {}),
      ...(volume ? { volume } : {}),
      ...(id ? { id } : {}),
    }
  },
  component: lazily(() => import('./page.tsx').then((page) => page.IncidentsPage)),
})

export const parts: PageParts = {
  inside: { incidents },
  place: { to: '/incidents', label: 'Incidents', icon: ShieldAlert, group: 'monitor', order: 9, needs: 'administer' },
}

declare module '../../app/page-parts.ts' {
  interface InsideRoutes {
    incidents: typeof incidents
  }
}
