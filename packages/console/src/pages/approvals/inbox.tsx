import { Hand, MousePointerClick } from 'lucide-react'
import { useEffect, useRef } from 'react'
import type { Approval } from '../../api/types.ts'
import { useShortcuts } from '../../app/shortcuts.tsx'
import { cn } from '../../ui/cn.ts'
import { Kbd } from '../../ui/kbd.tsx'
import { useWide } from '../../ui/media.ts'
import { Card } from '../../ui/page.tsx'
import { plural } from '../../ui/plural.ts'
import { Empty, Failure, SkeletonRows } from '../../ui/states.tsx'
import { Astray } from './astray.tsx'
import { lettersAct } from './deciding.ts'
import { Detail } from './detail.tsx'
import { setHolds } from './hold-setting.ts'
import { Row } from './row.tsx'
import { UnderWay } from './under-way.tsx'
import { useInbox } from './use-inbox.ts'

/** Rows of the list, each with a clock that runs. */
const MOST_SHOWN = 200

/** The first of those that wait, and the open one wherever it stands. */
const mostUrgent = (items: readonly Approval[], selected: Approval | null): readonly Approval[] =>
  items.length <= MOST_SHOWN ? items : items.filter(({ id }, index) => index < MOST_SHOWN || id === selected?.id)

