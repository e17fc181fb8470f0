import { createRoute } from '@tanstack/react-router'
import { FlaskConical } from 'lucide-react'
import { inside } from '../../app/inside.ts'
import type { PageParts } from '../../app/page-parts.ts'
import { scalar, text } from '../../app/search.ts'
import { lazily } from '../../ui/lazy.tsx'

/** Fields of the call, as a person wrote them; absent: as in the event, or empty. */
const FIELDS = ['tool', 'args', 'env', 'role', 'user', 'claims', 'ran', 'labels', 'output'] as const
export type CallSearch = { readonly [field in (typeof FIELDS)[number]]?: string | undefined }

export interface PlaygroundSearch extends CallSearch {
  /** Absent: a text that is written here. */
  readonly bundle?: string | undefined
  /** Absent: the newest. */
  readonly version?: number | undefined
  /** The recorded call one begins with. */
  readonly event?: string | undefined
}

/** Values arrive parsed: what looks like JSON must stay the text it was. */
const written = (value: unknown): string | undefined =>
  typeof value === 'object' && value !== null ? JSON.stringify(value, null, 2) : value === '' ? '' : asText(value)
const asText = (value: unknown) => (typeof value === 'boolean' ? String(value) : scalar(value))

const playground = createRoute({
  getParentRoute: () => inside,
  path: '/playground',
  validateSearch: (search: Record<string, unknown>): PlaygroundSearch => {
    const [bundle, event] = [scalar(search.bundle), text(search.event)]
    const fields = FIELDS.flatMap((field) => {
      const value = written(search[field])
      return value === undefined ? [] : [[field, value] as const]
    })
    return {
      ...(bundle ? { bundle } : {}),
      ...(Number.isInteger(search.version) ? { version: search.version as number } : {}),
      ...(event ? { event } : {}),
      ...Object.fromEntries(fields),
    }
  },
  component: lazily(() => import('./page.tsx').then((page) => page.PlaygroundPage)),
})

export const parts: PageParts = {
  inside: { playground },
  place: { to: '/playground', label: 'Playground', icon: FlaskConical, group: 'govern', order: 6, key: 'q' },
}

declare module '../../app/page-parts.ts' {
  interface InsideRoutes {
    playground: typeof playground
  }
}
