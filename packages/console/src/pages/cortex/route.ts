import { createRoute } from '@tanstack/react-router'
import { Lightbulb } from 'lucide-react'
import { inside } from '../../app/inside.ts'
import type { PageParts } from '../../app/page-parts.ts'
import { scalar } from '../../app/search.ts'
import { lazily } from '../../ui/lazy.tsx'

export interface CortexSearch {
  readonly q?: string | undefined
  /** Kind of error. */
  readonly kind?: string | undefined
  /** Id of the pattern that is open. */
  readonly id?: string | undefined
}

const cortex = createRoute({
  getParentRoute: () => inside,
  path: '/cortex',
  validateSearch: (search: Record<string, unknown>): CortexSearch => {
    const [q, kind, id] = [search.q, search.kind, search.id].map(scalar)
    return { ...(q ? { q } : {}), ...(kind ? { kind } : {}), ...(id ? { id } : {}) }
  },
  component: lazily(() => import('./page.tsx').then((page) => page.CortexPage)),
})

export const parts: PageParts = {
  inside: { cortex },
  place: { to: '/cortex', label: 'Cortex', icon: Lightbulb, group: 'run', order: 9 },
}

declare module '../../app/page-parts.ts' {
  interface InsideRoutes {
    cortex: typeof cortex
  }
}
