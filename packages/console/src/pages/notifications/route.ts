import { createRoute } from '@tanstack/react-router'
import { Bell } from 'lucide-react'
import { inside } from '../../app/inside.ts'
import type { PageParts } from '../../app/page-parts.ts'
import { scalar } from '../../app/search.ts'
import { lazily } from '../../ui/lazy.tsx'

export interface NotificationsSearch {
  readonly create?: true | undefined
  /** The channel that is changed. */
  readonly id?: string | undefined
}

const notifications = createRoute({
  getParentRoute: () => inside,
  path: '/settings/notifications',
  validateSearch: (search: Record<string, unknown>): NotificationsSearch => {
    const id = scalar(search.id)
    return { ...(search.create ? { create: true } : {}), ...(id ? { id } : {}) }
  },
  component: lazily(() => import('./page.tsx').then((page) => page.NotificationsPage)),
})

export const parts: PageParts = {
  inside: { notifications },
  place: { to: '/settings/notifications', label: 'Notifications', icon: Bell, group: 'settings', order: 2 },
}

declare module '../../app/page-parts.ts' {
  interface InsideRoutes {
    notifications: typeof notifications
  }
}