/** The list, and the call that is open. Everything can be done with j, k, a, d and u. */
export function Inbox({ linked }: { linked: string | undefined }) {
  const inbox = useInbox(linked)
  const { selected, state, act } = inbox
  const items = mostUrgent(inbox.items, selected)
  const behind = inbox.items.length - items.length
  const wide = useWide()
  const list = useRef<HTMLUListElement>(null)

  const choose = (id: string) => {
    inbox.dismissLink()
    act({ type: 'choose', id })
  }
  const move = (direction: number) => {
    if (!lettersAct(state)) return
    const next =
      items[items.findIndex(({ id }) => id === selected?.id) + direction] ?? (selected ? undefined : items[0])
    if (!next) return
    choose(next.id)
    requestAnimationFrame(() => document.getElementById(`approval-${next.id}`)?.scrollIntoView({ block: 'nearest' }))
  }
  const decide = (type: 'approve' | 'open form') => {
    // Large arguments come a moment later than the rest of the call.
    if (!selected || (type === 'approve' && selected.tool_args_shortened)) return
    act({ type, id: selected.id, by: 'key' })
  }
  const undoLast = () => {
    const held = [...state.decisions].findLast(([, decision]) => decision.kind === 'held')
    if (held) act({ type: 'undo', id: held[0] })
  }
  useShortcuts([
    { keys: 'j', label: 'Next call, which arms it', group: 'Approvals', run: () => move(1), repeats: true },
    { keys: 'k', label: 'Previous call, which arms it', group: 'Approvals', run: () => move(-1), repeats: true },
    { keys: 'a', label: 'Approve the armed call', group: 'Approvals', run: () => decide('approve'), decides: true },
    { keys: 'd', label: 'Deny it, with a reason', group: 'Approvals', run: () => decide('open form'), decides: true },
    { keys: 'u', label: 'Undo an approval that is held', group: 'Approvals', run: undoLast, decides: true },
    { keys: 'Escape', label: 'Close the reason', group: 'Approvals', run: () => act({ type: 'close form' }) },
  ])
  // The form is gone: the focus must not fall to the page, where it would be lost to a keyboard.
  const hadForm = useRef(state.form)
  useEffect(() => {
    if (hadForm.current !== null && state.form === null && document.activeElement === document.body)
      list.current?.focus({ preventScroll: true })
    hadForm.current = state.form
  }, [state.form])

  if (inbox.query.isPending)
    return (
      <Card>
        <SkeletonRows rows={4} className="h-16" />
      </Card>
    )
  if (inbox.query.isError && !inbox.query.data)
    return (
      <Card>
        <Failure error={inbox.query.error} retry={() => void inbox.query.refetch()} />
      </Card>
    )
  const astray = inbox.astray && <Astray {...inbox.astray} onDismiss={inbox.dismissLink} />
  const underWay = <UnderWay state={state} toolOf={inbox.toolOf} act={act} away={inbox.away} />
  if (items.length === 0)
    return (
      <>
        {astray}
        {underWay}
        <Card>
          <Empty icon={Hand} title="No call is waiting" command="npx lictor demo">
            When a contract says <code className="font-mono text-xs">effect: approve</code>, the agent’s call stops and
            appears here at once. To see one:
          </Empty>
        </Card>
      </>
    )

  const detail = selected && (
    <Detail
      key={selected.id}
      approval={selected}
      state={state}
      act={act}
      open={inbox.isOpen(selected)}
      away={inbox.away}
      onBack={wide ? null : inbox.leave}
    />
  )
  return (
    <div className="flex min-h-0 flex-1 flex-col gap-3">
      {astray}
      {underWay}
      <p role="status" className="sr-only">
        {plural(inbox.items.length, 'call')} {inbox.items.length === 1 ? 'is' : 'are'} waiting
      </p>
      <div className="grid min-h-0 flex-1 gap-4 lg:grid-cols-[minmax(0,2fr)_minmax(0,3fr)]">
        {(wide || !detail) && (
          <Card className="max-h-full min-h-0 self-start overflow-y-auto">
            <ul
              ref={list}
              tabIndex={-1}
              aria-label="Waiting calls, most urgent first"
              className="divide-y outline-none"
            >
              {items.map((approval) => {
                const current = approval.id === selected?.id
                return (
                  <li key={approval.id} id={`approval-${approval.id}`} className={cn(current && 'bg-accent-soft')}>
                    <Row
                      approval={approval}
                      open={inbox.isOpen(approval)}
                      current={current}
                      decision={state.decisions.get(approval.id)}
                      onSelect={() => choose(approval.id)}
                    />
                  </li>
                )
              })}
              {(behind > 0 || inbox.isFull) && (
                <li className="px-4 py-2.5 text-center text-muted text-xs">
                  {plural(behind, 'more call')} {behind === 1 ? 'waits' : 'wait'}, with more time left, and{' '}
                  {behind === 1 ? 'moves' : 'move'} up as these are decided.
                  {inbox.isFull && ' The server has more than it gives at once: older ones may be missing here.'}
                </li>
              )}
            </ul>
          </Card>
        )}
        {detail ? (
          <Card className="flex min-h-0 flex-col self-start overflow-hidden max-lg:self-stretch lg:max-h-full">
            {detail}
          </Card>
        ) : (
          wide && (
            <Card className="self-start">
              <Empty icon={MousePointerClick} title="Open a call to read it" className="py-12">
                Choose it in the list, or press J. Keys decide only the call that you opened yourself.
              </Empty>
            </Card>
          )
        )}
      </div>
      <footer
        className={cn(
          'flex shrink-0 flex-wrap items-center gap-x-4 gap-y-1 text-muted text-xs [@media(max-height:34rem)]:hidden',
          // Beside an open call on a small screen its buttons need the room.
          !wide && detail && 'hidden',
        )}
      >
        {KEYS.map(({ keys, what }) => (
          <span key={keys} aria-hidden className="flex items-center gap-1.5 max-lg:hidden">
            <Kbd keys={keys} /> {what}
          </span>
        ))}
        <label className="ml-auto flex items-center gap-2 max-lg:min-h-10">
          <input
            type="checkbox"
            checked={inbox.holds}
            onChange={(event) => setHolds(event.target.checked)}
            className="accent-(--accent)"
          />
          Hold approvals for 3 s, to undo
        </label>
      </footer>
    </div>
  )
}

const KEYS = [
  { keys: 'J K', what: 'open, and arm' },
  { keys: 'A', what: 'approve' },
  { keys: 'D', what: 'deny' },
  { keys: 'U', what: 'undo' },
  { keys: '?', what: 'all keys' },
] as const
