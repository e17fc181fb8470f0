import { serverNow } from '../api/clock.ts'
import { useAtNow } from './ticker.ts'
import { ago, clock } from './time.ts'

const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'long' })

/** How long ago, with the exact time on hover and for machines. */
export function When({ at, className }: { at: string; className?: string }) {
  const then = Date.parse(at)
  const words = useAtNow((now) => ago(then, now))
  return (
    <time dateTime={at} title={exact.format(new Date(then))} className={className}>
      {words}
    </time>
  )
}

export function Clock({ at, className }: { at: string; className?: string }) {
  const then = Date.parse(at)
  return (
    <time dateTime={at} title={at} className={className}>
      {clock(then, serverNow())}
    </time>
  )
}
