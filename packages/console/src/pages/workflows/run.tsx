import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { Ban, ChevronRight } from 'lucide-react'
import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react'
import { useListKeys } from '../../app/list-keys.ts'
import { useRefusal } from '../../app/permission.ts'
import { useShortcuts } from '../../app/shortcuts.tsx'
import { type Journal, type JournalEvent, useJournal } from '../../live/journal.ts'
import { BackLink } from '../../ui/back-link.tsx'
import { Button } from '../../ui/button.tsx'
import { cn } from '../../ui/cn.ts'
import { Confirm } from '../../ui/dialog.tsx'
import { elapsed } from '../../ui/elapsed.ts'
import { Facts } from '../../ui/facts.tsx'
import { Field } from '../../ui/field.tsx'
import { Json } from '../../ui/json.tsx'
import { Kbd } from '../../ui/kbd.tsx'
import { Card, CardHeading, Page } from '../../ui/page.tsx'
import { Failure, messageOf, SkeletonRows } from '../../ui/states.tsx'
import { useNow } from '../../ui/ticker.ts'
import { useToasts } from '../../ui/toasts.tsx'
import { visible } from '../../ui/visible.ts'
import { When } from '../../ui/when.tsx'
import { Withheld } from '../../ui/withheld.tsx'
import { StatusBadge } from '../executions/shared/status.tsx'
import { graphOf, isLastOfRun, standingsOf } from './graph-model.ts'
import { LazyGraph } from './lazy-graph.tsx'
import { answerRun, cancelRun, type WorkflowRunDetail, workflowQueries } from './queries.ts'

/** One run of a workflow: where it is in the graph, what has happened, what it asks a person. */
export function WorkflowRunPage() {
  const { id } = useParams({ from: '/inside/workflow-runs/$id' })
  const run = useQuery(workflowQueries.run(id))
  const journal = useJournal(`/v1/workflows/executions/${encodeURIComponent(id)}/logs/stream`, isLastOfRun)
  const client = useQueryClient()
  const { length } = journal.events
  useEffect(() => {
    if (length > 0) void client.invalidateQueries({ queryKey: workflowQueries.run(id).queryKey })
  }, [client, id, length])
  if (run.data) return <Shown run={run.data} journal={journal} />
  return (
    <Page title="Run of a workflow" lead={<Back />}>
      <Card>
        {run.isError ? <Failure error={run.error} retry={() => void run.refetch()} /> : <SkeletonRows rows={6} />}
      </Card>
    </Page>
  )
}

function Back() {
  return (
    <BackLink to="/workflows" search={{ tab: 'runs' }}>
      All runs
    </BackLink>
  )
}

