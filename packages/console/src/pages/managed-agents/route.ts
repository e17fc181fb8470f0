import { createRoute } from '@tanstack/react-router'
import { BotMessageSquare } from 'lucide-react'
import { inside } from '../../app/inside.ts'
import type { PageParts } from '../../app/page-parts.ts'
import { scalar } from '../../app/search.ts'
import { lazily } from '../../ui/lazy.tsx'

const managedAgents = createRoute({
  getParentRoute: () => inside,
  path: '/managed-agents',
  /** `q`: what is searched for. */
  validateSearch: (search: Record<string, unknown>): { q?: string } => {
    const q = scalar(search.q)
    return q ? { q } : {}
  },
  component: lazily(() => import('./page.tsx').then((page) => page.ManagedAgentsPage)),
})

const newAgent = createRoute({
  getParentRoute: () => inside,
  path: '/managed-agents/new',
  /** `from`: id of the agent whose manifest is begun with. */
  validateSearch: (search: Record<string, unknown>): { from?: string } => {
    const from = scalar(search.from)
    return from ? { from } : {}
  },
  component: lazily(() => import('./deploy.tsx').then((page) => page.DeployAgentPage)),
})

export const AGENT_TABS = ['about', 'manifest', 'versions'] as const
export type AgentTab = (typeof AGENT_TABS)[number]

const managedAgent = createRoute({
  getParentRoute: () => inside,
  path: '/managed-agents/$id',
  /** `version`: which one is shown; `run`: the dialog to run it is open. */
  validateSearch: (search: Record<string, unknown>): { tab?: AgentTab; version?: string; run?: true } => {
    const [tab, version] = [AGENT_TABS.find((one) => one === search.tab), scalar(search.version)]
    return {
      ...(tab && tab !== 'about' ? { tab } : {}),
      ...(version ? { version } : {}),
      ...(search.run ? { run: true } : {}),
    }
  },
  component: lazily(() => import('./detail.tsx').then((page) => page.ManagedAgentPage)),
})

export const parts: PageParts = {
  inside: { managedAgents, newAgent, managedAgent },
  place: { to: '/managed-agents', label: 'Managed agents', icon: BotMessageSquare, group: 'run', order: 2, key: 'm' },
}

declare module '../../app/page-parts.ts' {
  interface InsideRoutes {
    managedAgents: typeof managedAgents
    newAgent: typeof newAgent
    managedAgent: typeof managedAgent
  }
}
