import { createRoute } from '@tanstack/react-router'
import { ShieldCheck } from 'lucide-react'
import { inside } from '../../app/inside.ts'
import type { PageParts } from '../../app/page-parts.ts'
import { text } from '../../app/search.ts'
import { lazily } from '../../ui/lazy.tsx'

/** A length of time back from now, and the environment whose contracts are asked. */
export interface CoverageSearch {
  readonly since?: string
  readonly env?: string
}

const coverage = createRoute({
  getParentRoute: () => inside,
  path: '/coverage',
  validateSearch: (search: Record<string, unknown>): CoverageSearch => {
    const [since, env] = [text(search.since), text(search.env)]
    return { ...(since ? { since } : {}), ...(env ? { env } : {}) }
  },
  component: lazily(() => import('./page.tsx').then((page) => page.CoveragePage)),
})

export const parts: PageParts = {
  inside: { coverage },
  place: { to: '/coverage', label: 'Coverage', icon: ShieldCheck, group: 'govern', order: 4, key: 'v' },
}

declare module '../../app/page-parts.ts' {
  interface InsideRoutes {
    coverage: typeof coverage
  }
}
