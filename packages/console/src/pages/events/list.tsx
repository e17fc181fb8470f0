import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useImperativeHandle, useRef } from 'react'
import type { AuditEvent } from '../../api/types.ts'
import { VerdictBadge } from '../../ui/badge.tsx'
import { Button } from '../../ui/button.tsx'
import { cn } from '../../ui/cn.ts'
import { Clock } from '../../ui/when.tsx'

export interface ListHandle {
  scrollTo(index: number): void
}

interface ListProps {
  readonly rows: readonly AuditEvent[]
  readonly selected: string | undefined
  readonly onSelect: (id: string) => void
  readonly onTop: (atTop: boolean) => void
  /** The end of what is loaded came into view. */
  readonly onEnd: () => void
  readonly end: 'more' | 'loading' | 'failed' | 'end'
  readonly ref?: React.Ref<ListHandle>
}

const COLUMNS =
  'grid items-center gap-x-3 px-4 grid-cols-[5.75rem_minmax(0,1fr)_auto] sm:grid-cols-[6.25rem_6rem_minmax(0,10rem)_minmax(0,1fr)_minmax(0,11rem)]'
const ROW = 36
const PHONE_ROW = 56

/** Only the rows in view exist, so ten thousand are as quick as ten. */
export function List({ rows, selected, onSelect, onTop, onEnd, end, ref }: ListProps) {
  const scroller = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({
    count: rows.length + 1,
    getScrollElement: () => scroller.current,
    estimateSize: () => (window.matchMedia('(min-width: 40rem)').matches ? ROW : PHONE_ROW),
    getItemKey: (index) => rows[index]?.id ?? 'end',
    overscan: 12,
  })
  useImperativeHandle(ref, () => ({ scrollTo: (index) => virtual.scrollToIndex(index, { align: 'auto' }) }), [virtual])
  const items = virtual.getVirtualItems()
  const last = items.at(-1)?.index ?? 0
  useEffect(() => {
    if (end === 'more' && last >= rows.length - 20) onEnd()
  }, [last, rows.length, end, onEnd])

  return (
    <div role="table" aria-label="Events" aria-rowcount={rows.length + 1} className="flex min-h-0 flex-1 flex-col">
      <div role="row" className={cn(COLUMNS, 'h-9 shrink-0 border-b font-medium text-muted text-xs max-sm:hidden')}>
        <span role="columnheader">Time</span>
        <span role="columnheader">Verdict</span>
        <span role="columnheader">Tool</span>
        <span role="columnheader">Decided by</span>
        <span role="columnheader">Agent</span>
      </div>
      <div
        ref={scroller}
        className="min-h-0 flex-1 overflow-y-auto [overflow-anchor:none]"
        onScroll={(event) => onTop(event.currentTarget.scrollTop < ROW)}
      >
        <div role="rowgroup" className="relative" style={{ height: virtual.getTotalSize() }}>
          {items.map((item) => {
            const row = rows[item.index]
            const place = { height: item.size, transform: `translateY(${item.start}px)` }
            return row ? (
              <Row
                key={row.id}
                event={row}
                index={item.index}
                current={row.id === selected}
                onSelect={onSelect}
                style={place}
              />
            ) : (
              <div
                key="end"
                className="absolute inset-x-0 top-0 grid place-items-center text-faint text-xs"
                style={place}
              >
                {end === 'failed' ? (
                  <Button size="sm" onClick={onEnd}>
                    Load older events
                  </Button>
                ) : end === 'end' ? (
                  'No older events'
                ) : (
                  'Loading…'
                )}
              </div>
            )
          })}
        </div>
      </div>
    </div>
  )
}

interface RowProps {
  readonly event: AuditEvent
  readonly index: number
  readonly current: boolean
  readonly onSelect: (id: string) => void
  readonly style: React.CSSProperties
}

function Row({ event, index, current, onSelect, style }: RowProps) {
  const why = event.payload?.decision_name ?? event.payload?.decision_source
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the keyboard moves with j and k, and each row holds a button
    <div
      role="row"
      aria-rowindex={index + 2}
      aria-selected={current}
      onClick={() => onSelect(event.id)}
      style={style}
      className={cn(
        'absolute inset-x-0 top-0 cursor-pointer border-b hover:bg-hover',
        current && 'bg-accent-soft shadow-[inset_2px_0_0_var(--accent)] hover:bg-accent-soft',
        COLUMNS,
      )}
      tabIndex={-1}
    >
      <span role="cell" className="tabular truncate text-muted text-xs max-sm:hidden">
        <Clock at={event.timestamp} />
      </span>
      <span role="cell">
        <VerdictBadge verdict={event.verdict} />
      </span>
      <span role="cell" className="min-w-0 truncate">
        <button
          type="button"
          className="max-w-full truncate text-left font-mono text-sm focus-visible:-outline-offset-1"
          aria-label={`${event.tool_name}, open`}
        >
          {event.tool_name}
        </button>
        <span className="block truncate text-faint text-xs sm:hidden">
          {event.agent_id}
          {why && ` · ${why}`}
        </span>
      </span>
      <Clock at={event.timestamp} className="tabular text-faint text-xs sm:hidden" />
      <span role="cell" className="truncate text-muted text-sm max-sm:hidden">
        {why}
        {event.mode === 'observe' && <span className="ml-2 text-observe text-xs">observe</span>}
      </span>
      <span role="cell" className="truncate text-muted text-sm max-sm:hidden">
        {event.agent_id}
      </span>
    </div>
  )
}
