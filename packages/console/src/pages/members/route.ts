import { createRoute } from '@tanstack/react-router'
import { Users } from 'lucide-react'
import { inside } from '../../app/inside.ts'
import type { PageParts } from '../../app/page-parts.ts'
import { scalar } from '../../app/search.ts'
import { lazily } from '../../ui/lazy.tsx'

export const TABS = ['members', 'roles', 'acts'] as const
export interface MembersSearch {
  readonly tab?: (typeof TABS)[number] | undefined
  readonly q?: string | undefined
  readonly invite?: true | undefined
  /** Acts before this one are shown. */
  readonly before?: string | undefined
}

const members = createRoute({
  getParentRoute: () => inside,
  path: '/settings/members',
  validateSearch: (search: Record<string, unknown>): MembersSearch => {
    const tab = TABS.find((one) => one === search.tab && one !== 'members')
    const q = scalar(search.q)
    const before = scalar(search.before)
    return {
      ...(tab ? { tab } : {}),
      ...(q ? { q } : {}),
      ...(search.invite ? { invite: true } : {}),
      ...(before ? { before } : {}),
    }
  },
  component: lazily(() => import('./page.tsx').then((page) => page.MembersPage)),
})

export const parts: PageParts = {
  inside: { members },
  place: { to: '/settings/members', label: 'Members and roles', icon: Users, group: 'settings', order: 4, key: 'p' },
}

declare module '../../app/page-parts.ts' {
  interface InsideRoutes {
    members: typeof members
  }
}
