import { createRoute } from '@tanstack/react-router'
import { inside } from '../../app/inside.ts'
import type { PageParts } from '../../app/page-parts.ts'
import { lazily } from '../../ui/lazy.tsx'

/** Reached from the menu of who is signed in. */
const account = createRoute({
  getParentRoute: () => inside,
  path: '/account',
  validateSearch: (search: Record<string, unknown>): { factor?: true } => (search.factor ? { factor: true } : {}),
  component: lazily(() => import('./page.tsx').then((page) => page.AccountPage)),
})

export const parts: PageParts = { inside: { account } }

declare module '../../app/page-parts.ts' {
  interface InsideRoutes {
    account: typeof account
  }
}
