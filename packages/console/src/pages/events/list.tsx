import { useVirtualizer } from '@tanstack/react-virtual'
import { ChevronRight } from 'lucide-react'
import { memo, useEffect, useImperativeHandle, useRef } from 'react'
import { payloadText } from '../../api/payload.ts'
import type { AuditEvent } from '../../api/types.ts'
import { Badge, VerdictBadge } from '../../ui/badge.tsx'
import { Button } from '../../ui/button.tsx'
import { cn } from '../../ui/cn.ts'
import { useRoomy } from '../../ui/media.ts'
import { visible } from '../../ui/visible.ts'
import { Clock } from '../../ui/when.tsx'
import { contentsOf, eventOf, type Group, type Grouping, isGroup, type Line } from './groups.ts'

export interface ListHandle {
  scrollTo(index: number): void
}

interface ListProps {
  readonly rows: readonly Line[]
  /** What the rows are grouped by, and which of the groups are open. */
  readonly by?: Grouping | undefined
  readonly isOpen?: (group: Group) => boolean
  readonly onToggle?: (group: Group) => void
  readonly selected: string | undefined
  readonly onSelect: (id: string) => void
  readonly onTop: (atTop: boolean) => void
  /** A finger is on a row, or the keyboard's focus: nothing may move until it is gone. */
  readonly onTouch: (touched: boolean) => void
  /** The end of what is loaded came into view. */
  readonly onEnd: () => void
  /** `full`: there are older ones, and they are not loaded. */
  readonly end: 'more' | 'loading' | 'failed' | 'end' | 'full'
  readonly ref?: React.Ref<ListHandle>
}

const COLUMNS =
  'grid items-center gap-x-3 px-4 grid-cols-[6.25rem_minmax(0,1fr)_auto] sm:grid-cols-[minmax(4.5rem,6.5rem)_6.25rem_minmax(0,1fr)_minmax(0,1.2fr)_minmax(0,1fr)]'
const ROW = 36
const PHONE_ROW = 56
/** After these no finger is on a row any more. */
const LIFTED = ['pointerup', 'pointercancel'] as const
const isFocusVisible = (target: EventTarget | null) => target instanceof Element && target.matches(':focus-visible')
const COLUMN_HEIGHT = () => ROW
const PHONE_HEIGHT = () => PHONE_ROW

/**
 * Only the rows in view exist, so ten thousand are as quick as ten. Each stands for a place in the list and not for an
 * event: in a flood every event in view is another one each second, and its row only changes its words.
 */
export const List = memo(function List(props: ListProps) {
  const { rows, by, isOpen, onToggle, selected, onSelect, onTop, onTouch, onEnd, end, ref } = props
  const scroller = useRef<HTMLDivElement>(null)
  const roomy = useRoomy()
  const virtual = useVirtualizer({
    count: rows.length + 1,
    getScrollElement: () => scroller.current,
    estimateSize: roomy ? COLUMN_HEIGHT : PHONE_HEIGHT,
    overscan: 6,
  })
  useEffect(() => {
    const ending = new AbortController()
    const { signal } = ending
    const lift = () => onTouch(false)
    scroller.current?.addEventListener('pointerdown', () => onTouch(true), { signal })
    scroller.current?.addEventListener('focusin', ({ target }) => onTouch(isFocusVisible(target)), { signal })
    scroller.current?.addEventListener('focusout', lift, { signal })
    for (const type of LIFTED) window.addEventListener(type, lift, { signal })
    return () => {
      ending.abort()
      lift()
    }
  }, [onTouch])
  useImperativeHandle(ref, () => ({ scrollTo: (index) => virtual.scrollToIndex(index, { align: 'auto' }) }), [virtual])
  // biome-ignore lint/correctness/useExhaustiveDependencies: a phone that is turned has rows of another height
  useEffect(() => virtual.measure(), [virtual, roomy])
  const items = virtual.getVirtualItems()
  const last = items.at(-1)?.index ?? 0
  useEffect(() => {
    // A thousand events may be one row: the end of such a list is always in view, and all there is would be read.
    if (by === undefined && end === 'more' && last >= rows.length - 20) onEnd()
  }, [by, last, rows.length, end, onEnd])

  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div
        aria-hidden
        className={cn(COLUMNS, 'h-9 shrink-0 whitespace-nowrap border-b font-medium text-muted text-xs max-sm:hidden')}
      >
        <span>Time</span>
        <span>Verdict</span>
        <span>Tool</span>
        <span>Decided by</span>
        <span>Agent</span>
      </div>
      <div
        ref={scroller}
        className="min-h-0 flex-1 overflow-y-auto [overflow-anchor:none]"
        onScroll={(event) => onTop(event.currentTarget.scrollTop < ROW)}
      >
        <ol
          aria-label={by === undefined ? 'Events, newest first' : `Events by ${by}, newest first`}
          className="relative"
          style={{ height: virtual.getTotalSize() }}
        >
          {items.map((item) => {
            const row = rows[item.index]
            const event = row && eventOf(row)
            return (
              <li
                key={item.index}
                aria-setsize={end === 'end' ? rows.length : -1}
                aria-posinset={item.index + 1}
                className="absolute inset-x-0 [contain:strict]"
                style={{ height: item.size, top: item.start }}
              >
                {row && isGroup(row) && by !== undefined ? (
                  <GroupRow
                    group={row}
                    by={by}
                    isOpen={isOpen?.(row) ?? false}
                    roomy={roomy}
                    onToggle={(group) => onToggle?.(group)}
                  />
                ) : event ? (
                  <Row
                    event={event}
                    isChild={row !== event}
                    current={event.id === selected}
                    roomy={roomy}
                    onSelect={onSelect}
                  />
                ) : (
                  <End end={end} isByHand={by !== undefined} onMore={onEnd} />
                )}
              </li>
            )
          })}
        </ol>
      </div>
    </div>
  )
})

