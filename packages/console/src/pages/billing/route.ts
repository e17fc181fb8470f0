import { createRoute } from '@tanstack/react-router'
import { CreditCard } from 'lucide-react'
import { inside } from '../../app/inside.ts'
import type { PageParts } from '../../app/page-parts.ts'
import { lazily } from '../../ui/lazy.tsx'

export interface BillingSearch {
  readonly per?: 'year' | undefined
}

const billing = createRoute({
  getParentRoute: () => inside,
  path: '/settings/billing',
  validateSearch: (search: Record<string, unknown>): BillingSearch => (search.per === 'year' ? { per: 'year' } : {}),
  component: lazily(() => import('./page.tsx').then((page) => page.BillingPage)),
})

export const parts: PageParts = {
  inside: { billing },
  place: { to: '/settings/billing', label: 'Billing', icon: CreditCard, group: 'settings', order: 8 },
}

declare module '../../app/page-parts.ts' {
  interface InsideRoutes {
    billing: typeof billing
  }
}
