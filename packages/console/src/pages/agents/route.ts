import { createRoute } from '@tanstack/react-router'
import { Bot } from 'lucide-react'
import { inside } from '../../app/inside.ts'
import type { PageParts } from '../../app/page-parts.ts'
import { text } from '../../app/search.ts'
import { lazily } from '../../ui/lazy.tsx'

/** What is filtered by stands in the address, so that Back takes it back. */
export interface AgentSearch {
  readonly status?: string
  readonly env?: string
}

const agents = createRoute({
  getParentRoute: () => inside,
  path: '/agents',
  validateSearch: (search: Record<string, unknown>): AgentSearch => {
    const [status, env] = [text(search.status), text(search.env)]
    return { ...(status ? { status } : {}), ...(env ? { env } : {}) }
  },
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
