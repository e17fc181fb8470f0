import { createRoute } from '@tanstack/react-router'
import { TriangleAlert } from 'lucide-react'
import { inside } from '../../app/inside.ts'
import type { PageParts } from '../../app/page-parts.ts'
import { lazily } from '../../ui/lazy.tsx'

const danger = createRoute({
  getParentRoute: () => inside,
  path: '/settings/danger',
  component: lazily(() => import('./page.tsx').then((page) => page.DangerPage)),
})

export const parts: PageParts = {
  inside: { danger },
  place: {
    to: '/settings/danger',
    label: 'Danger',
    icon: TriangleAlert,
    group: 'settings',
    order: 9,
    needs: 'administer',
  },
}

declare module '../../app/page-parts.ts' {
  interface InsideRoutes {
    danger: typeof danger
  }
}
