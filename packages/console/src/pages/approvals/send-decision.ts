import { useQueryClient } from '@tanstack/react-query'
import { ApiError } from '../../api/http.ts'
import type { Approval, EarlierDecision } from '../../api/types.ts'
import { useSignedOut } from '../../app/sign-out.ts'
import { useRefresh } from '../../live/live.tsx'
import { messageOf } from '../../ui/states.tsx'
import { useToasts } from '../../ui/toasts.tsx'
import type { Answer, Sent } from './deciding.ts'
import { decideApproval } from './queries.ts'

/** Sends decisions and says what became of them. The list changes only after the server said yes. */
export function useSendDecision(): (sent: Sent, approval: Approval | undefined) => Promise<Answer> {
  const client = useQueryClient()
  const refresh = useRefresh()
  const toasts = useToasts()
  const signedOut = useSignedOut()
  return async ({ id, approved, reason, lasting }, approval) => {
    const tool = approval?.tool_name ?? 'The call'
    try {
      const decided = await decideApproval(id, approved, reason, lasting)
      client.setQueryData(['approvals', 'one', id], decided)
      client.setQueriesData<readonly Approval[]>({ queryKey: ['approvals', 'pending'] }, (list) =>
        list?.filter((other) => other.id !== id),
      )
      toasts.done(`${approved ? 'Approved' : 'Denied'} ${tool}`, `for ${decided.agent_id}`, id)
      return { kind: 'taken' }
    } catch (error) {
      if (error instanceof ApiError && error.status === 409) {
        toasts.failed(`${tool} is no longer waiting`, endOf(error.decision), id)
        return { kind: 'late' }
      }
      toasts.failed(`Not sent: ${tool} is still waiting`, messageOf(error), id)
      if (error instanceof ApiError && error.status === 401) signedOut()
      return { kind: 'failed', why: messageOf(error) }
    } finally {
      refresh(['approvals', 'stats'])
    }
  }
}

function endOf(decision: EarlierDecision | null): string {
  if (decision === null) return 'Someone else was faster, or its time ran out.'
  if (decision.status === 'withdrawn') return 'What asked for it has ended.'
  if (decision.status === 'timeout') return 'Its time ran out before anybody decided.'
  const how = decision.status === 'approved' ? 'Approved' : 'Denied'
  return decision.decided_by === null ? `${how} already.` : `${how} by ${decision.decided_by}.`
}
