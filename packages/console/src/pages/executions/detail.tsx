import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { Ban, Download, RotateCcw } from 'lucide-react'
import { type ReactNode, Suspense, useEffect, useMemo, useRef, useState } from 'react'
import { download } from '../../api/download.ts'
import { useListKeys } from '../../app/list-keys.ts'
import { useRefusal } from '../../app/permission.ts'
import { useShortcuts } from '../../app/shortcuts.tsx'
import { type Journal, useJournal } from '../../live/journal.ts'
import { BackLink } from '../../ui/back-link.tsx'
import { Button } from '../../ui/button.tsx'
import { Confirm } from '../../ui/dialog.tsx'
import { elapsed } from '../../ui/elapsed.ts'
import { Facts } from '../../ui/facts.tsx'
import { Json } from '../../ui/json.tsx'
import { Kbd } from '../../ui/kbd.tsx'
import { lazily } from '../../ui/lazy.tsx'
import { Card, CardHeading, Page } from '../../ui/page.tsx'
import { plural } from '../../ui/plural.ts'
import { Failure, messageOf, SkeletonRows } from '../../ui/states.tsx'
import { useNow } from '../../ui/ticker.ts'
import { useToasts } from '../../ui/toasts.tsx'
import { visible } from '../../ui/visible.ts'
import { When } from '../../ui/when.tsx'
import { Withheld } from '../../ui/withheld.tsx'
import { cancelExecution, type ExecutionDetail, executionQueries, filePath } from './queries.ts'
import { isUnderWay, StatusBadge } from './shared/status.tsx'
import { filesOf, type Item, isLastOfExecution, sumsOf, timelineOf } from './timeline.ts'
import { TimelineList } from './timeline-list.tsx'

const FileSheet = lazily(() => import('../volumes/shared/file-sheet.tsx').then((file) => file.default))
const RunAgent = lazily(() => import('./shared/run-agent.tsx').then((file) => file.default))

/** Events after which the execution itself stands otherwise than before. */
const CHANGES = /^(?:execution_|iteration_|approval_|child_)/

/** One run: what happens in it as it happens, what it was asked, and what came of it. */
export function ExecutionPage() {
  const { id } = useParams({ from: '/inside/executions/$id' })
  const execution = useQuery(executionQueries.one(id))
  const journal = useJournal(`/v1/executions/${encodeURIComponent(id)}/stream`, isLastOfExecution)
  const client = useQueryClient()
  const changes = journal.events.filter(({ type }) => CHANGES.test(type)).length
  const isNews = journal.state !== 'reading'
  useEffect(() => {
    if (isNews && changes > 0) void client.invalidateQueries({ queryKey: executionQueries.one(id).queryKey })
  }, [client, id, isNews, changes])
  const items = useMemo(() => timelineOf(journal.events), [journal.events])

  if (!execution.data)
    return (
      <Page title="Execution" lead={<Back />}>
        <Card>
          {execution.isError ? (
            <Failure error={execution.error} retry={() => void execution.refetch()} />
          ) : (
            <SkeletonRows rows={8} />
          )}
        </Card>
      </Page>
    )
  return <Shown execution={execution.data} journal={journal} items={items} />
}

function Back() {
  return <BackLink to="/executions">All executions</BackLink>
}

interface ShownProps {
  readonly execution: ExecutionDetail
  readonly journal: Journal
  readonly items: readonly Item[]
}

