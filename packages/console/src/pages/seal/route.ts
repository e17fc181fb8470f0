import { createRoute } from '@tanstack/react-router'
import { Stamp } from 'lucide-react'
import { inside } from '../../app/inside.ts'
import type { PageParts } from '../../app/page-parts.ts'
import { scalar } from '../../app/search.ts'
import { lazily } from '../../ui/lazy.tsx'

export const OTHER_TABS = ['sessions', 'contexts'] as const
export interface SealSearch {
  readonly tab?: (typeof OTHER_TABS)[number] | undefined
  readonly create?: true | undefined
  /** The security context that is open. */
  readonly context?: string | undefined
}

const seal = createRoute({
  getParentRoute: () => inside,
  path: '/seal',
  validateSearch: (search: Record<string, unknown>): SealSearch => {
    const tab = OTHER_TABS.find((one) => one === search.tab)
    const context = scalar(search.context)
    return { ...(tab ? { tab } : {}), ...(search.create ? { create: true } : {}), ...(context ? { context } : {}) }
  },
  component: lazily(() => import('./page.tsx').then((page) => page.SealPage)),
})

export const parts: PageParts = {
  inside: { seal },
  place: { to: '/seal', label: 'SEAL workloads', icon: Stamp, group: 'connect', order: 6, needs: 'administer' },
}

declare module '../../app/page-parts.ts' {
  interface InsideRoutes {
    seal: typeof seal
  }
}
