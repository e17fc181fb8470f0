import { createRoute, redirect } from '@tanstack/react-router'
import type { PageParts } from '../../app/page-parts.ts'
import { root } from '../../app/root.ts'
import { session } from '../../app/session.ts'
import { lazily } from '../../ui/lazy.tsx'

const setup = createRoute({
  getParentRoute: () => root,
  path: '/setup',
  beforeLoad: async ({ context }) => {
    const health = await context.client.ensureQueryData(session.health())
    if (health.bootstrap_complete) throw redirect({ to: '/login' })
  },
  component: lazily(() => import('./page.tsx').then((page) => page.SetupPage)),
})

export const parts: PageParts = { outside: { setup } }

declare module '../../app/page-parts.ts' {
  interface OutsideRoutes {
    setup: typeof setup
  }
}
