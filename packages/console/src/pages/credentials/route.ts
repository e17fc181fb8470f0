import { createRoute } from '@tanstack/react-router'
import { Fingerprint } from 'lucide-react'
import { inside } from '../../app/inside.ts'
import type { PageParts } from '../../app/page-parts.ts'
import { scalar } from '../../app/search.ts'
import { lazily } from '../../ui/lazy.tsx'

export interface CredentialsSearch {
  readonly tab?: 'providers' | undefined
  /** The credential that is open. */
  readonly id?: string | undefined
  readonly create?: true | undefined
}

/** What an OAuth provider sends a browser back with. */
export interface CallbackSearch {
  readonly code?: string
  readonly state?: string
  readonly iss?: string
  readonly error?: string
  readonly error_description?: string
}
const SENT_BACK = ['code', 'state', 'iss', 'error', 'error_description'] as const

const credentials = createRoute({
  getParentRoute: () => inside,
  path: '/credentials',
  validateSearch: (search: Record<string, unknown>): CredentialsSearch => {
    const id = scalar(search.id)
    return {
      ...(search.tab === 'providers' ? { tab: 'providers' } : {}),
      ...(id ? { id } : {}),
      ...(search.create ? { create: true } : {}),
    }
  },
  component: lazily(() => import('./page.tsx').then((page) => page.CredentialsPage)),
})

const callback = createRoute({
  getParentRoute: () => inside,
  path: '/credentials/callback',
  validateSearch: (search: Record<string, unknown>): CallbackSearch =>
    Object.fromEntries(SENT_BACK.flatMap((name) => (scalar(search[name]) ? [[name, scalar(search[name])]] : []))),
  component: lazily(() => import('./callback.tsx').then((page) => page.CallbackPage)),
})

export const parts: PageParts = {
  inside: { credentials, callback },
  place: { to: '/credentials', label: 'Credentials', icon: Fingerprint, group: 'connect', order: 4 },
}

declare module '../../app/page-parts.ts' {
  interface InsideRoutes {
    credentials: typeof credentials
    callback: typeof callback
  }
}
