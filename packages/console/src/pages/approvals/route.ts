import { createRoute } from '@tanstack/react-router'
import { Hand } from 'lucide-react'
import { inside } from '../../app/inside.ts'
import type { PageParts } from '../../app/page-parts.ts'
import { scalar } from '../../app/search.ts'
import { lazily } from '../../ui/lazy.tsx'
import { OpenCount } from './shared/open-count.ts'

export interface ApprovalSearch {
  /** The approval that is linked to. */
  readonly id?: string
  readonly tab?: 'history'
}

const approvals = createRoute({
  getParentRoute: () => inside,
  path: '/approvals',
  validateSearch: (search: Record<string, unknown>): ApprovalSearch => {
    const id = scalar(search.id)
    return { ...(id ? { id } : {}), ...(search.tab === 'history' ? { tab: 'history' } : {}) }
  },
  component: lazily(() => import('./page.tsx').then((page) => page.ApprovalsPage)),
})

export const parts: PageParts = {
  inside: { approvals },
  place: {
    to: '/approvals',
    label: 'Approvals',
    icon: Hand,
    group: 'monitor',
    order: 2,
    key: 'i',
    Waiting: OpenCount,
  },
  refreshes: { approvals: ['approval_created', 'approval_decided', 'approval_timeout'] },
}

declare module '../../app/page-parts.ts' {
  interface InsideRoutes {
    approvals: typeof approvals
  }
}
