import { createRoute } from '@tanstack/react-router'
import { KeyRound } from 'lucide-react'
import { ENVIRONMENTS, type Environment } from '../../api/types.ts'
import { inside } from '../../app/inside.ts'
import type { PageParts } from '../../app/page-parts.ts'
import { scalar } from '../../app/search.ts'
import { lazily } from '../../ui/lazy.tsx'

export interface KeysSearch {
  readonly create?: true | undefined
  readonly q?: string | undefined
  /** `all`: each, whatever was chosen for all pages. */
  readonly env?: Environment | 'all' | undefined
}

const keys = createRoute({
  getParentRoute: () => inside,
  path: '/keys',
  validateSearch: (search: Record<string, unknown>): KeysSearch => {
    const q = scalar(search.q)
    const env = search.env === 'all' ? 'all' : ENVIRONMENTS.find((one) => one === search.env)
    return { ...(search.create ? { create: true } : {}), ...(q ? { q } : {}), ...(env ? { env } : {}) }
  },
  component: lazily(() => import('./page.tsx').then((page) => page.KeysPage)),
})

export const parts: PageParts = {
  inside: { keys },
  place: { to: '/keys', label: 'API keys', icon: KeyRound, group: 'connect', order: 2, key: 'k' },
  refreshes: { keys: ['api_key_created', 'api_key_revoked'] },
}

declare module '../../app/page-parts.ts' {
  interface InsideRoutes {
    keys: typeof keys
  }
}
