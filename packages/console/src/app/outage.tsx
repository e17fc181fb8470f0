import { CloudOff } from 'lucide-react'
import { useState } from 'react'
import { serverNow } from '../api/clock.ts'
import { useLiveStatus } from '../live/live.tsx'
import { clock } from '../ui/time.ts'

/** Says that the server is away, since when, and what that means; gone by itself when it is back. */
export function Outage() {
  const isAway = useLiveStatus() === 'away'
  const [since, setSince] = useState<number | null>(null)
  if (isAway && since === null) setSince(serverNow())
  if (!isAway && since !== null) setSince(null)
  return (
    <div role="alert" className="shrink-0">
      {isAway && since !== null && (
        <p className="flex flex-wrap items-center gap-x-2 border-deny/40 border-b bg-deny-soft px-4 py-2 text-sm">
          <CloudOff className="size-4 shrink-0 text-deny" aria-hidden />
          <strong className="font-semibold">The server does not answer.</strong>
          <span>
            What you see is from {clock(since, since)}. Countdowns and decisions are stopped; the console comes back by
            itself.
          </span>
        </p>
      )}
    </div>
  )
}
