import { Lock } from 'lucide-react'
import { cn } from './cn.ts'

/** Where something would stand that the person may not do: why it does not. */
export function Withheld({ why, className }: { why: string; className?: string }) {
  return (
    <p className={cn('flex items-start gap-2 text-muted text-sm', className)}>
      <Lock className="mt-0.5 size-3.5 shrink-0 text-faint" aria-hidden />
      <span className="min-w-0">{why}</span>
    </p>
  )
}
