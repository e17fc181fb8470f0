import { Link } from '@tanstack/react-router'
import {
  Bot,
  ChevronRight,
  CircleDot,
  FileText,
  Hand,
  type LucideIcon,
  Repeat,
  Sparkles,
  Terminal,
  Wrench,
} from 'lucide-react'
import { memo, type ReactNode } from 'react'
import { Arguments } from '../../ui/arguments.tsx'
import { Badge, VerdictBadge } from '../../ui/badge.tsx'
import { cn } from '../../ui/cn.ts'
import { elapsed } from '../../ui/elapsed.ts'
import { Json } from '../../ui/json.tsx'
import { plural } from '../../ui/plural.ts'
import { visible } from '../../ui/visible.ts'
import type { Call, Item } from './timeline.ts'

interface TimelineListProps {
  readonly items: readonly Item[]
  /** Milliseconds at which the run began. */
  readonly start: number
  readonly open: number | undefined
  readonly onOpen: (key: number | undefined) => void
}

/** The run in one column. A row opens in its place; what is not in view is not laid out. */
export function TimelineList({ items, start, open, onOpen }: TimelineListProps) {
  return (
    <ol aria-label="What happened, in order" className="divide-y">
      {items.map((item) => (
        <Row key={item.key} item={item} start={start} isOpen={item.key === open} onOpen={onOpen} />
      ))}
    </ol>
  )
}

interface Look {
  readonly icon: LucideIcon
  readonly tone: string
  readonly title: ReactNode
  readonly note?: ReactNode
  readonly badge?: ReactNode
  readonly body?: () => ReactNode
}

const TONES = { neutral: 'text-faint', deny: 'text-deny', ask: 'text-ask', allow: 'text-allow' } as const

interface RowProps {
  readonly item: Item
  readonly start: number
  readonly isOpen: boolean
  readonly onOpen: TimelineListProps['onOpen']
}

const Row = memo(function Row({ item, start, isOpen, onOpen }: RowProps) {
  const { icon: Icon, tone, title, note, badge, body } = lookOf(item)
  const line = (
    <>
      <Icon className={cn('mt-0.5 size-4 shrink-0', tone)} aria-hidden />
      <span className="min-w-0 flex-1">
        <span className="flex min-w-0 flex-wrap items-center gap-x-2 gap-y-1">
          <span className="min-w-0 max-w-full truncate">{title}</span>
          {badge}
        </span>
        {note && <span className="line-clamp-2 break-words text-muted text-sm">{note}</span>}
      </span>
      <span className="tabular mt-0.5 shrink-0 text-faint text-xs" title={new Date(item.at).toLocaleString()}>
        +{elapsed(item.at - start)}
      </span>
      {body ? (
        <ChevronRight
          aria-hidden
          className={cn('mt-0.5 size-4 shrink-0 text-faint transition-transform', isOpen && 'rotate-90')}
        />
      ) : (
        <span aria-hidden className="w-4 shrink-0" />
      )}
    </>
  )
  const className = 'flex w-full items-start gap-3 px-4 py-2.5 text-left'
  return (
    <li className="[contain-intrinsic-size:auto_44px] [content-visibility:auto]">
      {body ? (
        <button
          type="button"
          data-row
          aria-expanded={isOpen}
          onClick={() => onOpen(isOpen ? undefined : item.key)}
          className={cn(className, 'hover:bg-hover focus-visible:-outline-offset-2')}
        >
          {line}
        </button>
      ) : (
        <div className={className}>{line}</div>
      )}
      {body && isOpen && <div className="flex flex-col gap-3 px-4 pb-4 sm:pl-11">{body()}</div>}
    </li>
  )
})

const mono = (text: string) => <span className="font-medium font-mono text-sm">{visible(text)}</span>
const FIRST_LINE = /^[^\n]*/

