import { CloudOff, type LucideIcon, OctagonAlert } from 'lucide-react'
import type { ReactNode } from 'react'
import { ApiError, UnreachableError } from '../api/http.ts'
import { Button } from './button.tsx'
import { cn } from './cn.ts'
import { Command } from './copy.tsx'

interface EmptyProps {
  readonly icon: LucideIcon
  readonly title: string
  readonly children?: ReactNode
  /** The command that gets one out of here. */
  readonly command?: string
  readonly action?: ReactNode
  readonly className?: string
}

/** Nothing here yet: says why, and what to do next. */
export function Empty({ icon: Icon, title, children, command, action, className }: EmptyProps) {
  return (
    <div className={cn('flex flex-col items-center px-6 py-14 text-center', className)}>
      <span className="mb-4 grid size-10 place-items-center rounded-full bg-sunken text-faint">
        <Icon className="size-5" aria-hidden />
      </span>
      <h2 className="font-semibold text-base">{title}</h2>
      {children && <p className="mt-1 max-w-md text-pretty text-muted">{children}</p>}
      {action && <div className="mt-4 flex flex-wrap justify-center gap-2">{action}</div>}
      {command && <Command command={command} className="mt-4" />}
    </div>
  )
}

/** What went wrong with a read, in the server's words, and a way to try again. */
export function Failure({ error, retry, className }: { error: unknown; retry?: () => void; className?: string }) {
  const away = error instanceof UnreachableError
  return (
    <div role="alert" className={cn('flex flex-col items-center px-6 py-14 text-center', className)}>
      <span className="mb-4 grid size-10 place-items-center rounded-full bg-deny-soft text-deny">
        {away ? <CloudOff className="size-5" aria-hidden /> : <OctagonAlert className="size-5" aria-hidden />}
      </span>
      <h2 className="font-semibold text-base">{away ? 'The server does not answer' : 'This could not be loaded'}</h2>
      <p className="mt-1 max-w-md text-pretty text-muted">
        {away ? 'Check that it is running and that this machine can reach it.' : messageOf(error)}
      </p>
      {retry && (
        <Button className="mt-4" onClick={retry}>
          Try again
        </Button>
      )}
      {away && <Command command="npx lictor doctor" className="mt-4" />}
    </div>
  )
}

/** The words of an error for a person, with the request id when the server gave one. */
export function messageOf(error: unknown): string {
  if (error instanceof ApiError && error.status >= 500 && error.requestId)
    return `${error.message} (request ${error.requestId})`
  return error instanceof Error ? error.message : String(error)
}

/** Holds the place of what is being loaded, in its size, so that nothing jumps. */
export function Skeleton({ className }: { className?: string }) {
  return <div aria-hidden className={cn('max-w-full animate-shimmer rounded bg-line', className)} />
}

export function SkeletonRows({ rows, className }: { rows: number; className?: string }) {
  return (
    <div role="status" aria-label="Loading" className="divide-y">
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: rows of a skeleton have no identity
        <div key={row} className={cn('flex h-12 items-center gap-4 px-4', className)}>
          <Skeleton className="h-3.5 w-24" />
          <Skeleton className="h-3.5 w-40 max-w-[30%]" />
          <Skeleton className="ml-auto h-3.5 w-16" />
        </div>
      ))}
    </div>
  )
}
