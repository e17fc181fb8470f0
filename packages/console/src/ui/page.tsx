import { type ComponentProps, createContext, type ReactNode, use, useEffect } from 'react'
import { cn } from './cn.ts'

/** How many things wait for a person; the frame of the console knows. */
export const WaitingContext = createContext(0)

interface PageProps {
  readonly title: string
  readonly lead?: ReactNode
  readonly actions?: ReactNode
  readonly children: ReactNode
  readonly className?: string
}

/** The frame of a page: its one `h1`, actions on the right, and the tab's title, which counts the calls that wait. */
export function Page({ title, lead, actions, children, className }: PageProps) {
  const waiting = use(WaitingContext)
  useEffect(() => {
    document.title = `${waiting > 0 ? `(${waiting}) ` : ''}${title} · Lictor`
  }, [title, waiting])
  return (
    <div className={cn('mx-auto w-full max-w-6xl px-4 py-5 sm:px-6 lg:px-8 lg:py-7', className)}>
      <header className="mb-5 flex flex-wrap items-start justify-between gap-x-6 gap-y-3">
        <div className="min-w-0">
          <h1 tabIndex={-1} className="font-semibold text-xl tracking-tight [overflow-wrap:anywhere]">
            {title}
          </h1>
          {lead && <p className="mt-0.5 max-w-2xl text-pretty text-muted">{lead}</p>}
        </div>
        {actions && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
      </header>
      {children}
    </div>
  )
}

export function Card({
  className,
  children,
  ...rest
}: { className?: string; children: ReactNode } & ComponentProps<'section'>) {
  return (
    <section className={cn('rounded-xl border bg-surface shadow-card', className)} {...rest}>
      {children}
    </section>
  )
}

export function CardHeading({ children, aside, id }: { children: ReactNode; aside?: ReactNode; id?: string }) {
  return (
    <header className="flex h-11 items-center justify-between gap-3 border-b px-4">
      <h2 id={id} className="whitespace-nowrap font-semibold text-sm">
        {children}
      </h2>
      {aside}
    </header>
  )
}
