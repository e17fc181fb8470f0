import { createRoute } from '@tanstack/react-router'
import { Webhook } from 'lucide-react'
import { inside } from '../../app/inside.ts'
import type { PageParts } from '../../app/page-parts.ts'
import { scalar } from '../../app/search.ts'
import { lazily } from '../../ui/lazy.tsx'

export interface StimuliSearch {
  readonly tab?: 'sources' | undefined
  readonly status?: string | undefined
  /** Name of a source. */
  readonly source?: string | undefined
  /** From 1; absent on the first page. */
  readonly page?: number | undefined
  /** Id of the one that is open. */
  readonly id?: string | undefined
  readonly q?: string | undefined
  readonly create?: true | undefined
  /** Source that one is sent of by hand; empty: it is still to be chosen. */
  readonly send?: string | undefined
}

const stimuli = createRoute({
  getParentRoute: () => inside,
  path: '/stimuli',
  validateSearch: (search: Record<string, unknown>): StimuliSearch => {
    const [status, source, id, q] = [search.status, search.source, search.id, search.q].map(scalar)
    const page = Number(search.page)
    const send = search.send === '' ? '' : scalar(search.send)
    return {
      ...(search.tab === 'sources' ? { tab: 'sources' } : {}),
      ...(status ? { status } : {}),
      ...(source ? { source } : {}),
      ...(Number.isInteger(page) && page > 1 ? { page } : {}),
      ...(id ? { id } : {}),
      ...(q ? { q } : {}),
      ...(search.create ? { create: true } : {}),
      ...(send === undefined ? {} : { send }),
    }
  },
  component: lazily(() => import('./page.tsx').then((page) => page.StimuliPage)),
})

export const parts: PageParts = {
  inside: { stimuli },
  place: { to: '/stimuli', label: 'Stimuli', icon: Webhook, group: 'run', order: 5, key: 'h' },
}

declare module '../../app/page-parts.ts' {
  interface InsideRoutes {
    stimuli: typeof stimuli
  }
}