function Shown({ execution, journal, items }: ShownProps) {
  const { item } = useSearch({ from: '/inside/executions/$id' })
  const navigate = useNavigate({ from: '/executions/$id' })
  const [asks, setAsks] = useState<'nothing' | 'cancel' | 'run'>('nothing')
  const refusal = useRefusal('work')
  const within = useRef<HTMLDivElement>(null)
  useListKeys(within, 'Execution')
  const isGoing = isUnderWay(execution.status)
  // One opened item after another is one step; the first is a step of its own.
  const open = (key: number | undefined) =>
    void navigate({ search: key === undefined ? {} : { item: key }, replace: item !== undefined, resetScroll: false })
  useShortcuts([
    {
      keys: 'Escape',
      label: 'Close, or back to the list',
      group: 'Execution',
      run: () => (item === undefined ? void navigate({ to: '/executions' }) : open(undefined)),
    },
    ...(refusal === null
      ? [{ keys: 'r', label: 'Run again with changes', group: 'Execution', run: () => setAsks('run') }]
      : []),
    ...(refusal === null && isGoing
      ? [{ keys: 'x', label: 'Cancel it', group: 'Execution', run: () => setAsks('cancel') }]
      : []),
  ])
  const start = Date.parse(execution.started_at)
  return (
    <Page
      title={visible(execution.agent_name)}
      lead={
        <span className="mt-1 flex flex-wrap items-center gap-x-3 gap-y-1">
          <Back />
          <StatusBadge status={execution.status} waitingFor={execution.waiting_for} />
        </span>
      }
      actions={
        refusal === null ? (
          <>
            {isGoing && (
              <Button onClick={() => setAsks('cancel')}>
                <Ban aria-hidden /> Cancel <Kbd keys="x" />
              </Button>
            )}
            <Button variant={isGoing ? 'secondary' : 'primary'} onClick={() => setAsks('run')}>
              <RotateCcw aria-hidden /> Run again
            </Button>
          </>
        ) : (
          <Withheld why={refusal} className="max-w-xs" />
        )
      }
    >
      <div ref={within} className="grid gap-4 lg:grid-cols-[minmax(0,1fr)_20rem]">
        <div className="flex min-w-0 flex-col gap-4">
          {execution.status === 'completed' && <Result output={execution.output} />}
          {execution.error && (
            <p role="status" className="break-words rounded-xl border border-deny/40 bg-deny-soft px-4 py-3 text-sm">
              {visible(execution.error)}
            </p>
          )}
          <Card aria-labelledby="timeline" className="min-w-0 overflow-hidden">
            <CardHeading id="timeline" aside={<Liveness journal={journal} />}>
              Timeline
            </CardHeading>
            {journal.error ? (
              <Failure error={journal.error} />
            ) : items.length > 0 ? (
              <TimelineList items={items} start={start} open={item} onOpen={open} />
            ) : journal.state === 'reading' ? (
              <SkeletonRows rows={6} />
            ) : (
              <p className="px-4 py-8 text-center text-muted">
                {execution.waiting_for === 'place'
                  ? 'It waits for a place: as many run as may at once.'
                  : 'Nothing has happened yet.'}
              </p>
            )}
          </Card>
        </div>
        <div className="flex min-w-0 flex-col gap-4">
          <Summary execution={execution} items={items} />
          <Files id={execution.id} files={filesOf(items)} />
        </div>
      </div>
      <Suspense fallback={null}>
        {asks === 'run' && (
          <RunAgent
            agent={{ id: execution.agent_id, name: execution.agent_name }}
            before={{ intent: execution.intent, input: execution.input }}
            onClose={() => setAsks('nothing')}
          />
        )}
      </Suspense>
      <CancelDialog execution={execution} open={asks === 'cancel'} onClose={() => setAsks('nothing')} />
    </Page>
  )
}

function Liveness({ journal }: { journal: Journal }) {
  const words = { reading: '', live: 'Live', away: 'Connecting…', ended: plural(journal.events.length, 'event') }
  return (
    <span role="status" className="flex items-center gap-1.5 text-muted text-xs">
      {journal.state === 'live' && <span aria-hidden className="size-2 rounded-full bg-allow" />}
      {words[journal.state]}
    </span>
  )
}

function Result({ output }: { output: unknown }) {
  return (
    <Card aria-labelledby="result">
      <CardHeading id="result">Result</CardHeading>
      <div className="p-4">
        {typeof output === 'string' ? (
          <p className="max-h-96 overflow-auto whitespace-pre-wrap break-words">{visible(output) || 'Nothing.'}</p>
        ) : (
          <Json value={output} what="result" />
        )}
      </div>
    </Card>
  )
}

function Summary({ execution, items }: { execution: ExecutionDetail; items: readonly Item[] }) {
  const sums = sumsOf(items)
  const { parent_execution_id: parent, hierarchy } = execution
  const swarm = hierarchy.swarm_id
  const tokens =
    sums.inputTokens === null && sums.outputTokens === null
      ? sums.turns > 0
        ? 'not counted by the provider'
        : null
      : `${(sums.inputTokens ?? 0).toLocaleString()} in, ${(sums.outputTokens ?? 0).toLocaleString()} out`
  const agent = (
    <Link to="/managed-agents/$id" params={{ id: execution.agent_id }} className="underline underline-offset-2">
      {visible(execution.agent_name)}
    </Link>
  )
  return (
    <Card aria-label="Summary" className="p-4">
      <Facts
        className="gap-x-4 gap-y-1.5 p-0 text-sm sm:grid-cols-[auto_minmax(0,1fr)] max-sm:grid-cols-[auto_minmax(0,1fr)]"
        facts={known([
          [
            'Agent',
            <>
              {agent} <span className="text-faint">v{execution.agent_version}</span>
            </>,
          ],
          ['Started', <When key="at" at={execution.started_at} />],
          ['Took', <Took key="took" execution={execution} />],
          ['Attempts', `${execution.total_iterations} of ${execution.max_iterations}`],
          ['Model', sums.turns > 0 ? plural(sums.turns, 'turn') : null],
          ['Tokens', tokens],
          [
            'Tools',
            sums.calls > 0 ? `${plural(sums.calls, 'call')}${sums.denied > 0 ? `, ${sums.denied} denied` : ''}` : null,
          ],
          ['Context', execution.security_context_name],
          [
            'Begun by',
            parent ? (
              <Link key="parent" to="/executions/$id" params={{ id: parent }} className="font-mono text-xs underline">
                {parent.slice(0, 8)}
              </Link>
            ) : null,
          ],
          [
            'Swarm',
            swarm ? (
              <Link key="swarm" to="/swarms/$id" params={{ id: swarm }} className="font-mono text-xs underline">
                {swarm.slice(0, 8)}
              </Link>
            ) : null,
          ],
          [
            'Id',
            <code key="id" className="break-all font-mono text-xs">
              {execution.id}
            </code>,
          ],
        ])}
      />
      {execution.intent && (
        <section className="mt-4">
          <h3 className="mb-1 font-medium text-muted text-xs">Asked</h3>
          <p className="max-h-48 overflow-auto whitespace-pre-wrap break-words text-sm">{visible(execution.intent)}</p>
        </section>
      )}
      {execution.input !== null && execution.input !== undefined && (
        <section className="mt-4">
          <h3 className="mb-1 font-medium text-muted text-xs">Input</h3>
          <Json value={execution.input} what="input" />
        </section>
      )}
    </Card>
  )
}

