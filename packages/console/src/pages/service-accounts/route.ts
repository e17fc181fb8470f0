import { createRoute } from '@tanstack/react-router'
import { BotMessageSquare } from 'lucide-react'
import { inside } from '../../app/inside.ts'
import type { PageParts } from '../../app/page-parts.ts'
import { lazily } from '../../ui/lazy.tsx'

export interface ServiceAccountsSearch {
  readonly tab?: 'keys' | undefined
  readonly create?: true | undefined
}

const serviceAccounts = createRoute({
  getParentRoute: () => inside,
  path: '/service-accounts',
  validateSearch: (search: Record<string, unknown>): ServiceAccountsSearch => ({
    ...(search.tab === 'keys' ? { tab: 'keys' } : {}),
    ...(search.create ? { create: true } : {}),
  }),
  component: lazily(() => import('./page.tsx').then((page) => page.ServiceAccountsPage)),
})

export const parts: PageParts = {
  inside: { serviceAccounts },
  place: { to: '/service-accounts', label: 'Service accounts', icon: BotMessageSquare, group: 'connect', order: 3 },
}

declare module '../../app/page-parts.ts' {
  interface InsideRoutes {
    serviceAccounts: typeof serviceAccounts
  }
}
