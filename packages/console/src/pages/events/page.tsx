import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Activity, ArrowUp, Pause, Play } from 'lucide-react'
import { memo, useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { serverNow } from '../../api/clock.ts'
import { save } from '../../api/download.ts'
import type { AuditEvent, EventFacets } from '../../api/types.ts'
import { useEnvironment } from '../../app/environment.ts'
import { useShortcuts } from '../../app/shortcuts.tsx'
import { Button } from '../../ui/button.tsx'
import { cn } from '../../ui/cn.ts'
import { Sheet } from '../../ui/dialog.tsx'
import { useWide } from '../../ui/media.ts'
import { FilterMenu, type FilterOption } from '../../ui/menu.tsx'
import { Card, Page } from '../../ui/page.tsx'
import { plural } from '../../ui/plural.ts'
import { SearchField } from '../../ui/search-field.tsx'
import { Empty, Failure, SkeletonRows } from '../../ui/states.tsx'
import { KNOWN_VERDICTS, lookOf } from '../../ui/verdict.ts'
import { visible } from '../../ui/visible.ts'
import { Detail } from './detail.tsx'
import { type ExportFormat, exported, TYPES } from './exported.ts'
import { sinceOf } from './feed.ts'
import { eventOf, GROUPINGS, type Group, grouped, honesty, isOpen, linesOf, orderOf } from './groups.ts'
import { Histogram, stretchText } from './histogram.tsx'
import { List, type ListHandle } from './list.tsx'
import { eventQueries } from './queries.ts'
import type { EventSearch } from './search.ts'
import { useFeed } from './use-feed.ts'

const SPANS = [
  { value: '15m', label: 'Last 15 minutes' },
  { value: '1h', label: 'Last hour' },
  { value: '24h', label: 'Last 24 hours' },
  { value: '7d', label: 'Last 7 days' },
]

const GROUPS = GROUPINGS.map((value) => ({ value, label: `by ${value}` }))

type SetSearch = (change: Partial<Record<keyof EventSearch, string | undefined>>, replace?: boolean) => void

/** Every governed call, newest first, live. */
export function EventsPage() {
  const search = useSearch({ from: '/inside/events' })
  const navigate = useNavigate({ from: '/events' })
  const wide = useWide()
  const [paused, setPaused] = useState(false)
  const [atTop, setAtTop] = useState(true)
  const [touched, setTouched] = useState(false)
  const list = useRef<ListHandle>(null)
  const field = useRef<HTMLInputElement>(null)
  const filters = useRef<HTMLDivElement>(null)
  /** A changed question is a step that Back takes back; going from event to event, or typing on, is none. */
  const put = useCallback<SetSearch>(
    (change, replace = false) => void navigate({ search: (now) => withoutEmpty({ ...now, ...change }), replace }),
    [navigate],
  )
  const { env, none } = useEnvironment(search.env, (value, replace) => put({ env: value }, replace), {
    isLinked: search.event !== undefined || search.ts !== undefined,
  })
  const set = useCallback<SetSearch>(
    (change, replace) => put('env' in change ? { ...change, env: change.env ?? none } : change, replace),
    [put, none],
  )
  const asked = useMemo(() => withoutEmpty({ ...search, env }), [search, env])

  const { event: selectedId, ts, since, until, group, open, ...chosen } = asked
  const by = GROUPINGS.find((one) => one === group)
  const [from] = useStable(since, () => sinceOf(since, serverNow()))
  const end = ts ?? until
  const filter = { ...chosen, ...(from ? { since: from } : {}), ...(end ? { until: end } : {}) }
  const live = !paused && !end
  const facets = useQuery(
    eventQueries.facets({ ...chosen, ...(from ? { since: from } : {}), ...(until ? { until } : {}) }),
  )
  const { first, feed, loadOlder, loadingOlder, olderFailed, release } = useFeed({
    filter,
    live,
    following: atTop && !touched && !selectedId,
  })
  const rows = feed.rows
  const rowsNow = useRef(rows)
  rowsNow.current = rows
  const selected = rows.find(({ id }) => id === selectedId)
  const groups = useMemo(() => (by === undefined ? null : grouped(rows, by)), [rows, by])
  const lines = useMemo(
    () => (groups === null ? rows : linesOf(groups, open, selectedId)),
    [groups, rows, open, selectedId],
  )
  const isGroupOpen = useCallback((one: Group) => isOpen(one, open, selectedId), [open, selectedId])

  const stretch = useCallback(
    (begin: string, until: string) => set({ since: begin, until, ts: undefined, event: undefined }),
    [set],
  )
  const select = useCallback(
    (id: string | undefined) => set({ event: id }, selectedId !== undefined),
    [set, selectedId],
  )
  const toggle = useCallback((id: string) => select(id === selectedId ? undefined : id), [select, selectedId])
  const toggleGroup = useCallback(
    (one: Group) => set(isOpen(one, open, selectedId) ? { open: undefined, event: undefined } : { open: one.key }),
    [set, open, selectedId],
  )
  /** Where a key led to; its group may only then be opened, and the row be there. */
  const moved = useRef<string | null>(null)
  const move = (step: number) => {
    const order = groups === null ? rows : orderOf(groups)
    const index = order.findIndex(({ id }) => id === selectedId)
    const next = order[index < 0 ? 0 : index + step]
    if (!next) return
    moved.current = next.id
    select(next.id)
  }
  useEffect(() => {
    if (selectedId === undefined || moved.current !== selectedId) return
    moved.current = null
    list.current?.scrollTo(lines.findIndex((line) => eventOf(line)?.id === selectedId))
  }, [selectedId, lines])
  const toTop = () => {
    void release()
    list.current?.scrollTo(0)
  }
  useShortcuts([
    { keys: 'j', label: 'Next event', group: 'Events', run: () => move(1), repeats: true },
    { keys: 'k', label: 'Previous event', group: 'Events', run: () => move(-1), repeats: true },
    { keys: 'Escape', label: 'Close the event', group: 'Events', run: () => select(undefined) },
    { keys: '/', label: 'Search', group: 'Events', run: () => field.current?.focus() },
    {
      keys: 'f',
      label: 'To the filters',
      group: 'Events',
      run: () => filters.current?.querySelector('button')?.focus(),
    },
    { keys: 'p', label: 'Pause or go on', group: 'Events', run: () => setPaused((now) => !now) },
    { keys: 't', label: 'To the newest', group: 'Events', run: toTop },
  ])

  const filtered = Object.keys(filter).length > 0
  const detail = selected && (
    <Detail event={selected} onFilter={(change) => set({ ...change, event: undefined, ts: undefined })} />
  )
  return (
    <Page title="Events" className="flex h-full max-w-none flex-col pb-4 lg:pb-4">
      <Toolbar
        field={field}
        filters={filters}
        search={asked}
        set={set}
        facets={facets.data}
        rows={rowsNow}
        paused={paused}
        setPaused={setPaused}
      />
      <Histogram filter={chosen} since={since} until={until} onStretch={stretch} />
      {by && groups && rows.length > 0 && (
        <p className="mb-2 shrink-0 text-muted text-xs">
          {honesty({
            loaded: rows.length,
            rows: groups.length,
            by,
            isAll: feed.older.kind === 'end',
            isFiltered: filtered,
          })}
        </p>
      )}
      <div className={cn('grid min-h-0 flex-1 gap-4', selected && 'lg:grid-cols-[minmax(0,1fr)_24rem]')}>
        <Card className="relative flex min-h-80 min-w-0 flex-col overflow-hidden">
          {first.isPending ? (
            <SkeletonRows rows={12} className="h-9" />
          ) : first.isError ? (
            <Failure error={first.error} retry={() => void first.refetch()} />
          ) : rows.length === 0 ? (
            <Nothing
              filtered={filtered}
              onClear={() => void navigate({ search: withoutEmpty({ group: by, env: none }) })}
            />
          ) : (
            <List
              ref={list}
              rows={lines}
              by={by}
              isOpen={isGroupOpen}
              onToggle={toggleGroup}
              selected={selectedId}
              onSelect={toggle}
              onTop={setAtTop}
              onTouch={setTouched}
              onEnd={loadOlder}
              end={
                feed.older.kind !== 'page'
                  ? feed.older.kind
                  : olderFailed
                    ? 'failed'
                    : loadingOlder
                      ? 'loading'
                      : 'more'
              }
            />
          )}
          {feed.held.length > 0 && (
            <Button
              variant="primary"
              size="sm"
              onClick={toTop}
              className="-translate-x-1/2 absolute top-11 left-1/2 animate-enter rounded-full shadow-float"
            >
              <ArrowUp aria-hidden />
              {plural(feed.held.length + feed.heldBeyond, 'new event')}
            </Button>
          )}
        </Card>
        {selected && wide && (
          <Card aria-label="Event" className="min-h-0 overflow-y-auto p-4">
            {detail}
          </Card>
        )}
      </div>
      {!wide && (
        <Sheet
          open={selected !== undefined}
          onOpenChange={(open) => open || select(undefined)}
          title={selected?.tool_name ?? 'Event'}
        >
          {detail}
        </Sheet>
      )}
    </Page>
  )
}

interface ToolbarProps {
  readonly field: React.RefObject<HTMLInputElement | null>
  readonly filters: React.RefObject<HTMLDivElement | null>
  readonly search: EventSearch
  readonly set: SetSearch
  /** As the server counted them; undefined until it did. */
  readonly facets: EventFacets | undefined
  /** What is loaded, to be saved. */
  readonly rows: React.RefObject<readonly AuditEvent[]>
  readonly paused: boolean
  readonly setPaused: (paused: boolean) => void
}

type FacetName = keyof EventFacets['facets']
const FILTERS: readonly (readonly [FacetName, string])[] = [
  ['agent_id', 'Agent'],
  ['tool_name', 'Tool'],
  ['verdict', 'Verdict'],
  ['mode', 'Mode'],
  ['contract', 'Contract'],
  ['env', 'Environment'],
  ['policy_version', 'Revision'],
]

/** Search, filters, pause. Apart from the list, so that what arrives does not draw it anew. */
const Toolbar = memo(function Toolbar(props: ToolbarProps) {
  const { field, filters, search, set, facets, rows, paused, setPaused } = props
  const typed = useCallback(
    (value: string) => set({ search: value || undefined, ts: undefined }, Boolean(search.search && value)),
    [set, search.search],
  )
  return (
    <div ref={filters} className="mb-3 flex shrink-0 flex-wrap items-center gap-2">
      <SearchField ref={field} label="Search events" value={search.search ?? ''} onChange={typed} />
      {FILTERS.map(([name, label]) => (
        <FilterMenu
          key={name}
          label={label}
          value={search[name]}
          options={optionsOf(name, facets?.facets[name].values)}
          {...(name === 'verdict' ? { nameOf: (verdict: string) => lookOf(verdict).label } : {})}
          onChange={(value) => set({ [name]: value })}
        />
      ))}
      <FilterMenu
        label="Time"
        value={search.until && search.since ? `${search.since} ${search.until}` : search.since}
        options={SPANS}
        nameOf={() => (search.until && search.since ? stretchText(search.since, search.until) : (search.since ?? ''))}
        onChange={(value) => set({ since: value, until: undefined, ts: undefined })}
      />
      <FilterMenu
        label="Group"
        value={GROUPINGS.find((one) => one === search.group)}
        options={GROUPS}
        onChange={(group) => set({ group, open: undefined })}
      />
      {facets?.truncated && <span className="text-muted text-xs">counts of the newest 100,000</span>}
      <span className="ml-auto flex shrink-0 items-center gap-2">
        <FilterMenu
          label="Save"
          value={undefined}
          options={Object.entries(TYPES).map(([value, { label }]) => ({ value, label }))}
          onChange={(value) => value && saveAs(rows.current, value as ExportFormat)}
        />
        {search.ts || search.until ? (
          <Button onClick={() => set({ ts: undefined, event: undefined, ...(search.until ? NOW : {}) })}>
            <ArrowUp aria-hidden /> To now
          </Button>
        ) : (
          <Button aria-pressed={paused} onClick={() => setPaused(!paused)} className="w-24">
            {paused ? <Play aria-hidden /> : <Pause aria-hidden />}
            {paused ? 'Go on' : 'Pause'}
          </Button>
        )}
      </span>
    </div>
  )
})

const NOW = { since: undefined, until: undefined }

/** What is loaded, as a file. */
function saveAs(rows: readonly AuditEvent[], format: ExportFormat): void {
  const { type, ending } = TYPES[format]
  save(new Blob([exported(rows, format)], { type }), `events.${ending}`)
}

/** The values of a facet; those without a name cannot be asked for. */
function optionsOf(name: FacetName, values: EventFacets['facets'][FacetName]['values'] = []): readonly FilterOption[] {
  const named = values
    .filter(({ value }) => value !== '')
    .map(({ value, count }) => ({
      value,
      label: name === 'verdict' ? lookOf(value).label : labelOf(name, value),
      count,
    }))
  if (name !== 'verdict') return named
  const seen = new Set(values.map(({ value }) => value))
  return [
    ...named,
    ...KNOWN_VERDICTS.filter((one) => !seen.has(one)).map((value) => ({ value, label: lookOf(value).label })),
  ]
}

const labelOf = (name: FacetName, value: string) => (name === 'policy_version' ? value.slice(0, 12) : visible(value))

const withoutEmpty = (search: Readonly<Record<string, string | undefined>>): EventSearch =>
  Object.fromEntries(Object.entries(search).filter(([, value]) => value))

/** A value that is made anew only when `key` changes: "last hour" must not slide with every render. */
function useStable<K, V>(key: K, make: () => V): readonly [V] {
  const [kept, setKept] = useState(() => ({ key, value: make() }))
  if (kept.key === key) return [kept.value]
  const next = { key, value: make() }
  setKept(next)
  return [next.value]
}

function Nothing({ filtered, onClear }: { filtered: boolean; onClear: () => void }) {
  return filtered ? (
    <Empty icon={Activity} title="No event matches" action={<Button onClick={onClear}>Clear all filters</Button>}>
      New ones appear here when they do.
    </Empty>
  ) : (
    <Empty icon={Activity} title="No event yet" command="npx lictor demo">
      Every governed tool call appears here the moment it happens. To see some without an agent:
    </Empty>
  )
}
