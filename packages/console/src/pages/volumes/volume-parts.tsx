import { Badge } from '../../ui/badge.tsx'
import { useAtNow } from '../../ui/ticker.ts'
import { countdown } from '../../ui/time.ts'
import { When } from '../../ui/when.tsx'
import type { Volume } from './queries.ts'

/** Its class, and whether a run has it. */
export function VolumeBadges({ volume }: { volume: Volume }) {
  return (
    <>
      <Badge>{volume.storage_class}</Badge>
      {volume.status === 'attached' && <Badge tone="observe">a run has it</Badge>}
    </>
  )
}

/** Since when it is there, and how long an ephemeral one stays. */
export function Goes({ volume, className }: { volume: Volume; className?: string }) {
  return (
    <span className={className}>
      made <When at={volume.created_at} />
      {volume.expires_at && (
        <>
          , <Left at={volume.expires_at} />
        </>
      )}
    </span>
  )
}

function Left({ at }: { at: string }) {
  const then = Date.parse(at)
  return <span>{useAtNow((now) => (then > now ? `goes in ${countdown(then - now)}` : 'goes now'))}</span>
}
