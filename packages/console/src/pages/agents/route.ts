import { createRoute } from '@tanstack/react-router'
import { Bot } from 'lucide-react'
import { inside } from '../../app/inside.ts'
import type { PageParts } from '../../app/page-parts.ts'
import { lazily } from '../../ui/lazy.tsx'

const agents = createRoute({
  getParentRoute: () => inside,
  path: '/agents',
  component: lazily(() => import('./page.tsx').then((page) => page.AgentsPage)),
})

export const parts: PageParts = {
  inside: { agents },
  place: { to: '/agents', label: 'Agents', icon: Bot, group: 'monitor', order: 4, key: 'f' },
  refreshes: { agents: ['contract_update', 'bundle_deployed', 'assignment_changed'] },
}

declare module '../../app/page-parts.ts' {
  interface InsideRoutes {
    agents: typeof agents
  }
}
