import { createRoute } from '@tanstack/react-router'
import { Workflow } from 'lucide-react'
import { inside } from '../../app/inside.ts'
import type { PageParts } from '../../app/page-parts.ts'
import { scalar } from '../../app/search.ts'
import { lazily } from '../../ui/lazy.tsx'

export interface WorkflowsSearch {
  readonly tab?: 'runs'
  /** Of runs. */
  readonly status?: string
  /** From 1; absent on the first page. */
  readonly page?: number
}

const workflows = createRoute({
  getParentRoute: () => inside,
  path: '/workflows',
  validateSearch: (search: Record<string, unknown>): WorkflowsSearch => {
    const [status, page] = [scalar(search.status), Number(search.page)]
    return {
      ...(search.tab === 'runs' ? { tab: 'runs' } : {}),
      ...(status ? { status } : {}),
      ...(Number.isInteger(page) && page > 1 ? { page } : {}),
    }
  },
  component: lazily(() => import('./page.tsx').then((page) => page.WorkflowsPage)),
})

const newWorkflow = createRoute({
  getParentRoute: () => inside,
  path: '/workflows/new',
  /** `from`: id of the workflow whose manifest is begun with. */
  validateSearch: (search: Record<string, unknown>): { from?: string } => {
    const from = scalar(search.from)
    return from ? { from } : {}
  },
  component: lazily(() => import('./register.tsx').then((page) => page.RegisterWorkflowPage)),
})

export const WORKFLOW_TABS = ['graph', 'manifest', 'versions'] as const
export type WorkflowTab = (typeof WORKFLOW_TABS)[number]

const workflow = createRoute({
  getParentRoute: () => inside,
  /** By its id: a workflow may be called `new`. */
  path: '/workflows/$id',
  validateSearch: (search: Record<string, unknown>): { tab?: WorkflowTab; run?: true } => {
    const tab = WORKFLOW_TABS.find((one) => one === search.tab)
    return { ...(tab && tab !== 'graph' ? { tab } : {}), ...(search.run ? { run: true } : {}) }
  },
  component: lazily(() => import('./detail.tsx').then((page) => page.WorkflowPage)),
})

const workflowRun = createRoute({
  getParentRoute: () => inside,
  path: '/workflow-runs/$id',
  /** `item`: which line of the log is open, by its number. */
  validateSearch: (search: Record<string, unknown>): { item?: number } =>
    Number.isInteger(search.item) ? { item: search.item as number } : {},
  component: lazily(() => import('./run.tsx').then((page) => page.WorkflowRunPage)),
})

export const parts: PageParts = {
  inside: { workflows, newWorkflow, workflow, workflowRun },
  place: { to: '/workflows', label: 'Workflows', icon: Workflow, group: 'run', order: 3, key: 'w' },
  // A person's answer lets a run go on.
  refreshes: { 'workflow-runs': ['approval_created', 'approval_decided', 'approval_timeout'] },
}

declare module '../../app/page-parts.ts' {
  interface InsideRoutes {
    workflows: typeof workflows
    newWorkflow: typeof newWorkflow
    workflow: typeof workflow
    workflowRun: typeof workflowRun
  }
}
