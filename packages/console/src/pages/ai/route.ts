import { createRoute } from '@tanstack/react-router'
import { Sparkles } from 'lucide-react'
import { inside } from '../../app/inside.ts'
import type { PageParts } from '../../app/page-parts.ts'
import { lazily } from '../../ui/lazy.tsx'

const ai = createRoute({
  getParentRoute: () => inside,
  path: '/settings/ai',
  component: lazily(() => import('./page.tsx').then((page) => page.AiPage)),
})

export const parts: PageParts = {
  inside: { ai },
  place: { to: '/settings/ai', label: 'AI', icon: Sparkles, group: 'settings', order: 3 },
}

declare module '../../app/page-parts.ts' {
  interface InsideRoutes {
    ai: typeof ai
  }
}
