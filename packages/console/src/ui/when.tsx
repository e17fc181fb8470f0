import { useNow } from './ticker.ts'
import { ago, clock } from './time.ts'

/** How long ago, with the exact time on hover and for machines. */
export function When({ at, className }: { at: string; className?: string }) {
  const now = useNow()
  const then = Date.parse(at)
  return (
    <time dateTime={at} title={new Date(then).toLocaleString()} className={className}>
      {ago(then, now)}
    </time>
  )
}

export function Clock({ at, className }: { at: string; className?: string }) {
  const then = Date.parse(at)
  return (
    <time dateTime={at} title={at} className={className}>
      {clock(then, Date.now())}
    </time>
  )
}
