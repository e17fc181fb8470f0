import type { Approval } from '../../api/types.ts'
import { useNow } from '../../ui/ticker.ts'
import { duration } from '../../ui/time.ts'

/** Whether the agent that asked still listens; nothing while it does, once it was answered, or when the server does not say. */
export function Asker({ approval }: { approval: Approval }) {
  const now = useNow()
  if (approval.status !== 'pending' || approval.asker !== 'detached') return null
  const seen = Date.parse(approval.asker_seen_at ?? approval.created_at)
  const seconds = Math.max(0, Math.round((now - seen) / 1_000))
  return <span className="text-ask">asker not seen for {duration(seconds)}</span>
}
