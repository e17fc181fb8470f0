import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { Suspense, useRef, useState } from 'react'
import { useListKeys } from '../../app/list-keys.ts'
import { useRefusal } from '../../app/permission.ts'
import { useShortcuts } from '../../app/shortcuts.tsx'
import { BackLink } from '../../ui/back-link.tsx'
import { buttonClass } from '../../ui/button.tsx'
import { Confirm } from '../../ui/dialog.tsx'
import { lazily } from '../../ui/lazy.tsx'
import { Card, CardHeading, Page } from '../../ui/page.tsx'
import { Failure, messageOf, SkeletonRows } from '../../ui/states.tsx'
import { TabPanel, Tabs } from '../../ui/tabs.tsx'
import { useToasts } from '../../ui/toasts.tsx'
import { visible } from '../../ui/visible.ts'
import { When } from '../../ui/when.tsx'
import { ManifestActions, ManifestText } from '../managed-agents/shared/manifest-parts.tsx'
import { LazyGraph } from './lazy-graph.tsx'
import { removeWorkflow, startWorkflow, type WorkflowDetail, workflowQueries } from './queries.ts'
import { WORKFLOW_TABS, type WorkflowTab } from './route.ts'
import { RunRow } from './run-row.tsx'

const RunDialog = lazily(() => import('../executions/shared/run-dialog.tsx').then((file) => file.default))
const LABELS: Readonly<Record<WorkflowTab, string>> = { graph: 'Graph', manifest: 'Manifest', versions: 'Versions' }
/** Runs shown beside the graph. */
const SHOWN = 8

/** One workflow: its graph, its latest runs, its manifest and versions. */
export function WorkflowPage() {
  const { id } = useParams({ from: '/inside/workflows/$id' })
  const workflow = useQuery(workflowQueries.one(id))
  if (workflow.data) return <Shown workflow={workflow.data} />
  return (
    <Page title="Workflow" lead={<Back />}>
      <Card>
        {workflow.isError ? (
          <Failure error={workflow.error} retry={() => void workflow.refetch()} />
        ) : (
          <SkeletonRows rows={6} />
        )}
      </Card>
    </Page>
  )
}

function Back() {
  return <BackLink to="/workflows">All workflows</BackLink>
}

function Shown({ workflow }: { workflow: WorkflowDetail }) {
  const { tab = 'graph', run = false } = useSearch({ from: '/inside/workflows/$id' })
  const navigate = useNavigate({ from: '/workflows/$id' })
  const client = useQueryClient()
  const [isRemoving, setRemoving] = useState(false)
  const refusal = useRefusal('work')
  const within = useRef<HTMLDivElement>(null)
  useListKeys(within, 'Workflow')
  const setRun = (open: boolean) =>
    void navigate({ search: ({ run: _run, ...now }) => (open ? { ...now, run: true } : now), replace: !open })
  useShortcuts([
    { keys: 'Escape', label: 'Back to the list', group: 'Workflow', run: () => void navigate({ to: '/workflows' }) },
    ...(refusal === null ? [{ keys: 'r', label: 'Run it', group: 'Workflow', run: () => setRun(true) }] : []),
  ])
  return (
    <Page
      title={visible(workflow.name)}
      lead={<Back />}
      actions={
        <ManifestActions
          noun="workflow"
          refusal={refusal}
          newVersion={
            <Link to="/workflows/new" search={{ from: workflow.id }} className={buttonClass()}>
              New version
            </Link>
          }
          onRemove={() => setRemoving(true)}
          onRun={() => setRun(true)}
        />
      }
    >
      <div ref={within}>
        <Tabs<WorkflowTab>
          label="Of this workflow"
          value={tab}
          onChange={(next) => void navigate({ search: next === 'graph' ? {} : { tab: next } })}
          tabs={WORKFLOW_TABS.map((value) => ({ value, label: LABELS[value] }))}
        >
          <TabPanel value="graph" className="grid gap-4 lg:grid-cols-[minmax(0,1fr)_20rem]">
            <Card aria-labelledby="graph" className="min-w-0 overflow-hidden">
              <CardHeading id="graph" aside={<span className="text-muted text-xs">v{workflow.version}</span>}>
                Graph
              </CardHeading>
              <LazyGraph definition={workflow.definition} />
            </Card>
            <LatestRuns workflow={workflow} />
          </TabPanel>
          <TabPanel value="manifest">
            <ManifestText yaml={workflow.manifest_yaml} />
          </TabPanel>
          <TabPanel value="versions">
            <Versions workflow={workflow} />
          </TabPanel>
        </Tabs>
      </div>
      <Suspense fallback={null}>
        {run && refusal === null && (
          <RunDialog
            name={workflow.name}
            draft={`run workflow ${workflow.id}`}
            {...(workflow.input_schema ? { inputSchema: workflow.input_schema } : {})}
            onStart={async (given) => {
              const { execution_id } = await startWorkflow(workflow.id, given)
              void client.invalidateQueries({ queryKey: ['workflow-runs'] })
              setRun(false)
              void navigate({ to: '/workflow-runs/$id', params: { id: execution_id } })
            }}
            onClose={() => setRun(false)}
          />
        )}
      </Suspense>
      <RemoveDialog workflow={workflow} open={isRemoving} onClose={() => setRemoving(false)} />
    </Page>
  )
}

