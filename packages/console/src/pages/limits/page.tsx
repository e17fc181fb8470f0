import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Infinity as NoLimit } from 'lucide-react'
import { useListKeys } from '../../app/list-keys.ts'
import { useRefusal } from '../../app/permission.ts'
import { session } from '../../app/session.ts'
import { bytes, limitOf } from '../../ui/bytes.ts'
import { Chart } from '../../ui/chart.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { FilterMenu } from '../../ui/menu.tsx'
import { Meter } from '../../ui/meter.tsx'
import { Card, CardHeading, Page } from '../../ui/page.tsx'
import { Empty } from '../../ui/states.tsx'
import { useAtNow } from '../../ui/ticker.ts'
import { countdown } from '../../ui/time.ts'
import { Overrides } from './overrides.tsx'
import { limitQueries, type Usage, WINDOWS, type Window } from './queries.ts'
import type { LimitsSearch } from './route.ts'
import { bucketWords, resourceWords } from './words.ts'

/** What is used up of what limits the person and the tenant, and what was done over time. */
export function LimitsPage() {
  const search = useSearch({ from: '/inside/settings/limits' })
  const navigate = useNavigate({ from: '/settings/limits' })
  const set = (change: LimitsSearch, replace = false) =>
    void navigate({ search: (now) => ({ ...now, ...change }), replace })
  const me = useQuery(session.me()).data
  const isOperator = useRefusal('operate') === null && me !== undefined
  useListKeys(null, 'Limits and usage')
  return (
    <Page title="Limits and usage" lead="What counts against a limit right now, and what was done over time.">
      <div className="grid items-start gap-4 lg:grid-cols-2">
        <Counted />
        <Storage />
      </div>
      <Calls
        window={search.window ?? '24h'}
        onWindow={(window) => set({ window: window === '24h' ? undefined : window })}
      />
      {isOperator && (
        <Overrides isSetting={search.set === true} onSetting={(open) => set({ set: open ? true : undefined }, true)} />
      )}
    </Page>
  )
}

function Counted() {
  const usage = useQuery(limitQueries.usage())
  return (
    <Card className="overflow-hidden">
      <CardHeading>In windows that are under way</CardHeading>
      <Loaded query={usage}>
        {({ usage: list }) =>
          list.length === 0 ? (
            <Empty icon={NoLimit} title="Nothing is counted">
              Either nothing was done in a window that is still open, or this server runs without rate limits
              (LICTOR_LIMITS is off).
            </Empty>
          ) : (
            <div className="divide-y">
              {(['tenant', 'user'] as const).map((scope) => (
                <Scope
                  key={scope}
                  title={scope === 'tenant' ? 'Of the whole tenant' : 'Yours'}
                  usage={list.filter(({ scope_type }) => scope_type === scope)}
                />
              ))}
            </div>
          )
        }
      </Loaded>
    </Card>
  )
}

function Scope({ title, usage }: { title: string; usage: readonly Usage[] }) {
  if (usage.length === 0) return null
  return (
    <div className="flex flex-col gap-3 p-4">
      <h3 className="text-muted text-sm">{title}</h3>
      {usage.map((one) => (
        <div key={`${one.resource_type} ${one.bucket}`}>
          <Meter
            label={`${resourceWords(one.resource_type)} ${bucketWords(one.bucket)}`}
            used={one.current_count}
            limit={one.limit_value}
          />
          <p className="mt-0.5 text-muted text-xs">
            begins anew in <Until at={one.resets_at} />
          </p>
        </div>
      ))}
    </div>
  )
}

function Until({ at }: { at: string }) {
  return <span className="tabular">{useAtNow((now) => countdown(Date.parse(at) - now))}</span>
}

function Storage() {
  const storage = useQuery(limitQueries.storage())
  return (
    <Card className="overflow-hidden">
      <CardHeading>Volumes</CardHeading>
      <Loaded query={storage} rows={2}>
        {(quota) => (
          <div className="flex flex-col gap-4 p-4">
            <Meter label="Stored" used={quota.used_bytes} limit={limitOf(quota.quota_bytes)} format={bytes} />
            <Meter label="Volumes" used={quota.volume_count} limit={limitOf(quota.volume_limit)} />
            <p className="text-muted text-sm">
              One file may have{' '}
              {limitOf(quota.max_file_size_bytes) === null ? 'any size' : `up to ${bytes(quota.max_file_size_bytes)}`}.
            </p>
          </div>
        )}
      </Loaded>
    </Card>
  )
}

interface CallsProps {
  readonly window: Window
  readonly onWindow: (window: Window) => void
}

/** Governed calls by verdict, over the chosen stretch. */
function Calls({ window, onWindow }: CallsProps) {
  const { bucketSeconds, days, label } = WINDOWS[window]
  const step = bucketSeconds * 1_000
  const until = useAtNow((now) => Math.ceil(now / step) * step)
  const calls = useQuery(limitQueries.calls(window, until))
  return (
    <Card className="mt-4">
      <CardHeading
        aside={
          <FilterMenu
            label="Over"
            required
            value={window}
            options={Object.entries(WINDOWS).map(([value, one]) => ({ value, label: one.label }))}
            onChange={(value) => {
              const chosen = (Object.keys(WINDOWS) as Window[]).find((one) => one === value)
              if (chosen) onWindow(chosen)
            }}
          />
        }
      >
        Governed calls
      </CardHeading>
      <Loaded query={calls}>
        {(list) => {
          const found = new Map(
            list.map((bucket) => [Math.floor(Date.parse(bucket.bucket_start) / step) * step, bucket]),
          )
          const times = Array.from(
            { length: (days * 86_400_000) / step },
            (_, at) => until - days * 86_400_000 + at * step,
          )
          const totalOf = (time: number) => {
            const bucket = found.get(time)
            return bucket ? bucket.allowed + bucket.denied + bucket.pending + bucket.observed : 0
          }
          const total = list.reduce((sum, one) => sum + one.allowed + one.denied + one.pending + one.observed, 0)
          const denied = list.reduce((sum, one) => sum + one.denied, 0)
          const grouped = new Intl.NumberFormat()
          return (
            <div className="p-4">
              <p className="mb-3 text-muted text-sm">
                <span className="font-semibold text-ink text-lg">{grouped.format(total)}</span> in {label}, of which{' '}
                {grouped.format(denied)} denied
              </p>
              <Chart
                label={`Governed calls over ${label}: ${grouped.format(total)}, of which ${grouped.format(denied)} were denied.`}
                times={times}
                bars
                series={[
                  { label: 'all', colour: '--chart-allow', values: times.map(totalOf) },
                  {
                    label: 'denied',
                    colour: '--chart-deny',
                    values: times.map((time) => found.get(time)?.denied ?? 0),
                  },
                ]}
              />
            </div>
          )
        }}
      </Loaded>
    </Card>
  )
}
