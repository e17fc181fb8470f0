import { createRoute } from '@tanstack/react-router'
import { Gauge } from 'lucide-react'
import { inside } from '../../app/inside.ts'
import type { PageParts } from '../../app/page-parts.ts'
import { lazily } from '../../ui/lazy.tsx'
import type { Window } from './queries.ts'

export interface LimitsSearch {
  readonly window?: Window | undefined
  readonly set?: true | undefined
}
const OTHER_WINDOWS: readonly Window[] = ['7d', '30d']

const limits = createRoute({
  getParentRoute: () => inside,
  path: '/settings/limits',
  validateSearch: (search: Record<string, unknown>): LimitsSearch => {
    const window = OTHER_WINDOWS.find((one) => one === search.window)
    return { ...(window ? { window } : {}), ...(search.set ? { set: true } : {}) }
  },
  component: lazily(() => import('./page.tsx').then((page) => page.LimitsPage)),
})

export const parts: PageParts = {
  inside: { limits },
  place: { to: '/settings/limits', label: 'Limits and usage', icon: Gauge, group: 'settings', order: 7, key: 'l' },
}

declare module '../../app/page-parts.ts' {
  interface InsideRoutes {
    limits: typeof limits
  }
}
