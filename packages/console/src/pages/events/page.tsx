import { useNavigate, useSearch } from '@tanstack/react-router'
import { Activity, ArrowUp, Pause, Play, Search } from 'lucide-react'
import { memo, useCallback, useDeferredValue, useEffect, useRef, useState } from 'react'
import { serverNow } from '../../api/clock.ts'
import type { AuditEvent } from '../../api/types.ts'
import { useShortcuts } from '../../app/shortcuts.tsx'
import { Button } from '../../ui/button.tsx'
import { cn } from '../../ui/cn.ts'
import { Sheet } from '../../ui/dialog.tsx'
import { INPUT } from '../../ui/field.tsx'
import { useWide } from '../../ui/media.ts'
import { FilterMenu } from '../../ui/menu.tsx'
import { Card, Page } from '../../ui/page.tsx'
import { plural } from '../../ui/plural.ts'
import { Empty, Failure, SkeletonRows } from '../../ui/states.tsx'
import { KNOWN_VERDICTS, lookOf } from '../../ui/verdict.ts'
import { Detail } from './detail.tsx'
import { countBy, sinceOf } from './feed.ts'
import { List, type ListHandle } from './list.tsx'
import type { EventSearch } from './search.ts'
import { useFeed } from './use-feed.ts'

const SPANS = [
  { value: '15m', label: 'Last 15 minutes' },
  { value: '1h', label: 'Last hour' },
  { value: '24h', label: 'Last 24 hours' },
  { value: '7d', label: 'Last 7 days' },
]

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
  /** A changed question is a step that Back takes back; going from event to event, or typing on, is none. */
  const set = useCallback<SetSearch>(
    (change, replace = false) => void navigate({ search: (now) => withoutEmpty({ ...now, ...change }), replace }),
    [navigate],
  )

  const { event: selectedId, ts, since, ...facets } = search
  const [from] = useStable(since, () => sinceOf(since, serverNow()))
  const filter = { ...facets, ...(from ? { since: from } : {}), ...(ts ? { until: ts } : {}) }
  const live = !paused && !ts
  const { first, feed, loadOlder, loadingOlder, olderFailed, release } = useFeed({
    filter,
    live,
    following: atTop && !touched && !selectedId,
  })
  const rows = feed.rows
  const rowsNow = useRef(rows)
  rowsNow.current = rows
  const selected = rows.find(({ id }) => id === selectedId)

  const select = useCallback(
    (id: string | undefined) => set({ event: id }, selectedId !== undefined),
    [set, selectedId],
  )
  const toggle = useCallback((id: string) => select(id === selectedId ? undefined : id), [select, selectedId])
  const move = (step: number) => {
    const index = rows.findIndex(({ id }) => id === selectedId)
    const next = rows[index < 0 ? 0 : index + step]
    if (!next) return
    select(next.id)
    list.current?.scrollTo(rows.indexOf(next))
  }
  const toTop = () => {
    void release()
    list.current?.scrollTo(0)
  }
  useShortcuts([
    { keys: 'j', label: 'Next event', group: 'Events', run: () => move(1), repeats: true },
    { keys: 'k', label: 'Previous event', group: 'Events', run: () => move(-1), repeats: true },
    { keys: 'Escape', label: 'Close the event', group: 'Events', run: () => select(undefined) },
    { keys: '/', label: 'Search', group: 'Events', run: () => field.current?.focus() },
    { keys: 'p', label: 'Pause or go on', group: 'Events', run: () => setPaused((now) => !now) },
    { keys: 't', label: 'To the newest', group: 'Events', run: toTop },
  ])

  const filtered = Object.keys(filter).length > 0
  const detail = selected && (
    <Detail event={selected} onFilter={(change) => set({ ...change, event: undefined, ts: undefined })} />
  )
  return (
    <Page title="Events" className="flex h-full max-w-none flex-col pb-4 lg:pb-4">
      <Toolbar field={field} search={search} set={set} rows={rowsNow} paused={paused} setPaused={setPaused} />
      <div className={cn('grid min-h-0 flex-1 gap-4', selected && 'lg:grid-cols-[minmax(0,1fr)_24rem]')}>
        <Card className="relative flex min-h-80 min-w-0 flex-col overflow-hidden">
          {first.isPending ? (
            <SkeletonRows rows={12} className="h-9" />
          ) : first.isError ? (
            <Failure error={first.error} retry={() => void first.refetch()} />
          ) : rows.length === 0 ? (
            <Nothing filtered={filtered} onClear={() => void navigate({ search: {} })} />
          ) : (
            <List
              ref={list}
              rows={rows}
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
  readonly search: EventSearch
  readonly set: SetSearch
  /** What is loaded, to be counted when a menu opens. */
  readonly rows: React.RefObject<readonly AuditEvent[]>
  readonly paused: boolean
  readonly setPaused: (paused: boolean) => void
}

/** Search, filters, pause. Apart from the list, so that what arrives does not draw it anew. */
const Toolbar = memo(function Toolbar({ field, search, set, rows, paused, setPaused }: ToolbarProps) {
  const values = (name: 'agent_id' | 'tool_name' | 'mode') => () =>
    countBy(rows.current, name).map(({ value, count }) => ({ value, label: value, count }))
  return (
    <div className="mb-3 flex shrink-0 flex-wrap items-center gap-2">
      <SearchField
        ref={field}
        value={search.search ?? ''}
        onChange={(value) => set({ search: value || undefined, ts: undefined }, Boolean(search.search && value))}
      />
      <FilterMenu
        label="Agent"
        value={search.agent_id}
        options={values('agent_id')}
        onChange={(value) => set({ agent_id: value })}
      />
      <FilterMenu
        label="Tool"
        value={search.tool_name}
        options={values('tool_name')}
        onChange={(value) => set({ tool_name: value })}
      />
      <FilterMenu
        label="Verdict"
        value={search.verdict}
        options={() => verdictOptions(countBy(rows.current, 'verdict'))}
        nameOf={(verdict) => lookOf(verdict).label}
        onChange={(value) => set({ verdict: value })}
      />
      <FilterMenu
        label="Mode"
        value={search.mode}
        options={values('mode')}
        onChange={(value) => set({ mode: value })}
      />
      <FilterMenu
        label="Time"
        value={search.since}
        options={SPANS}
        onChange={(value) => set({ since: value, ts: undefined })}
      />
      <span className="ml-auto flex shrink-0 items-center gap-2">
        {search.ts ? (
          <Button onClick={() => set({ ts: undefined, event: undefined })}>
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

function verdictOptions(counts: readonly { value: string; count: number }[]) {
  const seen = new Map(counts.map(({ value, count }) => [value, count]))
  const all = [...new Set([...seen.keys(), ...KNOWN_VERDICTS])]
  return all.map((value) => ({
    value,
    label: lookOf(value).label,
    ...(seen.has(value) ? { count: seen.get(value) as number } : {}),
  }))
}

/** Types freely; asks the server when the typing rests. */
function SearchField({
  value,
  onChange,
  ref,
}: {
  value: string
  onChange: (value: string) => void
  ref: React.Ref<HTMLInputElement>
}) {
  const [text, setText] = useState(value)
  const [known, setKnown] = useState(value)
  if (known !== value) {
    setKnown(value)
    setText(value)
  }
  const settled = useDeferredValue(text)
  useEffect(() => {
    if (settled.trim() === value) return
    const timer = setTimeout(() => onChange(settled.trim()), 250)
    return () => clearTimeout(timer)
  }, [settled, value, onChange])
  return (
    <label className="relative shrink-0 max-sm:w-full sm:w-60">
      <span className="sr-only">Search events</span>
      <Search
        aria-hidden
        className="-translate-y-1/2 pointer-events-none absolute top-1/2 left-2.5 size-3.5 text-faint"
      />
      <input
        ref={ref}
        type="search"
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => event.key === 'Escape' && event.currentTarget.blur()}
        placeholder="Search"
        className={cn(INPUT, 'h-8.5 pl-8 text-sm max-sm:h-10')}
      />
    </label>
  )
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
