import { createRoute } from '@tanstack/react-router'
import type { PageParts } from '../../app/page-parts.ts'
import { root } from '../../app/root.ts'
import { lazily } from '../../ui/lazy.tsx'

const newPassword = createRoute({
  getParentRoute: () => root,
  path: '/new-password',
  component: lazily(() => import('./page.tsx').then((page) => page.NewPasswordPage)),
})

export const parts: PageParts = { outside: { newPassword } }

declare module '../../app/page-parts.ts' {
  interface OutsideRoutes {
    newPassword: typeof newPassword
  }
}
