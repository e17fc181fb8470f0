import type { ReactNode } from 'react'
import { cn } from './cn.ts'

interface FactsProps {
  readonly facts: readonly (readonly [name: string, value: ReactNode])[]
  readonly className?: string
}

/** Names and values, one below the other on a phone. */
export function Facts({ facts, className }: FactsProps) {
  return (
    <dl className={cn('grid gap-x-6 gap-y-2 px-4 py-3 sm:grid-cols-[minmax(8rem,auto)_minmax(0,1fr)]', className)}>
      {facts.map(([name, value]) => (
        <div key={name} className="contents">
          <dt className="text-muted text-sm">{name}</dt>
          <dd className="min-w-0 break-words max-sm:mb-1">{value}</dd>
        </div>
      ))}
    </dl>
  )
}
