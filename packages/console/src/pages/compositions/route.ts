import { createRoute } from '@tanstack/react-router'
import { Blocks } from 'lucide-react'
import { ENVIRONMENTS, type Environment } from '../../api/types.ts'
import { inside } from '../../app/inside.ts'
import type { PageParts } from '../../app/page-parts.ts'
import { scalar } from '../../app/search.ts'
import { lazily } from '../../ui/lazy.tsx'

export interface CompositionsSearch {
  readonly q?: string | undefined
  /** The dialog that makes one is open. */
  readonly create?: true | undefined
}

export interface CompositionSearch {
  /** The dialog that deploys it is open; none is chosen beforehand. */
  readonly deploy?: true | undefined
  readonly env?: Environment | undefined
}

const compositions = createRoute({
  getParentRoute: () => inside,
  path: '/compositions',
  validateSearch: (search: Record<string, unknown>): CompositionsSearch => {
    const q = scalar(search.q)
    return { ...(q ? { q } : {}), ...(search.create ? { create: true } : {}) }
  },
  component: lazily(() => import('./page.tsx').then((page) => page.CompositionsPage)),
})

const composition = createRoute({
  getParentRoute: () => inside,
  path: '/compositions/$name',
  validateSearch: (search: Record<string, unknown>): CompositionSearch => {
    const env = ENVIRONMENTS.find((one) => one === search.env)
    return { ...(search.deploy ? { deploy: true } : {}), ...(env ? { env } : {}) }
  },
  component: lazily(() => import('./detail.tsx').then((page) => page.CompositionPage)),
})

export const parts: PageParts = {
  inside: { compositions, composition },
  place: { to: '/compositions', label: 'Compositions', icon: Blocks, group: 'govern', order: 1.2 },
  refreshes: { compositions: ['composition_changed', 'contract_updated'] },
}

declare module '../../app/page-parts.ts' {
  interface InsideRoutes {
    compositions: typeof compositions
    composition: typeof composition
  }
}
