import { createRoute } from '@tanstack/react-router'
import { Activity } from 'lucide-react'
import { inside } from '../../app/inside.ts'
import type { PageParts } from '../../app/page-parts.ts'
import { lazily } from '../../ui/lazy.tsx'
import { eventSearch } from './search.ts'

const events = createRoute({
  getParentRoute: () => inside,
  path: '/events',
  validateSearch: eventSearch,
  component: lazily(() => import('./page.tsx').then((page) => page.EventsPage)),
})

export const parts: PageParts = {
  inside: { events },
  place: { to: '/events', label: 'Events', icon: Activity, group: 'monitor', order: 3, key: 'e' },
  refreshes: { events: ['event_created'] },
}

declare module '../../app/page-parts.ts' {
  interface InsideRoutes {
    events: typeof events
  }
}
