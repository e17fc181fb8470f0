import { createRoute } from '@tanstack/react-router'
import { LogIn } from 'lucide-react'
import { inside } from '../../app/inside.ts'
import type { PageParts } from '../../app/page-parts.ts'
import { lazily } from '../../ui/lazy.tsx'

export interface SingleSignOnSearch {
  readonly tab?: 'saml' | undefined
}

const singleSignOn = createRoute({
  getParentRoute: () => inside,
  path: '/settings/single-sign-on',
  validateSearch: (search: Record<string, unknown>): SingleSignOnSearch =>
    search.tab === 'saml' ? { tab: 'saml' } : {},
  component: lazily(() => import('./page.tsx').then((page) => page.SingleSignOnPage)),
})

export const parts: PageParts = {
  inside: { singleSignOn },
  place: {
    to: '/settings/single-sign-on',
    label: 'Single sign-on',
    icon: LogIn,
    group: 'settings',
    order: 5,
    needs: 'own',
  },
}

declare module '../../app/page-parts.ts' {
  interface InsideRoutes {
    singleSignOn: typeof singleSignOn
  }
}
