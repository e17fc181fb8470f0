import { Link } from '@tanstack/react-router'
import { visible } from '../../ui/visible.ts'
import { When } from '../../ui/when.tsx'
import { StatusBadge } from '../executions/shared/status.tsx'
import type { WorkflowRun } from './queries.ts'

/** A run of a workflow in one line: how it stands, and in which state. */
export function RunRow({ run }: { run: WorkflowRun }) {
  return (
    <li>
      <Link
        to="/workflow-runs/$id"
        params={{ id: run.id }}
        data-row
        className="grid min-h-12 items-center gap-x-4 gap-y-1 px-4 py-2 hover:bg-hover focus-visible:-outline-offset-2 max-sm:grid-cols-[minmax(0,1fr)_auto] sm:grid-cols-[8rem_minmax(0,1fr)_6rem]"
      >
        <StatusBadge status={run.status} />
        <span className="min-w-0 max-sm:order-first">
          <span className="block truncate font-medium text-sm">{visible(run.workflow_name)}</span>
          <span className="block truncate text-faint text-xs">
            {run.summary ? visible(run.summary) : run.current_state ? visible(run.current_state) : run.id.slice(0, 8)}
          </span>
        </span>
        <When at={run.started_at} className="text-muted text-xs max-sm:order-4" />
      </Link>
    </li>
  )
}
