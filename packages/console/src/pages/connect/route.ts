import { createRoute } from '@tanstack/react-router'
import { Cable } from 'lucide-react'
import { inside } from '../../app/inside.ts'
import type { PageParts } from '../../app/page-parts.ts'
import { lazily } from '../../ui/lazy.tsx'

const connect = createRoute({
  getParentRoute: () => inside,
  path: '/connect',
  component: lazily(() => import('./page.tsx').then((page) => page.ConnectPage)),
})

export const parts: PageParts = {
  inside: { connect },
  place: { to: '/connect', label: 'Connect an agent', icon: Cable, group: 'connect', order: 1, key: 'n' },
}

declare module '../../app/page-parts.ts' {
  interface InsideRoutes {
    connect: typeof connect
  }
}
