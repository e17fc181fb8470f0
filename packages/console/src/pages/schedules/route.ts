import { createRoute } from '@tanstack/react-router'
import { CalendarClock } from 'lucide-react'
import { inside } from '../../app/inside.ts'
import type { PageParts } from '../../app/page-parts.ts'
import { scalar } from '../../app/search.ts'
import { lazily } from '../../ui/lazy.tsx'

export interface SchedulesSearch {
  readonly q?: string | undefined
  readonly state?: 'on' | 'paused' | 'failed' | undefined
  /** Name of the one that is open. */
  readonly name?: string | undefined
  readonly create?: true | undefined
}

const schedules = createRoute({
  getParentRoute: () => inside,
  path: '/schedules',
  validateSearch: (search: Record<string, unknown>): SchedulesSearch => {
    const [q, name] = [scalar(search.q), scalar(search.name)]
    const state = (['on', 'paused', 'failed'] as const).find((one) => one === search.state)
    return {
      ...(q ? { q } : {}),
      ...(state ? { state } : {}),
      ...(name ? { name } : {}),
      ...(search.create ? { create: true } : {}),
    }
  },
  component: lazily(() => import('./page.tsx').then((page) => page.SchedulesPage)),
})

export const parts: PageParts = {
  inside: { schedules },
  place: { to: '/schedules', label: 'Schedules', icon: CalendarClock, group: 'run', order: 6, key: 't' },
}

declare module '../../app/page-parts.ts' {
  interface InsideRoutes {
    schedules: typeof schedules
  }
}
