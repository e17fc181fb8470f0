import { createRoute, redirect } from '@tanstack/react-router'
import { Server } from 'lucide-react'
import { inside } from '../../app/inside.ts'
import type { PageParts } from '../../app/page-parts.ts'
import { text } from '../../app/search.ts'
import { lazily } from '../../ui/lazy.tsx'

/** The address that settings have where they are one page with sections (`?section=ai`). */
const SECTIONS = ['notifications', 'ai', 'danger'] as const

const settings = createRoute({
  getParentRoute: () => inside,
  path: '/settings',
  beforeLoad: ({ search }) => {
    const section = SECTIONS.find((one) => one === text((search as Record<string, unknown>).section))
    throw redirect({ to: section ? `/settings/${section}` : '/settings/system', replace: true })
  },
})

const system = createRoute({
  getParentRoute: () => inside,
  path: '/settings/system',
  component: lazily(() => import('./page.tsx').then((page) => page.SystemPage)),
})

export const parts: PageParts = {
  inside: { settings, system },
  place: { to: '/settings/system', label: 'System', icon: Server, group: 'settings', order: 1, key: 'y' },
  refreshes: { 'health-details': ['signing_key_rotated'] },
}

declare module '../../app/page-parts.ts' {
  interface InsideRoutes {
    settings: typeof settings
    system: typeof system
  }
}
