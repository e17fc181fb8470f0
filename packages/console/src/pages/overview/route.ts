import { createRoute } from '@tanstack/react-router'
import { LayoutDashboard } from 'lucide-react'
import { inside } from '../../app/inside.ts'
import type { PageParts } from '../../app/page-parts.ts'
import { lazily } from '../../ui/lazy.tsx'

const overview = createRoute({
  getParentRoute: () => inside,
  path: '/',
  component: lazily(() => import('./page.tsx').then((page) => page.OverviewPage)),
})

export const parts: PageParts = {
  inside: { overview },
  place: { to: '/', label: 'Overview', icon: LayoutDashboard, group: 'monitor', order: 1, key: 'o' },
  refreshes: {
    stats: ['event_created', 'approval_created', 'approval_decided', 'approval_timeout'],
    histogram: ['event_created'],
  },
  counted: ['stats', 'histogram'],
}

declare module '../../app/page-parts.ts' {
  interface InsideRoutes {
    overview: typeof overview
  }
}