function Shown({ run, journal }: { run: WorkflowRunDetail; journal: Journal }) {
  const { item } = useSearch({ from: '/inside/workflow-runs/$id' })
  const navigate = useNavigate({ from: '/workflow-runs/$id' })
  const workflow = useQuery({ ...workflowQueries.one(run.workflow_id), retry: false })
  const [isCancelling, setCancelling] = useState(false)
  const refusal = useRefusal('work')
  const within = useRef<HTMLDivElement>(null)
  useListKeys(within, 'Run')
  const isGoing = run.status === 'running'
  const standings = useMemo(() => standingsOf(journal.events), [journal.events])
  const open = (key: number | undefined) =>
    void navigate({ search: key === undefined ? {} : { item: key }, replace: item !== undefined, resetScroll: false })
  useShortcuts([
    {
      keys: 'Escape',
      label: 'Close, or back to the list',
      group: 'Run',
      run: () => (item === undefined ? void navigate({ to: '/workflows', search: { tab: 'runs' } }) : open(undefined)),
    },
    ...(refusal === null && isGoing
      ? [{ keys: 'x', label: 'Cancel it', group: 'Run', run: () => setCancelling(true) }]
      : []),
  ])
  const here = [...standings].find(([, standing]) => standing === 'current')?.[0]
  const waitsFor = graphOf(workflow.data?.definition).nodes.find(({ id, kind }) => id === here && kind === 'Human')
  const begunWith = versionOf(run)
  return (
    <Page
      title={visible(run.workflow_name)}
      lead={
        <span className="mt-1 flex flex-wrap items-center gap-x-3 gap-y-1">
          <Back />
          <StatusBadge status={run.status} waitingFor={isGoing && waitsFor ? 'person' : null} />
        </span>
      }
      actions={
        refusal !== null ? (
          <Withheld why={refusal} className="max-w-xs" />
        ) : isGoing ? (
          <Button onClick={() => setCancelling(true)}>
            <Ban aria-hidden /> Cancel <Kbd keys="x" />
          </Button>
        ) : undefined
      }
    >
      <div ref={within} className="grid gap-4 lg:grid-cols-[minmax(0,1fr)_22rem]">
        <div className="flex min-w-0 flex-col gap-4">
          {run.summary && (
            <p role="status" className="break-words rounded-xl border bg-surface px-4 py-3 text-sm">
              {visible(run.summary)}
            </p>
          )}
          {isGoing && waitsFor && refusal === null && <Answer run={run} state={waitsFor.id} />}
          <Card aria-labelledby="graph" className="min-w-0 overflow-hidden">
            <CardHeading
              id="graph"
              aside={
                workflow.data && begunWith && begunWith !== workflow.data.version ? (
                  <span className="text-ask text-xs">
                    drawn as of v{workflow.data.version}; it began with v{begunWith}
                  </span>
                ) : undefined
              }
            >
              Graph
            </CardHeading>
            {workflow.data ? (
              <LazyGraph definition={workflow.data.definition} standings={standings} />
            ) : workflow.isError ? (
              <p className="px-4 py-8 text-center text-muted">The workflow is gone; its log stays.</p>
            ) : (
              <SkeletonRows rows={4} />
            )}
          </Card>
          <Card aria-labelledby="log" className="min-w-0 overflow-hidden">
            <CardHeading id="log" aside={<Liveness journal={journal} />}>
              Log
            </CardHeading>
            {journal.error ? (
              <Failure error={journal.error} />
            ) : (
              <ol aria-label="What happened, in order" className="divide-y">
                {journal.events.map((event) => (
                  <Line
                    key={event.sequence}
                    event={event}
                    start={Date.parse(run.started_at)}
                    isOpen={event.sequence === item}
                    onOpen={open}
                  />
                ))}
              </ol>
            )}
          </Card>
        </div>
        <div className="flex min-w-0 flex-col gap-4">
          <Card aria-label="Summary">
            <Facts
              className="gap-x-4 gap-y-1.5 text-sm max-sm:grid-cols-[auto_minmax(0,1fr)] sm:grid-cols-[auto_minmax(0,1fr)]"
              facts={[
                [
                  'Workflow',
                  <Link
                    key="workflow"
                    to="/workflows/$id"
                    params={{ id: run.workflow_id }}
                    className="underline underline-offset-2"
                  >
                    {visible(run.workflow_name)}
                  </Link>,
                ],
                ...(run.current_state ? [[isGoing ? 'Is in' : 'Was in', visible(run.current_state)] as const] : []),
                ['Started', <When key="at" at={run.started_at} />],
                ['Took', <Took key="took" run={run} />],
                [
                  'Id',
                  <code key="id" className="break-all font-mono text-xs">
                    {run.id}
                  </code>,
                ],
              ]}
            />
          </Card>
          <Value title="Result" value={run.final_output} />
          <Value title="Input" value={run.input} />
          <Value title="Outputs of states" value={run.state_outputs} />
        </div>
      </div>
      <CancelDialog run={run} open={isCancelling} onClose={() => setCancelling(false)} />
    </Page>
  )
}

function versionOf({ blackboard }: WorkflowRunDetail): string | null {
  const { workflow } = (blackboard ?? {}) as { readonly workflow?: { readonly version?: unknown } }
  return typeof workflow?.version === 'string' ? workflow.version : null
}

function Value({ title, value }: { title: string; value: unknown }) {
  if (value === null || value === undefined || (typeof value === 'object' && Object.keys(value).length === 0))
    return null
  return (
    <Card aria-label={title} className="p-4">
      <h2 className="mb-2 font-semibold text-sm">{title}</h2>
      <Json value={value} what={title.toLowerCase()} />
    </Card>
  )
}

function Took({ run }: { run: WorkflowRunDetail }) {
  const now = useNow()
  return (
    <span className="tabular">
      {elapsed((run.ended_at ? Date.parse(run.ended_at) : now) - Date.parse(run.started_at))}
    </span>
  )
}

function Liveness({ journal }: { journal: Journal }) {
  const words = { reading: '', live: 'Live', away: 'Connecting…', ended: 'Ended' }
  return (
    <span role="status" className="flex items-center gap-1.5 text-muted text-xs">
      {journal.state === 'live' && <span aria-hidden className="size-2 rounded-full bg-allow" />}
      {words[journal.state]}
    </span>
  )
}

interface LineProps {
  readonly event: JournalEvent
  readonly start: number
  readonly isOpen: boolean
  readonly onOpen: (key: number | undefined) => void
}