function lookOf(item: Item): Look {
  switch (item.kind) {
    case 'attempt':
      return {
        icon: Repeat,
        tone: 'text-faint',
        title: <span className="font-semibold">Attempt {item.number}</span>,
        body: () => <Part label="Prompt" text={item.prompt} />,
      }
    case 'turn':
      return {
        icon: Sparkles,
        tone: 'text-accent',
        title: item.text ? 'Model' : `Model asks for ${item.asksFor.map(visible).join(', ')}`,
        note: item.text ? visible(item.text) : undefined,
        badge:
          item.inputTokens === null && item.outputTokens === null ? null : (
            <span className="tabular text-faint text-xs">
              {(item.inputTokens ?? 0).toLocaleString()} → {(item.outputTokens ?? 0).toLocaleString()} tokens
            </span>
          ),
        body: () => (
          <>
            <p className="break-all text-muted text-xs">{visible(item.model)}</p>
            <Part label="Given" text={item.prompt} />
            {item.text && <Part label="Said" text={item.text} />}
          </>
        ),
      }
    case 'call':
      return callLook(item)
    case 'output':
      return {
        icon: Terminal,
        tone: 'text-faint',
        title: item.stream === 'stderr' ? 'Errors written' : 'Output written',
        note: visible(FIRST_LINE.exec(item.text)?.[0] ?? ''),
        body: () => <Part label={item.stream} text={item.text} />,
      }
    case 'note':
      return {
        icon: item.tone === 'ask' ? Hand : CircleDot,
        tone: TONES[item.tone],
        title: visible(item.title),
        note: item.detail ? visible(item.detail) : undefined,
      }
    case 'end':
      return {
        icon: Bot,
        tone: item.status === 'completed' ? 'text-allow' : item.status === 'failed' ? 'text-deny' : 'text-faint',
        title: <span className="font-semibold">{item.status.charAt(0).toUpperCase() + item.status.slice(1)}</span>,
        note: item.text ? visible(FIRST_LINE.exec(item.text)?.[0] ?? '') : undefined,
        ...(item.text ? { body: () => <Part label="Result" text={item.text} /> } : {}),
      }
  }
}

function callLook(call: Call): Look {
  const moved = call.files.filter(({ what }) => what !== 'listed').length
  const waiting = call.approvals.find(({ outcome }) => outcome === null)
  const failed = call.error !== null && (call.verdict === 'call_allowed' || call.verdict === 'call_approval_granted')
  return {
    icon: Wrench,
    tone: call.error ? 'text-deny' : 'text-muted',
    title: mono(call.tool),
    badge: (
      <>
        {call.verdict === 'judging' ? <Badge>Under way</Badge> : <VerdictBadge verdict={call.verdict} />}
        {failed && <Badge tone="deny">Failed</Badge>}
        {call.took !== null && <span className="tabular text-faint text-xs">{elapsed(call.took)}</span>}
        {moved > 0 && (
          <span className="flex items-center gap-1 text-faint text-xs">
            <FileText className="size-3" aria-hidden />
            {plural(moved, 'file')}
          </span>
        )}
      </>
    ),
    note: visible(call.error ?? waiting?.prompt ?? oneLine(call.args)),
    body: () => <CallBody call={call} />,
  }
}

/** Values as one would say them: a command and its words read like a line. */
const oneLine = (args: unknown): string => {
  const values = typeof args === 'object' && args !== null ? Object.values(args) : [args]
  return values
    .flatMap((value: unknown) => (Array.isArray(value) ? value : [value]))
    .map((value) => (typeof value === 'string' ? value : JSON.stringify(value)))
    .join(' ')
}

const recordOf = (args: unknown): Readonly<Record<string, unknown>> =>
  typeof args === 'object' && args !== null ? (args as Readonly<Record<string, unknown>>) : { arguments: args }

function CallBody({ call }: { call: Call }) {
  return (
    <>
      {call.approvals.map((approval) => (
        <p key={approval.id} className="text-sm">
          <Link
            to="/approvals"
            search={approval.outcome === null ? { id: approval.id } : { tab: 'history' }}
            className="underline underline-offset-2"
          >
            {visible(approval.prompt)}
          </Link>{' '}
          <span className="text-muted">
            {approval.outcome === null
              ? 'It waits in the inbox.'
              : `${approval.outcome}${approval.decidedBy ? ` by ${visible(approval.decidedBy)}` : ''}`}
            {approval.contract && ` (contract ${visible(approval.contract)})`}
          </span>
        </p>
      ))}
      <Arguments value={recordOf(call.args)} />
      {call.files.length > 0 && (
        <section>
          <h3 className="mb-1 font-medium text-muted text-xs">Files</h3>
          <ul className="text-sm">
            {call.files.map(({ what, path, bytes }, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: what happened to files only grows
              <li key={index} className="break-all">
                <span className="text-muted">{what}</span> <code className="font-mono text-xs">{visible(path)}</code>
                {bytes !== null && <span className="text-faint"> {bytes.toLocaleString()} bytes</span>}
              </li>
            ))}
          </ul>
        </section>
      )}
      {call.error !== null && <Part label="Error" text={call.error} />}
      {call.error === null && call.isOver && (
        <section>
          <h3 className="mb-1 font-medium text-muted text-xs">Result</h3>
          <Json value={call.result} what="result" />
        </section>
      )}
    </>
  )
}

function Part({ label, text }: { label: string; text: string }) {
  return (
    <section>
      <h3 className="mb-1 font-medium text-muted text-xs">{label}</h3>
      <pre
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
        tabIndex={0}
        className="max-h-96 overflow-auto whitespace-pre-wrap break-words rounded-md border bg-sunken p-3 font-mono text-xs leading-5"
      >
        {visible(text)}
      </pre>
    </section>
  )
}
