import { createRoute, redirect } from '@tanstack/react-router'
import type { PageParts } from '../../app/page-parts.ts'
import { safeReturnPath } from '../../app/return-path.ts'
import { root } from '../../app/root.ts'
import { session } from '../../app/session.ts'
import { isTenantName } from '../../app/tenant-name.ts'
import { lazily } from '../../ui/lazy.tsx'

const login = createRoute({
  getParentRoute: () => root,
  path: '/login',
  validateSearch: (search: Record<string, unknown>): { next?: string; tenant?: string; problem?: string } => {
    const next = safeReturnPath(search.next)
    const { tenant, problem } = search
    return {
      ...(next === '/' ? {} : { next }),
      ...(typeof tenant === 'string' && isTenantName(tenant) ? { tenant } : {}),
      ...(typeof problem === 'string' ? { problem: problem.slice(0, 500) } : {}),
    }
  },
  beforeLoad: async ({ context }) => {
    const health = await context.client.ensureQueryData(session.health())
    if (!health.bootstrap_complete) throw redirect({ to: '/setup' })
  },
  component: lazily(() => import('./page.tsx').then((page) => page.LoginPage)),
})

export const parts: PageParts = { outside: { login } }

declare module '../../app/page-parts.ts' {
  interface OutsideRoutes {
    login: typeof login
  }
}
