import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Webhook } from 'lucide-react'
import { Badge } from '../../ui/badge.tsx'
import { Button } from '../../ui/button.tsx'
import { Code } from '../../ui/code.tsx'
import { Sheet } from '../../ui/dialog.tsx'
import { Facts } from '../../ui/facts.tsx'
import { Json } from '../../ui/json.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { FilterMenu } from '../../ui/menu.tsx'
import { Card } from '../../ui/page.tsx'
import { Pager } from '../../ui/pager.tsx'
import { Empty } from '../../ui/states.tsx'
import type { Tone } from '../../ui/verdict.ts'
import { visible } from '../../ui/visible.ts'
import { When } from '../../ui/when.tsx'
import { type Stimulus, stimulusQueries } from './queries.ts'
import type { StimuliSearch } from './route.ts'

const OUTCOMES: Readonly<Record<string, { tone: Tone; label: string }>> = {
  received: { tone: 'observe', label: 'Finds its way' },
  classified: { tone: 'allow', label: 'Began a run' },
  rejected: { tone: 'deny', label: 'Rejected' },
  classification_failed: { tone: 'deny', label: 'No way found' },
}
const outcomeOf = (status: string) => OUTCOMES[status]?.label ?? status

function Outcome({ status }: { status: string }) {
  return <Badge tone={OUTCOMES[status]?.tone ?? 'neutral'}>{outcomeOf(status)}</Badge>
}

/** Why it began nothing; null where it did, or still may. */
const reasonOf = (one: Stimulus): string | null => one.rejection_reason ?? one.classification_error

interface ReceivedProps {
  readonly search: StimuliSearch
  readonly set: (change: StimuliSearch) => void
  readonly mayRegister: boolean
  readonly onRegister: () => void
}

export function Received({ search, set, mayRegister, onRegister }: ReceivedProps) {
  const { page = 1, status, source } = search
  const list = useQuery(stimulusQueries.list(page - 1))
  const rows = list.data?.rows ?? []
  const isFiltered = status !== undefined || source !== undefined
  const countOf = (is: (one: Stimulus) => boolean) => rows.filter(is).length
  return (
    <>
      <div className="mb-3 flex flex-wrap gap-2">
        <FilterMenu
          label="What came of it"
          value={status}
          nameOf={outcomeOf}
          onChange={(value) => set({ status: value })}
          options={Object.entries(OUTCOMES).map(([value, { label }]) => ({
            value,
            label,
            count: countOf((one) => one.status === value),
          }))}
        />
        <FilterMenu
          label="Source"
          value={source}
          onChange={(value) => set({ source: value })}
          options={[...new Set(rows.map((one) => one.source))].sort().map((value) => ({
            value,
            label: value,
            count: countOf((one) => one.source === value),
          }))}
        />
      </div>
      <Card className="overflow-hidden">
        <Loaded query={list} rows={6}>
          {({ rows: all }) => {
            const shown = all.filter((one) => (!status || one.status === status) && (!source || one.source === source))
            if (all.length === 0 && page === 1)
              return (
                <Empty
                  icon={Webhook}
                  title="Nothing came yet"
                  command="npx lictor stimulus source add shop --workflow NAME --generate"
                  {...(mayRegister ? { action: <Button onClick={onRegister}>Register a source</Button> } : {})}
                >
                  A source says which workflow the webhooks of another system begin. Register one here, or:
                </Empty>
              )
            return shown.length === 0 ? (
              <Empty icon={Webhook} title="Nothing on this page matches" />
            ) : (
              <ul aria-label="Stimuli, newest first" className="divide-y">
                {shown.map((one) => (
                  <Row key={one.id} stimulus={one} onOpen={() => set({ id: one.id })} />
                ))}
              </ul>
            )
          }}
        </Loaded>
      </Card>
      {isFiltered && (list.data?.hasMore || page > 1) && (
        <p className="mt-2 text-muted text-sm">Of those on this page; other pages may have more.</p>
      )}
      <Pager
        page={page}
        hasMore={list.data?.hasMore ?? false}
        onPage={(next) => set({ page: next > 1 ? next : undefined })}
      />
    </>
  )
}

