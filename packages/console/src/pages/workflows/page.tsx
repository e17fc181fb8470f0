import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { Workflow as Icon } from 'lucide-react'
import { useRef } from 'react'
import { useListKeys } from '../../app/list-keys.ts'
import { useRefusal } from '../../app/permission.ts'
import { Badge } from '../../ui/badge.tsx'
import { buttonClass } from '../../ui/button.tsx'
import { FilterMenu } from '../../ui/menu.tsx'
import { Card, Page } from '../../ui/page.tsx'
import { Pager } from '../../ui/pager.tsx'
import { plural } from '../../ui/plural.ts'
import { Empty, Failure, SkeletonRows } from '../../ui/states.tsx'
import { TabPanel, Tabs } from '../../ui/tabs.tsx'
import { visible } from '../../ui/visible.ts'
import { When } from '../../ui/when.tsx'
import { Withheld } from '../../ui/withheld.tsx'
import { statusLabel } from '../executions/shared/status.tsx'
import { RUN_STATUSES, type Workflow, workflowQueries } from './queries.ts'
import { RunRow } from './run-row.tsx'

/** Workflows, and their runs. */
export function WorkflowsPage() {
  const { tab = 'workflows' } = useSearch({ from: '/inside/workflows' })
  const navigate = useNavigate({ from: '/workflows' })
  const refusal = useRefusal('work')
  const within = useRef<HTMLDivElement>(null)
  useListKeys(within, 'Workflows')
  return (
    <Page
      title="Workflows"
      lead="States that agents, commands and people work off one after the other."
      actions={
        refusal === null ? (
          <Link to="/workflows/new" className={buttonClass('primary')}>
            Register a workflow
          </Link>
        ) : (
          <Withheld why={refusal} className="max-w-xs" />
        )
      }
    >
      <div ref={within}>
        <Tabs<'workflows' | 'runs'>
          label="Workflows and runs"
          value={tab}
          onChange={(next) => void navigate({ search: next === 'runs' ? { tab: 'runs' } : {} })}
          tabs={[
            { value: 'workflows', label: 'Workflows' },
            { value: 'runs', label: 'Runs' },
          ]}
        >
          <TabPanel value="workflows">
            <Workflows />
          </TabPanel>
          <TabPanel value="runs">
            <Runs />
          </TabPanel>
        </Tabs>
      </div>
    </Page>
  )
}

function Workflows() {
  const workflows = useQuery(workflowQueries.all())
  return (
    <Card className="overflow-hidden">
      {workflows.isPending ? (
        <SkeletonRows rows={5} />
      ) : workflows.isError && !workflows.data ? (
        <Failure error={workflows.error} retry={() => void workflows.refetch()} />
      ) : workflows.data.length > 0 ? (
        <ul aria-label="Workflows" className="divide-y">
          {workflows.data.map((workflow) => (
            <Row key={workflow.id} workflow={workflow} />
          ))}
        </ul>
      ) : (
        <Empty icon={Icon} title="No workflow is registered" command="npx lictor workflow deploy workflow.yaml">
          A manifest names states and the ways between them. Register one here, or:
        </Empty>
      )}
    </Card>
  )
}

function Row({ workflow }: { workflow: Workflow }) {
  return (
    <li>
      <Link
        to="/workflows/$id"
        params={{ id: workflow.id }}
        data-row
        className="grid min-h-13 items-center gap-x-4 gap-y-1 px-4 py-2 hover:bg-hover focus-visible:-outline-offset-2 sm:grid-cols-[minmax(0,1fr)_6rem_6rem]"
      >
        <span className="min-w-0">
          <span className="flex min-w-0 flex-wrap items-center gap-x-2">
            <span className="min-w-0 truncate font-medium">{visible(workflow.name)}</span>
            <span className="text-faint text-xs">v{workflow.version}</span>
            {workflow.scope === 'global' && <Badge>every tenant</Badge>}
          </span>
          <span className="block truncate text-muted text-sm">{visible(workflow.description ?? '')}</span>
        </span>
        <span className="tabular text-muted text-xs">{plural(workflow.execution_count, 'run')}</span>
        <span className="text-muted text-xs max-sm:hidden">
          <When at={workflow.updated_at} />
        </span>
      </Link>
    </li>
  )
}

function Runs() {
  const { status, page = 1 } = useSearch({ from: '/inside/workflows' })
  const navigate = useNavigate({ from: '/workflows' })
  const runs = useQuery(workflowQueries.runs({ status }, page - 1))
  return (
    <>
      <div className="mb-3 flex">
        <FilterMenu
          label="Status"
          value={status}
          onChange={(next) => void navigate({ search: { tab: 'runs', ...(next ? { status: next } : {}) } })}
          options={RUN_STATUSES.map((value) => ({ value, label: statusLabel(value) }))}
        />
      </div>
      <Card className="overflow-hidden">
        {runs.isPending ? (
          <SkeletonRows rows={8} />
        ) : runs.isError && !runs.data ? (
          <Failure error={runs.error} retry={() => void runs.refetch()} />
        ) : runs.data.rows.length > 0 ? (
          <ul aria-label="Runs, newest first" className="divide-y">
            {runs.data.rows.map((run) => (
              <RunRow key={run.id} run={run} />
            ))}
          </ul>
        ) : (
          <Empty icon={Icon} title={status || page > 1 ? 'No run matches' : 'No workflow has run yet'} />
        )}
      </Card>
      <Pager
        page={page}
        hasMore={runs.data?.hasMore ?? false}
        onPage={(next) =>
          void navigate({
            search: { tab: 'runs', ...(status ? { status } : {}), ...(next > 1 ? { page: next } : {}) },
          })
        }
      />
    </>
  )
}
