import { createRoute } from '@tanstack/react-router'
import type { PageParts } from '../../app/page-parts.ts'
import { root } from '../../app/root.ts'
import { lazily } from '../../ui/lazy.tsx'

const invitation = createRoute({
  getParentRoute: () => root,
  path: '/invitation',
  component: lazily(() => import('./page.tsx').then((page) => page.InvitationPage)),
})

export const parts: PageParts = { outside: { invitation } }

declare module '../../app/page-parts.ts' {
  interface OutsideRoutes {
    invitation: typeof invitation
  }
}
