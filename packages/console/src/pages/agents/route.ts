import { createRoute } from '@tanstack/react-router'
import { Bot } from 'lucide-react'
import { inside } from '../../app/inside.ts'
import type { PageParts } from '../../app/page-parts.ts'
import { scalar, text } from '../../app/search.ts'
import { lazily } from '../../ui/lazy.tsx'
import { type AgentTab, COVERAGES, type FleetFilter, TABS } from './search.ts'

/** What is filtered by stands in the address, so that Back takes it back. */
export interface AgentSearch extends FleetFilter {
  /** A length of time back from now, within which calls count for the coverage. */
  readonly since?: string
}

const STATUSES = ['drift', 'unknown', 'current', 'offline', 'connected'] as const
const oneOf = <T extends string>(all: readonly T[], value: unknown): T | undefined => all.find((one) => one === value)

/** Only what was given: a search without a filter has no name of it. */
const given = <T extends object>(all: { readonly [K in keyof T]: T[K] | undefined }): T =>
  Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as T

const agents = createRoute({
  getParentRoute: () => inside,
  path: '/agents',
  validateSearch: (search: Record<string, unknown>): AgentSearch =>
    given<AgentSearch>({
      q: scalar(search.q),
      status: oneOf(STATUSES, search.status),
      env: text(search.env),
      coverage: oneOf(COVERAGES, search.coverage),
      kind: oneOf(['guarded', 'managed'], search.kind),
      since: text(search.since),
    }),
  component: lazily(() => import('./page.tsx').then((page) => page.AgentsPage)),
})

const agent = createRoute({
  getParentRoute: () => inside,
  path: '/agents/$agent',
  validateSearch: (search: Record<string, unknown>): { tab?: AgentTab; since?: string } =>
    given<{ tab?: AgentTab; since?: string }>({ tab: oneOf(TABS, search.tab), since: text(search.since) }),
  component: lazily(() => import('./agent.tsx').then((page) => page.AgentPage)),
})

export const parts: PageParts = {
  inside: { agents, agent },
  place: { to: '/agents', label: 'Agents', icon: Bot, group: 'monitor', order: 4, key: 'f' },
  refreshes: {
    agents: ['contract_update', 'bundle_deployed', 'assignment_changed'],
    registrations: ['assignment_changed', 'bundle_deployed'],
    coverage: ['bundle_deployed', 'event_created'],
    history: ['bundle_deployed'],
  },
  counted: ['coverage'],
}

declare module '../../app/page-parts.ts' {
  interface InsideRoutes {
    agents: typeof agents
    agent: typeof agent
  }
}
