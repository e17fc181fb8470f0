import { createRoute } from '@tanstack/react-router'
import { Play } from 'lucide-react'
import { inside } from '../../app/inside.ts'
import type { PageParts } from '../../app/page-parts.ts'
import { scalar } from '../../app/search.ts'
import { lazily } from '../../ui/lazy.tsx'

export interface ExecutionSearch {
  readonly status?: string
  /** Id of an agent. */
  readonly agent?: string
  /** From 1; absent on the first page. */
  readonly page?: number
}

const executions = createRoute({
  getParentRoute: () => inside,
  path: '/executions',
  validateSearch: (search: Record<string, unknown>): ExecutionSearch => {
    const [status, agent, page] = [scalar(search.status), scalar(search.agent), Number(search.page)]
    return {
      ...(status ? { status } : {}),
      ...(agent ? { agent } : {}),
      ...(Number.isInteger(page) && page > 1 ? { page } : {}),
    }
  },
  component: lazily(() => import('./page.tsx').then((page) => page.ExecutionsPage)),
})

const execution = createRoute({
  getParentRoute: () => inside,
  path: '/executions/$id',
  /** `item`: which of the timeline is open, by its number. `file`: which file of its workspace is. */
  validateSearch: (search: Record<string, unknown>): { item?: number; file?: string } => {
    const file = scalar(search.file)
    return {
      ...(Number.isInteger(search.item) ? { item: search.item as number } : {}),
      ...(file ? { file } : {}),
    }
  },
  component: lazily(() => import('./detail.tsx').then((page) => page.ExecutionPage)),
})

export const parts: PageParts = {
  inside: { executions, execution },
  place: { to: '/executions', label: 'Executions', icon: Play, group: 'run', order: 1, key: 'x' },
  // What waits for a person changes how an execution stands.
  refreshes: { executions: ['approval_created', 'approval_decided', 'approval_timeout'] },
}

declare module '../../app/page-parts.ts' {
  interface InsideRoutes {
    executions: typeof executions
    execution: typeof execution
  }
}