/** Without what nothing is known of. */
const known = (facts: readonly (readonly [string, ReactNode])[]) => facts.filter(([, value]) => value !== null)

function Took({ execution }: { execution: ExecutionDetail }) {
  const now = useNow()
  const end = execution.ended_at ? Date.parse(execution.ended_at) : now
  return <span className="tabular">{elapsed(end - Date.parse(execution.started_at))}</span>
}

const WORKSPACE = /^\/workspace\//

function Files({ id, files }: { id: string; files: readonly string[] }) {
  const toasts = useToasts()
  const { file } = useSearch({ from: '/inside/executions/$id' })
  const navigate = useNavigate({ from: '/executions/$id' })
  const look = (path: string | undefined) =>
    void navigate({ search: ({ file: _file, ...now }) => (path ? { ...now, file: path } : now), resetScroll: false })
  const isOpen = file !== undefined
  if (files.length === 0 && !isOpen) return null
  const save = (path: string) => {
    const within = path.replace(WORKSPACE, '')
    download(filePath(id, within), within.split('/').at(-1) ?? 'file').catch((error: unknown) =>
      toasts.failed('The file was not saved', messageOf(error)),
    )
  }
  return (
    <Card aria-labelledby="files" className="overflow-hidden">
      <CardHeading id="files">Files written by tools</CardHeading>
      <ul className="divide-y">
        {files.map((path) => (
          <li key={path} className="flex min-h-10 items-center gap-2 py-1 pr-2 pl-4">
            <button
              type="button"
              title={path}
              onClick={() => look(path.replace(WORKSPACE, ''))}
              className="min-w-0 flex-1 truncate py-1 text-left font-mono text-xs underline-offset-2 hover:underline"
            >
              {visible(path.replace(WORKSPACE, ''))}
            </button>
            <Button variant="quiet" size="icon" aria-label={`Download ${path}`} onClick={() => save(path)}>
              <Download aria-hidden />
            </Button>
          </li>
        ))}
      </ul>
      <p className="border-t px-4 py-2 text-muted text-xs">
        They are of this run alone. What a run keeps for others is in{' '}
        <Link to="/volumes" className="underline underline-offset-2">
          volumes
        </Link>
        .
      </p>
      <Suspense fallback={null}>
        {isOpen && <FileSheet from={filePath(id, file)} path={file} onClose={() => look(undefined)} />}
      </Suspense>
    </Card>
  )
}

function CancelDialog({
  execution,
  open,
  onClose,
}: {
  execution: ExecutionDetail
  open: boolean
  onClose: () => void
}) {
  const client = useQueryClient()
  const toasts = useToasts()
  const cancel = useMutation({
    mutationFn: () => cancelExecution(execution.id),
    onSuccess: ({ status }) => {
      void client.invalidateQueries({ queryKey: ['executions'] })
      // It may have ended by itself meanwhile, and then stays as it is.
      toasts.done(status === 'cancelled' ? 'Cancelled' : `It had ended: ${status}`)
      onClose()
    },
  })
  return (
    <Confirm
      open={open}
      onOpenChange={(isOpen) => isOpen || onClose()}
      title={`Cancel this run of ${execution.agent_name}?`}
      description="What it is doing is ended, and so are the executions that it began. It cannot go on afterwards."
      action="Cancel the run"
      busy={cancel.isPending}
      error={cancel.isError ? messageOf(cancel.error) : null}
      onConfirm={() => cancel.mutate()}
    />
  )
}
