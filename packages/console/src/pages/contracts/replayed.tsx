import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { ChevronRight } from 'lucide-react'
import type { Replay } from '../../api/types.ts'
import { VerdictBadge } from '../../ui/badge.tsx'
import { Button } from '../../ui/button.tsx'
import { FilterMenu } from '../../ui/menu.tsx'
import { Card, CardHeading } from '../../ui/page.tsx'
import { plural } from '../../ui/plural.ts'
import { messageOf, Skeleton } from '../../ui/states.tsx'
import { visible } from '../../ui/visible.ts'
import { When } from '../../ui/when.tsx'
import { bundleQueries } from './queries.ts'

const SPANS = [
  { value: '1h', label: 'last hour' },
  { value: '24h', label: 'last 24 hours' },
  { value: '7d', label: 'last 7 days' },
  { value: '30d', label: 'last 30 days' },
]
const WORDS = { allow: 'allow', deny: 'deny', ask: 'pending' } as const
const counted = new Intl.NumberFormat('en')

interface ReplayedProps {
  readonly name: string
  readonly version: number
  readonly env: string
  readonly since: string
  readonly onSince: (since: string) => void
}

/** Recorded calls of the environment, judged by the version that is not deployed yet: which would end otherwise. */
export function Replayed({ name, version, env, since, onSince }: ReplayedProps) {
  const replay = useQuery(bundleQueries.replay(name, version, env, since))
  return (
    <Card aria-labelledby="replay" className="overflow-hidden">
      <CardHeading
        id="replay"
        aside={
          <FilterMenu
            label="Calls of the"
            required
            value={since}
            options={SPANS}
            onChange={(to) => onSince(to ?? '24h')}
          />
        }
      >
        Recorded calls
      </CardHeading>
      <div className="px-4 py-3" aria-live="polite">
        {replay.isPending ? (
          <Skeleton className="my-1 h-4 w-64" />
        ) : replay.isError ? (
          <div className="flex flex-wrap items-center gap-3 text-sm">
            <p className="min-w-0 text-deny">{messageOf(replay.error)}</p>
            <Button size="sm" onClick={() => void replay.refetch()}>
              Replay again
            </Button>
          </div>
        ) : (
          <Report replay={replay.data} env={env} />
        )}
      </div>
    </Card>
  )
}

function Report({ replay, env }: { replay: Replay; env: string }) {
  if (replay.calls === 0)
    return (
      <p className="text-muted text-sm">
        No call was recorded in {env} that could be judged again.
        <Skipped replay={replay} />
      </p>
    )
  return (
    <>
      <p className="text-sm">
        <strong className="tabular font-semibold text-base">
          {counted.format(replay.changed)} of {counted.format(replay.calls)} calls
        </strong>{' '}
        would change.
        <Skipped replay={replay} />
      </p>
      {replay.by_contract.length > 0 && (
        <ul className="mt-3 divide-y rounded-md border">
          {replay.by_contract.map((change) => (
            <li key={`${change.contract_id} ${change.from} ${change.to}`}>
              <Changed replay={replay} change={change} />
            </li>
          ))}
        </ul>
      )}
    </>
  )
}

function Skipped({ replay: { truncated, events, skipped } }: { replay: Replay }) {
  const words = [
    truncated && `Only the newest ${counted.format(events)} events were read.`,
    skipped.without_arguments > 0 &&
      `${plural(skipped.without_arguments, 'call')} kept no arguments and cannot be judged again.`,
    skipped.by_history > 0 && `${plural(skipped.by_history, 'denial')} by limits of a session stay as they are.`,
  ].filter(Boolean)
  return words.length > 0 ? <span className="block text-muted text-xs">{words.join(' ')}</span> : null
}

function Changed({ replay, change }: { replay: Replay; change: Replay['by_contract'][number] }) {
  const examples = replay.examples.filter(
    (one) => one.contract_id === change.contract_id && one.from === change.from && one.to === change.to,
  )
  return (
    <details className="group" open={replay.by_contract.length <= 3}>
      <summary className="flex cursor-pointer flex-wrap items-center gap-x-3 gap-y-1 px-3 py-2 text-sm hover:bg-hover">
        <ChevronRight aria-hidden className="size-3.5 text-faint transition-transform group-open:rotate-90" />
        <span className="tabular font-medium">{counted.format(change.count)}</span>
        <span className="inline-flex items-center gap-1.5">
          <VerdictBadge verdict={WORDS[change.from]} />
          <ChevronRight className="size-3 text-faint" aria-label="becomes" />
          <VerdictBadge verdict={WORDS[change.to]} />
        </span>
        <span className="min-w-0 break-all text-muted">
          by <span className="font-mono">{visible(change.contract_id) || 'no contract'}</span>
        </span>
      </summary>
      <ul className="border-t bg-sunken">
        {examples.map((example) => (
          <li key={example.event_id}>
            <Link
              to="/events"
              search={{ event: example.event_id, ts: example.timestamp }}
              className="grid grid-cols-[minmax(0,1fr)_auto] gap-x-3 px-3 py-1.5 pl-9 text-sm hover:bg-hover focus-visible:-outline-offset-2"
            >
              <span className="truncate">
                <span className="font-mono">{visible(example.tool_name)}</span>{' '}
                <span className="text-muted">{visible(example.agent_id)}</span>
              </span>
              <span className="text-muted text-xs">
                <When at={example.timestamp} />
              </span>
              {example.reason && (
                <span className="col-span-2 truncate text-muted text-xs">{visible(example.reason)}</span>
              )}
            </Link>
          </li>
        ))}
        {examples.length < change.count && (
          <li className="px-3 py-1.5 pl-9 text-muted text-xs">
            {examples.length > 0 ? 'The newest are shown.' : 'None of them is shown: there are too many kinds.'}
          </li>
        )}
      </ul>
    </details>
  )
}
