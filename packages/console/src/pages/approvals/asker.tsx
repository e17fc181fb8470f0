import type { Approval } from '../../api/types.ts'
import { useAtNow } from '../../ui/ticker.ts'
import { duration } from '../../ui/time.ts'

/** Whether the agent that asked still listens; nothing while it does, once it was answered, or when the server does not say. */
export function Asker({ approval }: { approval: Approval }) {
  const seen = Date.parse(approval.asker_seen_at ?? approval.created_at)
  const unseen = useAtNow((now) => duration(Math.max(0, Math.round((now - seen) / 1_000))))
  if (approval.status !== 'pending' || approval.asker !== 'detached') return null
  return <span className="text-ask">asker not seen for {unseen}</span>
}
