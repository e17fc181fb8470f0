import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { FilePen, Filter, FlaskConical, Link2 } from 'lucide-react'
import { type ReactNode, Suspense, useState } from 'react'
import { payloadText } from '../../api/payload.ts'
import type { AuditEvent } from '../../api/types.ts'
import { Arguments } from '../../ui/arguments.tsx'
import { EnvironmentTag, VerdictBadge } from '../../ui/badge.tsx'
import { buttonClass } from '../../ui/button.tsx'
import { CopyButton } from '../../ui/copy.tsx'
import { Json } from '../../ui/json.tsx'
import { lazily } from '../../ui/lazy.tsx'
import { Skeleton } from '../../ui/states.tsx'
import { visible } from '../../ui/visible.ts'
import { Evaluated } from './evaluated.tsx'
import { eventQueries } from './queries.ts'
import type { EventSearch } from './search.ts'

const WhyPanel = lazily(() => import('./why-panel.tsx').then((file) => file.WhyPanel))

interface DetailProps {
  readonly event: AuditEvent
  readonly onFilter: (change: Partial<EventSearch>) => void
}

/** One event in full: what was decided and why, the arguments, the contracts that were asked, the raw record. */
export function Detail({ event: listed, onFilter }: DetailProps) {
  // A list shortens large values; what one reads is whole.
  const whole = useQuery({ ...eventQueries.one(listed.id), enabled: listed.payload_shortened })
  const event = whole.data ?? listed
  const payload = event.payload ?? {}
  const text = (field: string) => visible(payloadText(event, field) ?? '')
  const contract = text('decision_name')
  const link = `${location.origin}${location.pathname}?${new URLSearchParams({ event: event.id, ts: event.timestamp })}`
  return (
    <article className="flex flex-col gap-4">
      <header>
        <div className="flex items-center justify-between gap-2">
          <VerdictBadge verdict={event.verdict} />
          <span className="flex items-center gap-1 text-faint text-xs">
            <Link
              to="/contracts/new"
              search={{ event: event.id }}
              className={buttonClass('quiet', 'sm')}
              title="Make a contract from this call"
            >
              <FilePen aria-hidden /> Contract
            </Link>
            <Link
              to="/playground"
              search={{ event: event.id }}
              className={buttonClass('quiet', 'sm')}
              title="Try this call in the playground"
            >
              <FlaskConical aria-hidden /> Try
            </Link>
            <Link2 className="size-3.5" aria-hidden />
            <CopyButton text={link} what="link to this event" />
          </span>
        </div>
        <h2 className="mt-2 break-all font-mono font-semibold text-lg max-lg:sr-only">{visible(event.tool_name)}</h2>
        {text('reason') && <p className="mt-1 text-pretty">{text('reason')}</p>}
      </header>
      <dl className="grid grid-cols-[6.5rem_minmax(0,1fr)] gap-x-3 gap-y-1 text-sm">
        <Fact name="Agent" onFilter={() => onFilter({ agent_id: event.agent_id })}>
          {visible(event.agent_id)}
        </Fact>
        <Fact name="Tool" onFilter={() => onFilter({ tool_name: event.tool_name })}>
          <span className="font-mono">{visible(event.tool_name)}</span>
        </Fact>
        <Fact name="Contract" onFilter={contract ? () => onFilter({ contract }) : undefined}>
          {contract}
        </Fact>
        <Fact name="Decided by">{text('decision_source')}</Fact>
        <Fact name="Mode">{event.mode}</Fact>
        <Fact
          name="Environment"
          onFilter={text('environment') ? () => onFilter({ env: text('environment') }) : undefined}
        >
          {text('environment') && <EnvironmentTag env={text('environment')} />}
        </Fact>
        <Fact name="Bundle">
          {(text('bundle_name') || text('policy_version')) && (
            <>
              {text('bundle_name')}
              {text('policy_version') && (
                <code className="ml-2 font-mono text-faint text-xs">{text('policy_version').slice(0, 12)}</code>
              )}
            </>
          )}
        </Fact>
        <Fact name="Side effect">{text('side_effect')}</Fact>
        <Fact name="Time">
          <time dateTime={event.timestamp}>
            {new Date(event.timestamp).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'long' })}
          </time>
        </Fact>
        <Fact name="Call" onFilter={() => onFilter({ search: event.call_id })}>
          <span className="break-all font-mono text-xs">{event.call_id}</span>
        </Fact>
      </dl>
      {isRecord(payload.tool_args) && Object.keys(payload.tool_args).length > 0 ? (
        <Arguments key={event.id} value={payload.tool_args} />
      ) : (
        <Section title="Arguments" value={payload.tool_args} />
      )}
      <Section title="Principal" value={payload.principal} />
      <Evaluated value={payload.contracts_evaluated} />
      <Why key={`why ${event.id}`} event={event} />
      <details>
        <summary className="cursor-pointer font-medium text-muted text-sm">Raw record</summary>
        <Json value={event} what="record" className="mt-1.5" />
      </details>
    </article>
  )
}

/** Worked out only when somebody asks. */
function Why({ event }: { event: AuditEvent }) {
  const [isOpen, setOpen] = useState(false)
  return (
    <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary className="cursor-pointer font-medium text-muted text-sm">Why</summary>
      <div className="mt-1.5">
        {isOpen && (
          <Suspense fallback={<Skeleton className="h-4 w-40" />}>
            <WhyPanel event={event} />
          </Suspense>
        )}
      </div>
    </details>
  )
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function Section({ title, value }: { title: string; value: unknown }) {
  if (value === null || value === undefined) return null
  return (
    <section>
      <h3 className="mb-1.5 font-medium text-sm">{title}</h3>
      <Json value={value} what={title.toLowerCase()} />
    </section>
  )
}

function Fact({
  name,
  children,
  onFilter,
}: {
  name: string
  children: ReactNode
  onFilter?: (() => void) | undefined
}) {
  if (!children) return null
  return (
    <div className="group contents">
      <dt className="text-muted">{name}</dt>
      <dd className="flex min-w-0 items-start justify-between gap-2">
        <span className="min-w-0 break-words">{children}</span>
        {onFilter && (
          <button
            type="button"
            onClick={onFilter}
            aria-label={`Show only events with this ${name.toLowerCase()}`}
            className="shrink-0 rounded p-0.5 text-faint opacity-0 hover:text-ink focus-visible:opacity-100 group-hover:opacity-100 [@media(hover:none)]:opacity-100"
          >
            <Filter className="size-3.5" aria-hidden />
          </button>
        )}
      </dd>
    </div>
  )
}
