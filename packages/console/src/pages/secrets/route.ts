import { createRoute } from '@tanstack/react-router'
import { LockKeyhole } from 'lucide-react'
import { inside } from '../../app/inside.ts'
import type { PageParts } from '../../app/page-parts.ts'
import { scalar } from '../../app/search.ts'
import { lazily } from '../../ui/lazy.tsx'

export interface SecretsSearch {
  readonly q?: string | undefined
  /** Path of the secret that is open. */
  readonly path?: string | undefined
  readonly write?: true | undefined
}

const secrets = createRoute({
  getParentRoute: () => inside,
  path: '/secrets',
  validateSearch: (search: Record<string, unknown>): SecretsSearch => {
    const [q, path] = [scalar(search.q), scalar(search.path)]
    return { ...(q ? { q } : {}), ...(path ? { path } : {}), ...(search.write ? { write: true } : {}) }
  },
  component: lazily(() => import('./page.tsx').then((page) => page.SecretsPage)),
})

export const parts: PageParts = {
  inside: { secrets },
  place: { to: '/secrets', label: 'Secrets', icon: LockKeyhole, group: 'connect', order: 5, needs: 'administer' },
}

declare module '../../app/page-parts.ts' {
  interface InsideRoutes {
    secrets: typeof secrets
  }
}
