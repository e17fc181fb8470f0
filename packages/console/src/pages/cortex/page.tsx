import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Lightbulb } from 'lucide-react'
import { useDeferredValue, useRef } from 'react'
import { useListKeys } from '../../app/list-keys.ts'
import { Badge } from '../../ui/badge.tsx'
import { Code } from '../../ui/code.tsx'
import { Sheet } from '../../ui/dialog.tsx'
import { Facts } from '../../ui/facts.tsx'
import { FilterField } from '../../ui/filter-field.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { FilterMenu } from '../../ui/menu.tsx'
import { Card, Page } from '../../ui/page.tsx'
import { plural } from '../../ui/plural.ts'
import { Empty } from '../../ui/states.tsx'
import { visible } from '../../ui/visible.ts'
import { When } from '../../ui/when.tsx'
import { cortexQueries, isOff, type Metrics, MOST, type Pattern } from './queries.ts'
import type { CortexSearch } from './route.ts'

const percent = (share: number): string => `${Math.round(share * 100)} %`

/** What agents have learned: which error was met, and what helped against it. */
export function CortexPage() {
  const search = useSearch({ from: '/inside/cortex' })
  const navigate = useNavigate({ from: '/cortex' })
  const set = (change: CortexSearch, replace = false) =>
    void navigate({ search: (now) => ({ ...now, ...change }), replace })
  const patterns = useQuery(cortexQueries.patterns(useDeferredValue(search.q ?? '')))
  const metrics = useQuery(cortexQueries.metrics())
  const within = useRef<HTMLDivElement>(null)
  useListKeys(within, 'Cortex')
  const all = patterns.data ?? []
  return (
    <Page
      title="Cortex"
      lead="What the agents of the tenant have learned: an error, and what helped against it. What goes unused fades by itself."
    >
      {isOff(patterns.error) ? (
        <Card>
          <Empty icon={Lightbulb} title="This server has no memory" command="LICTOR_CORTEX=on npx lictor up">
            Agents learn once <code className="font-mono text-sm">LICTOR_CORTEX</code> is{' '}
            <code className="font-mono text-sm">on</code> in the environment of the server; it is read at its start.
          </Empty>
        </Card>
      ) : (
        <div ref={within}>
          {metrics.data && <Figures metrics={metrics.data} />}
          <div className="mb-3 flex flex-wrap gap-2">
            <FilterField
              label="Search errors and what helped"
              value={search.q}
              onChange={(q) => set({ q }, true)}
              className="max-sm:w-40 max-sm:flex-1"
            />
            <FilterMenu
              label="Kind"
              value={search.kind}
              onChange={(kind) => set({ kind })}
              options={[...new Set(all.map(({ error_type }) => error_type))].sort().map((value) => ({
                value,
                label: value,
                count: all.filter(({ error_type }) => error_type === value).length,
              }))}
            />
          </div>
          <Card className="overflow-hidden">
            <Loaded query={patterns}>
              {(list) => {
                const shown = list.filter(({ error_type }) => !search.kind || error_type === search.kind)
                if (shown.length > 0)
                  return (
                    <ul aria-label="What was learned, the weightiest first" className="divide-y">
                      {shown.map((one) => (
                        <Row key={one.id} pattern={one} onOpen={() => set({ id: one.id })} />
                      ))}
                    </ul>
                  )
                return search.q || search.kind ? (
                  <Empty icon={Lightbulb} title="Nothing that was learned matches" />
                ) : (
                  <Empty icon={Lightbulb} title="Nothing has been learned yet" command="npx lictor cortex patterns">
                    When an attempt fails and a later one of the same run is accepted, what helped is remembered.
                  </Empty>
                )
              }}
            </Loaded>
          </Card>
          {all.length === MOST && <p className="mt-2 text-muted text-sm">The {MOST} weightiest.</p>}
        </div>
      )}
      <Opened id={search.id} list={patterns.data} onClose={() => set({ id: undefined })} />
    </Page>
  )
}

function Figures({ metrics }: { metrics: Metrics }) {
  const parts = [
    plural(metrics.pattern_count, 'pattern'),
    plural(metrics.totalSkills, 'kind'),
    `${metrics.patternsThisWeek} this week`,
    ...(metrics.avgSuccessRate === null ? [] : [`${percent(metrics.avgSuccessRate)} of uses came to a good end`]),
    ...(metrics.recallAccuracy === null ? [] : [`${percent(metrics.recallAccuracy)} of runs that were told completed`]),
  ]
  return <p className="mb-3 text-muted text-sm">{parts.join(', ')}.</p>
}

function Row({ pattern, onOpen }: { pattern: Pattern; onOpen: () => void }) {
  return (
    <li data-row>
      <button
        type="button"
        onClick={onOpen}
        className="grid min-h-12 w-full items-center gap-x-4 gap-y-0.5 px-4 py-2 text-left transition-colors hover:bg-hover focus-visible:-outline-offset-2 sm:grid-cols-[12rem_minmax(0,1fr)_9rem]"
      >
        <span className="min-w-0">
          <Badge>
            <span className="truncate">{visible(pattern.error_type)}</span>
          </Badge>
        </span>
        <span className="min-w-0">
          <span className="block truncate text-sm">{visible(pattern.error_message)}</span>
          <span className="block truncate text-muted text-xs">{visible(pattern.solution_approach)}</span>
        </span>
        <span className="tabular text-muted text-xs">
          weight {pattern.success_score.toFixed(2)}, <When at={pattern.last_used_at} />
        </span>
      </button>
    </li>
  )
}

interface OpenedProps {
  readonly id: string | undefined
  readonly list: readonly Pattern[] | undefined
  readonly onClose: () => void
}

function Opened({ id, list, onClose }: OpenedProps) {
  const one = list?.find((pattern) => pattern.id === id)
  const isGone = id !== undefined && list !== undefined && one === undefined
  return (
    <Sheet
      open={one !== undefined || isGone}
      onOpenChange={(open) => open || onClose()}
      title={one ? visible(one.error_type) : 'It is not among the weightiest'}
      className="sm:max-w-xl"
    >
      {one ? (
        <div className="flex flex-col gap-4 pt-1">
          <Part title="The error">
            <Code text={one.error_message} language="plain" label="The error" />
          </Part>
          <Part title="What helped">
            <p className="whitespace-pre-wrap break-words text-sm">{visible(one.solution_approach)}</p>
          </Part>
          {one.solution_code && (
            <Part title="What the accepted attempt answered">
              <Code text={one.solution_code} language="plain" label="What the accepted attempt answered" />
            </Part>
          )}
          <Facts
            className="px-0 py-0"
            facts={[
              ['Weight', one.success_score.toFixed(2)],
              ['Learned', plural(one.frequency, 'time')],
              ['Success', `${one.success_count} of ${plural(one.total_count, 'use')}`],
              ['First', <When key="first" at={one.created_at} />],
              ['Last used', <When key="last" at={one.last_used_at} />],
            ]}
          />
        </div>
      ) : (
        <p className="text-muted">It may have faded, or the search leaves it out.</p>
      )}
    </Sheet>
  )
}

function Part({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <section aria-label={title}>
      <h3 className="mb-1.5 font-semibold text-sm">{title}</h3>
      {children}
    </section>
  )
}