function Row({ stimulus, onOpen }: { stimulus: Stimulus; onOpen: () => void }) {
  const reason = reasonOf(stimulus)
  return (
    <li data-row>
      <button
        type="button"
        onClick={onOpen}
        className="grid min-h-12 w-full items-center gap-x-4 gap-y-1 px-4 py-2 text-left transition-colors hover:bg-hover focus-visible:-outline-offset-2 max-sm:grid-cols-[minmax(0,1fr)_auto] sm:grid-cols-[9rem_minmax(0,1fr)_6rem]"
      >
        <span className="min-w-0">
          <Outcome status={stimulus.status} />
        </span>
        <span className="min-w-0 max-sm:order-last max-sm:col-span-2">
          <span className="block truncate text-sm">
            <span className="font-medium">{visible(stimulus.source)}</span>
            {stimulus.classification && <span className="text-muted"> began {visible(stimulus.classification)}</span>}
          </span>
          <span className="block truncate text-muted text-xs">{visible(reason ?? beginningOf(stimulus))}</span>
        </span>
        <When at={stimulus.received_at} className="text-muted text-xs" />
      </button>
    </li>
  )
}

/** Enough of what it holds to know it again. */
const beginningOf = ({ content, content_encoding }: Stimulus): string =>
  content_encoding === 'base64' ? 'no text' : content.slice(0, 200).replace(/\s+/g, ' ')

/** One that is open: what became of it and why, what it held. */
export function OpenStimulus({ id, onClose }: { id: string | undefined; onClose: () => void }) {
  const one = useQuery({ ...stimulusQueries.one(id ?? ''), enabled: id !== undefined })
  return (
    <Sheet
      open={id !== undefined}
      onOpenChange={(open) => open || onClose()}
      title={one.data ? `From ${visible(one.data.source)}` : 'Stimulus'}
      className="sm:max-w-xl"
    >
      {id !== undefined && <Loaded query={one}>{(found) => <Details stimulus={found} />}</Loaded>}
    </Sheet>
  )
}

function Details({ stimulus }: { stimulus: Stimulus }) {
  const reason = reasonOf(stimulus)
  const run = stimulus.workflow_execution_id
  const headers = Object.entries(stimulus.headers)
  return (
    <div className="flex flex-col gap-4 pt-1">
      <div className="flex flex-wrap items-center gap-3">
        <Outcome status={stimulus.status} />
        {run && (
          <Link
            to="/workflow-runs/$id"
            params={{ id: run }}
            className="text-sm underline underline-offset-2 hover:text-accent"
          >
            The run of {visible(stimulus.classification ?? 'the workflow')}
          </Link>
        )}
      </div>
      {reason && (
        <p className="break-words rounded-md border border-deny/40 bg-deny-soft px-3 py-2 text-sm">{visible(reason)}</p>
      )}
      <Facts
        className="px-0 py-0"
        facts={[
          ['Received', <When key="at" at={stimulus.received_at} />],
          ...(stimulus.routing_mode
            ? [
                [
                  'Chosen',
                  stimulus.routing_mode === 'Deterministic'
                    ? 'by the source'
                    : `by its router, sure to ${Math.round((stimulus.confidence ?? 0) * 100)} %`,
                ] as const,
              ]
            : []),
          ...(stimulus.idempotency_key
            ? [
                [
                  'Delivery key',
                  <code key="key" className="break-all font-mono text-xs">
                    {visible(stimulus.idempotency_key)}
                  </code>,
                ] as const,
              ]
            : []),
          [
            'Id',
            <code key="id" className="break-all font-mono text-xs">
              {stimulus.id}
            </code>,
          ],
        ]}
      />
      <section aria-labelledby="stimulus-content">
        <h3 id="stimulus-content" className="mb-1.5 font-semibold text-sm">
          Content{stimulus.content_encoding === 'base64' && ', in Base64'}
        </h3>
        <Content stimulus={stimulus} />
      </section>
      {headers.length > 0 && (
        <section aria-labelledby="stimulus-headers">
          <h3 id="stimulus-headers" className="mb-1.5 font-semibold text-sm">
            Headers
          </h3>
          <Code
            label="Headers"
            language="plain"
            text={headers.map(([name, value]) => `${name}: ${value}`).join('\n')}
          />
        </section>
      )}
    </div>
  )
}

/** Beyond this many characters only the beginning is drawn: nobody reads a megabyte in a panel. */
const MOST_DRAWN = 100_000

function Content({ stimulus: { content, content_encoding } }: { stimulus: Stimulus }) {
  const value = content_encoding === 'base64' || content.length > MOST_DRAWN ? undefined : structureIn(content)
  if (value !== undefined) return <Json value={value} what="content" />
  return (
    <>
      <Code text={content.slice(0, MOST_DRAWN)} language="plain" label="Content" />
      {content.length > MOST_DRAWN && (
        <p className="mt-1 text-muted text-sm">
          Its first {MOST_DRAWN.toLocaleString()} characters of {content.length.toLocaleString()}.
        </p>
      )}
    </>
  )
}

/** What JSON says; undefined for what is none. */
function structureIn(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}
