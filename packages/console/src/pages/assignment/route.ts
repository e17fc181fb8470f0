import { createRoute } from '@tanstack/react-router'
import { Route as Signpost } from 'lucide-react'
import { inside } from '../../app/inside.ts'
import type { PageParts } from '../../app/page-parts.ts'
import { scalar, text } from '../../app/search.ts'
import { lazily } from '../../ui/lazy.tsx'

export interface AssignmentSearch {
  readonly tab?: 'agents'
  /** The rule that is open, or `new`. */
  readonly rule?: string
  /** The agent for which the rules are tried, and where. */
  readonly try?: string
  readonly env?: string
}

const assignment = createRoute({
  getParentRoute: () => inside,
  path: '/assignment',
  validateSearch: (search: Record<string, unknown>): AssignmentSearch => {
    const [rule, agent, env] = [text(search.rule), scalar(search.try), text(search.env)]
    return {
      ...(search.tab === 'agents' ? { tab: 'agents' } : {}),
      ...(rule ? { rule } : {}),
      ...(agent ? { try: agent } : {}),
      ...(env ? { env } : {}),
    }
  },
  component: lazily(() => import('./page.tsx').then((page) => page.AssignmentPage)),
})

export const parts: PageParts = {
  inside: { assignment },
  place: { to: '/assignment', label: 'Assignment', icon: Signpost, group: 'govern', order: 3, key: 's' },
  refreshes: { rules: ['assignment_changed'], resolved: ['assignment_changed'] },
}

declare module '../../app/page-parts.ts' {
  interface InsideRoutes {
    assignment: typeof assignment
  }
}