function End({ end, isByHand, onMore }: { end: ListProps['end']; isByHand: boolean; onMore: () => void }) {
  return (
    <div className="grid h-full place-items-center text-center text-muted text-xs">
      {end === 'failed' || (end === 'more' && isByHand) ? (
        <Button size="sm" onClick={onMore}>
          Load older events
        </Button>
      ) : end === 'end' ? (
        'No older events'
      ) : end === 'full' ? (
        'There are older events, not shown. Narrow the time or the filters to see them.'
      ) : (
        'Loading…'
      )}
    </div>
  )
}

interface RowProps {
  readonly event: AuditEvent
  /** It stands below the row of its group. */
  readonly isChild: boolean
  readonly current: boolean
  readonly roomy: boolean
  readonly onSelect: (id: string) => void
}

const Row = memo(function Row({ event, isChild, current, roomy, onSelect }: RowProps) {
  const why = visible(payloadText(event, 'decision_name') ?? payloadText(event, 'decision_source') ?? '')
  return (
    <button
      type="button"
      aria-current={current || undefined}
      onClick={() => onSelect(event.id)}
      className={cn(
        'h-full w-full border-b text-left hover:bg-hover focus-visible:-outline-offset-2',
        current && 'bg-accent-soft shadow-[inset_2px_0_0_var(--accent)] hover:bg-accent-soft',
        COLUMNS,
        isChild && 'bg-sunken pl-8',
        isChild && current && 'bg-accent-soft',
      )}
    >
      {roomy && <Clock at={event.timestamp} className="tabular truncate text-muted text-xs" />}
      <VerdictBadge verdict={event.verdict} className="justify-self-start" />
      {roomy ? (
        <>
          <span className="truncate font-mono text-sm">{visible(event.tool_name)}</span>
          <span className="truncate text-muted text-sm">
            {why}
            {event.mode === 'observe' && <span className="ml-2 text-observe text-xs">observe</span>}
          </span>
          <span className="truncate text-muted text-sm">{visible(event.agent_id)}</span>
        </>
      ) : (
        <>
          <span className="min-w-0">
            <span className="block truncate font-mono text-sm">{visible(event.tool_name)}</span>
            <span className="block truncate text-faint text-xs">
              {visible(event.agent_id)}
              {why && ` · ${why}`}
            </span>
          </span>
          <Clock at={event.timestamp} className="tabular text-faint text-xs" />
        </>
      )}
    </button>
  )
})

interface GroupRowProps {
  readonly group: Group
  readonly by: Grouping
  readonly isOpen: boolean
  readonly roomy: boolean
  readonly onToggle: (group: Group) => void
}

/** All events of one call, told by what came of it last, or of one session. */
function GroupRow({ group, by, isOpen, roomy, onToggle }: GroupRowProps) {
  const [newest] = group.events
  const name = visible(by === 'call' ? newest.tool_name : group.id)
  const contents = contentsOf(group, by)
  const agent = visible(newest.agent_id)
  return (
    <button
      type="button"
      aria-expanded={isOpen}
      onClick={() => onToggle(group)}
      className={cn('h-full w-full border-b text-left hover:bg-hover focus-visible:-outline-offset-2', COLUMNS)}
    >
      {roomy && <Clock at={newest.timestamp} className="tabular truncate text-muted text-xs" />}
      {by === 'call' ? (
        <VerdictBadge verdict={newest.verdict} className="justify-self-start" />
      ) : (
        <Badge className="justify-self-start">session</Badge>
      )}
      <span className="flex min-w-0 items-center gap-1.5">
        <ChevronRight aria-hidden className={cn('size-3.5 shrink-0 text-faint', isOpen && 'rotate-90')} />
        <span className="min-w-0">
          <span className="block truncate font-mono text-sm" title={name}>
            {name}
          </span>
          {!roomy && (
            <span className="block truncate text-muted text-xs">
              {agent} · {contents}
            </span>
          )}
        </span>
      </span>
      {roomy ? (
        <>
          <span className="truncate text-muted text-sm" title={contents}>
            {contents}
          </span>
          <span className="truncate text-muted text-sm">{agent}</span>
        </>
      ) : (
        <Clock at={newest.timestamp} className="tabular text-muted text-xs" />
      )}
    </button>
  )
}
