import type { ReactNode } from 'react'
import { Button } from './button.tsx'
import { cn } from './cn.ts'

/** A list of entries. */
export function Entries({ label, children }: { label: string; children: ReactNode }) {
  return (
    <ul aria-label={label} className="divide-y">
      {children}
    </ul>
  )
}

interface EntryProps {
  /** What it is called. */
  readonly title: ReactNode
  /** The whole of a title that may be cut. */
  readonly whole?: string | undefined
  /** The title is an identifier. */
  readonly isCode?: boolean
  /** Beside the title. */
  readonly badge?: ReactNode
  readonly detail?: ReactNode
  /** A click anywhere on it opens it. */
  readonly onOpen?: () => void
  /** At its end: what can be done with it, or how it stands. */
  readonly children?: ReactNode
}

const LINE = 'grid w-full grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 gap-y-0.5 px-4 py-2.5'

/** One thing of a list: its name, a line about it, and what can be done with it. */
export function Entry({ title, whole, isCode = false, badge, detail, onOpen, children }: EntryProps) {
  const name = (
    <span className={cn('truncate', isCode ? 'font-mono text-sm' : 'font-medium')} title={whole}>
      {title}
    </span>
  )
  const content = (
    <>
      <span className="min-w-0">
        {badge ? (
          <span className="flex min-w-0 items-center gap-2">
            {name}
            {badge}
          </span>
        ) : (
          <span className="flex min-w-0">{name}</span>
        )}
        {detail && <span className="block break-words text-muted text-xs">{detail}</span>}
      </span>
      {children && <span className="flex items-center gap-2">{children}</span>}
    </>
  )
  return onOpen ? (
    <li data-row>
      <button
        type="button"
        onClick={onOpen}
        className={cn(LINE, 'text-left transition-colors hover:bg-hover focus-visible:-outline-offset-2')}
      >
        {content}
      </button>
    </li>
  ) : (
    <li data-row className={LINE}>
      {content}
    </li>
  )
}

interface GraveButtonProps {
  /** With the name of what it is about: many of them stand in a list. */
  readonly label?: string
  readonly onClick: () => void
  readonly children: ReactNode
}

/** Asks before something that cannot be undone. */
export function GraveButton({ label, onClick, children }: GraveButtonProps) {
  return (
    <Button variant="quiet" size="sm" className="hover:text-deny" aria-label={label} onClick={onClick}>
      {children}
    </Button>
  )
}