function Line({ event, start, isOpen, onOpen }: LineProps) {
  return (
    <li className="[contain-intrinsic-size:auto_44px] [content-visibility:auto]">
      <button
        type="button"
        data-row
        aria-expanded={isOpen}
        onClick={() => onOpen(isOpen ? undefined : event.sequence)}
        className="flex w-full items-start gap-3 px-4 py-2.5 text-left hover:bg-hover focus-visible:-outline-offset-2"
      >
        <span className={cn('min-w-0 flex-1 break-words text-sm', /Failed$/.test(event.type) && 'text-deny')}>
          {visible(typeof event.message === 'string' ? event.message : event.type)}
        </span>
        <span className="tabular shrink-0 text-faint text-xs">+{elapsed(Date.parse(event.timestamp) - start)}</span>
        <ChevronRight
          aria-hidden
          className={cn('mt-0.5 size-4 shrink-0 text-faint transition-transform', isOpen && 'rotate-90')}
        />
      </button>
      {isOpen && <div className="px-4 pb-4">{detailOf(event)}</div>}
    </li>
  )
}

const detailOf = (event: JournalEvent): ReactNode => {
  const { details } = event
  const child =
    typeof details === 'object' && details !== null
      ? (Object.values(details).find(
          (part) => typeof part === 'object' && part !== null && 'child_execution_id' in part,
        ) as { readonly child_execution_id?: unknown } | undefined)
      : undefined
  return (
    <>
      {typeof child?.child_execution_id === 'string' && (
        <p className="mb-2 text-sm">
          <Link to="/executions/$id" params={{ id: child.child_execution_id }} className="underline underline-offset-2">
            The agent’s execution
          </Link>
        </p>
      )}
      <Json value={details ?? event} what="entry" />
    </>
  )
}

/** What a Human state asks is in the inbox, too; whoever is first answers. */
function Answer({ run, state }: { run: WorkflowRunDetail; state: string }) {
  const [text, setText] = useState({ response: '', feedback: '' })
  const client = useQueryClient()
  const toasts = useToasts()
  const answer = useMutation({
    mutationFn: (response: string) => answerRun(run.id, { response, feedback: text.feedback.trim() || null }),
    onSuccess: (_answer, response) => {
      setText({ response: '', feedback: '' })
      void client.invalidateQueries({ queryKey: ['workflow-runs'] })
      toasts.done(`Answered: ${response}`)
    },
  })
  const own = text.response.trim()
  return (
    <Card aria-labelledby="asks">
      <CardHeading
        id="asks"
        aside={
          <Link to="/approvals" className="text-muted text-sm hover:text-ink">
            In the inbox
          </Link>
        }
      >
        {visible(state)} waits for a person
      </CardHeading>
      <form
        className="grid gap-x-4 p-4 sm:grid-cols-2"
        onSubmit={(event) => {
          event.preventDefault()
          if (own && !answer.isPending) answer.mutate(own)
        }}
      >
        <Field
          label="Another answer"
          hint="Where the workflow knows more than yes and no"
          value={text.response}
          onChange={({ target }) => setText((now) => ({ ...now, response: target.value }))}
        />
        <Field
          label="Feedback"
          hint="Read by the states that follow"
          value={text.feedback}
          onChange={({ target }) => setText((now) => ({ ...now, feedback: target.value }))}
        />
        <p role="alert" className="min-h-5 break-words text-deny text-sm sm:col-span-2">
          {answer.isError ? messageOf(answer.error) : null}
        </p>
        <div className="flex flex-wrap justify-end gap-2 sm:col-span-2">
          {own ? (
            <Button variant="primary" type="submit" busy={answer.isPending}>
              Answer
            </Button>
          ) : (
            <>
              <Button busy={answer.isPending} onClick={() => answer.mutate('rejected')}>
                Reject
              </Button>
              <Button variant="primary" busy={answer.isPending} onClick={() => answer.mutate('approved')}>
                Approve
              </Button>
            </>
          )}
        </div>
      </form>
    </Card>
  )
}

function CancelDialog({ run, open, onClose }: { run: WorkflowRunDetail; open: boolean; onClose: () => void }) {
  const client = useQueryClient()
  const toasts = useToasts()
  const cancel = useMutation({
    mutationFn: () => cancelRun(run.id),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ['workflow-runs'] })
      toasts.done('Cancelled')
      onClose()
    },
  })
  return (
    <Confirm
      open={open}
      onOpenChange={(isOpen) => isOpen || onClose()}
      title={`Cancel this run of ${run.workflow_name}?`}
      description="What it is doing is ended. It cannot go on afterwards."
      action="Cancel the run"
      busy={cancel.isPending}
      error={cancel.isError ? messageOf(cancel.error) : null}
      onConfirm={() => cancel.mutate()}
    />
  )
}
