import { createRoute } from '@tanstack/react-router'
import { KeyRound } from 'lucide-react'
import { inside } from '../../app/inside.ts'
import type { PageParts } from '../../app/page-parts.ts'
import { lazily } from '../../ui/lazy.tsx'

const keys = createRoute({
  getParentRoute: () => inside,
  path: '/keys',
  validateSearch: (search: Record<string, unknown>): { create?: true } => (search.create ? { create: true } : {}),
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
