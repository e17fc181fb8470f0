import { createRoute } from '@tanstack/react-router'
import { Building2 } from 'lucide-react'
import { inside } from '../../app/inside.ts'
import type { PageParts } from '../../app/page-parts.ts'
import { scalar } from '../../app/search.ts'
import { lazily } from '../../ui/lazy.tsx'

export interface TenantsSearch {
  readonly q?: string | undefined
  readonly create?: true | undefined
  /** Slug of the tenant that somebody is invited into. */
  readonly invite?: string | undefined
  /** Slug of the tenant whose numbers are set. */
  readonly quotas?: string | undefined
}

const tenants = createRoute({
  getParentRoute: () => inside,
  path: '/settings/tenants',
  validateSearch: (search: Record<string, unknown>): TenantsSearch => {
    const [q, invite, quotas] = [scalar(search.q), scalar(search.invite), scalar(search.quotas)]
    return {
      ...(q ? { q } : {}),
      ...(search.create ? { create: true } : {}),
      ...(invite ? { invite } : {}),
      ...(quotas ? { quotas } : {}),
    }
  },
  component: lazily(() => import('./page.tsx').then((page) => page.TenantsPage)),
})

export const parts: PageParts = {
  inside: { tenants },
  place: { to: '/settings/tenants', label: 'Tenants', icon: Building2, group: 'settings', order: 6, needs: 'operate' },
}

declare module '../../app/page-parts.ts' {
  interface InsideRoutes {
    tenants: typeof tenants
  }
}