function LatestRuns({ workflow }: { workflow: WorkflowDetail }) {
  const runs = useQuery(workflowQueries.runs({ workflow: workflow.id }, 0, SHOWN))
  return (
    <Card aria-labelledby="runs" className="min-w-0 self-start overflow-hidden">
      <CardHeading id="runs">Latest runs</CardHeading>
      {runs.isPending ? (
        <SkeletonRows rows={4} />
      ) : runs.isError && !runs.data ? (
        <Failure error={runs.error} retry={() => void runs.refetch()} className="py-6" />
      ) : runs.data.rows.length === 0 ? (
        <p className="px-4 py-8 text-center text-muted">It has not run yet.</p>
      ) : (
        <ul className="divide-y">
          {runs.data.rows.map((run) => (
            <RunRow key={run.id} run={run} />
          ))}
        </ul>
      )}
    </Card>
  )
}

function Versions({ workflow }: { workflow: WorkflowDetail }) {
  const versions = useQuery(workflowQueries.versions(workflow.id))
  return (
    <Card className="overflow-hidden">
      {versions.isPending ? (
        <SkeletonRows rows={4} />
      ) : versions.isError && !versions.data ? (
        <Failure error={versions.error} retry={() => void versions.refetch()} />
      ) : (
        <ul aria-label="Versions, newest first" className="divide-y">
          {versions.data.map((one) => (
            <li key={one.id} className="flex min-h-12 items-center gap-4 px-4 py-2">
              <span className="w-20 shrink-0 truncate font-medium text-sm">v{one.version}</span>
              <span className="min-w-0 flex-1 truncate text-muted text-sm">{visible(one.description ?? '')}</span>
              <When at={one.registered_at} className="shrink-0 text-muted text-xs" />
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}

function RemoveDialog({ workflow, open, onClose }: { workflow: WorkflowDetail; open: boolean; onClose: () => void }) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const toasts = useToasts()
  const remove = useMutation({
    mutationFn: () => removeWorkflow(workflow.id),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ['workflows', 'all'] })
      toasts.done(`${workflow.name} removed`)
      void navigate({ to: '/workflows' })
    },
  })
  return (
    <Confirm
      open={open}
      onOpenChange={(isOpen) => isOpen || onClose()}
      title={`Remove ${workflow.name}?`}
      description="All its versions go, and it cannot be started any more."
      action="Remove the workflow"
      busy={remove.isPending}
      error={remove.isError ? messageOf(remove.error) : null}
      onConfirm={() => remove.mutate()}
    />
  )
}
