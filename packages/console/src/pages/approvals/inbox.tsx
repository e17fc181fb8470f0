import { Hand } from 'lucide-react'
import { useRef, useState } from 'react'
import { useShortcuts } from '../../app/shortcuts.tsx'
import { cn } from '../../ui/cn.ts'
import { Kbd } from '../../ui/kbd.tsx'
import { useWide } from '../../ui/media.ts'
import { Card } from '../../ui/page.tsx'
import { Empty, Failure, SkeletonRows } from '../../ui/states.tsx'
import { Detail } from './detail.tsx'
import { Row } from './row.tsx'
import { useDecision } from './use-decision.ts'
import { useInbox } from './use-inbox.ts'

/** The list and the call being read. Everything can be done with j, k, a and d. */
export function Inbox({ linked }: { linked: string | undefined }) {
  const inbox = useInbox(linked)
  const { items, selected } = inbox
  const decision = useDecision()
  const wide = useWide()
  const [denying, setDenying] = useState<string | null>(null)
  const list = useRef<HTMLUListElement>(null)
  const open = selected !== null && inbox.isOpen(selected)
  const busy = decision.isPending

  const decide = (approved: boolean, reason: string | null) => {
    if (!selected || !open || busy) return
    const { id } = selected
    decision.mutate(
      { approval: selected, approved, reason },
      {
        onSuccess: () => {
          inbox.markMine(id)
          setDenying(null)
          list.current?.focus({ preventScroll: true })
        },
      },
    )
  }
  const move = (step: number) => {
    const next = items[items.findIndex(({ id }) => id === selected?.id) + step]
    if (!next) return
    inbox.select(next.id)
    requestAnimationFrame(() => document.getElementById(`approval-${next.id}`)?.scrollIntoView({ block: 'nearest' }))
  }
  useShortcuts([
    { keys: 'j', label: 'Next', group: 'Approvals', run: () => move(1), repeats: true },
    { keys: 'k', label: 'Previous', group: 'Approvals', run: () => move(-1), repeats: true },
    { keys: 'a', label: 'Approve', group: 'Approvals', run: () => decide(true, null) },
    { keys: 'd', label: 'Deny, with a reason', group: 'Approvals', run: () => open && setDenying(selected.id) },
  ])

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
  if (items.length === 0)
    return (
      <Card>
        <Empty icon={Hand} title="No call is waiting" command="npx lictor demo">
          When a contract says <code className="font-mono text-xs">effect: approve</code>, the agent’s call stops and
          appears here at once. To see one:
        </Empty>
      </Card>
    )

  const detail = selected && (
    <Detail
      key={selected.id}
      approval={selected}
      open={open}
      busy={busy}
      denying={denying === selected.id}
      onApprove={() => decide(true, null)}
      onStartDenying={() => setDenying(selected.id)}
      onCancelDenying={() => {
        setDenying(null)
        list.current?.focus({ preventScroll: true })
      }}
      onDeny={(reason) => decide(false, reason)}
    />
  )
  return (
    <>
      <p role="status" className="sr-only">
        {items.length === 1 ? '1 call is waiting' : `${items.length} calls are waiting`}
      </p>
      <div className="grid items-start gap-4 lg:grid-cols-[minmax(0,2fr)_minmax(0,3fr)]">
        <Card className="overflow-hidden">
          <ul ref={list} tabIndex={-1} aria-label="Waiting calls, most urgent first" className="divide-y outline-none">
            {items.map((approval) => {
              const current = approval.id === selected?.id
              return (
                <li key={approval.id} id={`approval-${approval.id}`} className={cn(current && 'lg:bg-accent-soft')}>
                  <Row
                    approval={approval}
                    open={inbox.isOpen(approval)}
                    current={current}
                    onSelect={() => inbox.select(approval.id)}
                  />
                  {current && !wide && <div className="border-t">{detail}</div>}
                </li>
              )
            })}
          </ul>
        </Card>
        {wide && <Card className="sticky top-4 overflow-hidden">{detail}</Card>}
      </div>
      <p aria-hidden className="mt-3 hidden items-center gap-3 text-faint text-xs lg:flex">
        <span className="flex items-center gap-1.5">
          <Kbd keys="J K" /> move
        </span>
        <span className="flex items-center gap-1.5">
          <Kbd keys="A" /> approve
        </span>
        <span className="flex items-center gap-1.5">
          <Kbd keys="D" /> deny
        </span>
        <span className="flex items-center gap-1.5">
          <Kbd keys="?" /> all keys
        </span>
      </p>
    </>
  )
}
