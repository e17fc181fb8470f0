import { useMutation, useQueryClient } from '@tanstack/react-query'
import { ApiError } from '../../api/http.ts'
import { commands } from '../../api/queries.ts'
import type { Approval, EarlierDecision } from '../../api/types.ts'
import { messageOf } from '../../ui/states.tsx'
import { useToasts } from '../../ui/toasts.tsx'

export interface Decision {
  readonly approval: Approval
  readonly approved: boolean
  readonly reason: string | null
}

/** Decides one approval. The list changes only after the server said yes: an agent's call must never look decided when it is not. */
export function useDecision() {
  const client = useQueryClient()
  const toasts = useToasts()
  return useMutation({
    mutationFn: ({ approval, approved, reason }: Decision) => commands.decideApproval(approval.id, approved, reason),
    onSuccess: (_, { approval, approved }) => {
      client.setQueriesData<readonly Approval[]>({ queryKey: ['approvals', 'pending'] }, (list) =>
        list?.filter((other) => other.id !== approval.id),
      )
      toasts.done(`${approved ? 'Approved' : 'Denied'} ${approval.tool_name}`, `for ${approval.agent_id}`)
    },
    onError: (error, { approval }) => {
      if (error instanceof ApiError && error.status === 409)
        toasts.failed(`${approval.tool_name} is no longer waiting`, endOf(error.decision))
      else toasts.failed(`${approval.tool_name} is still waiting`, messageOf(error))
    },
    onSettled: () =>
      client.invalidateQueries({ predicate: ({ queryKey }) => ['approvals', 'stats'].includes(String(queryKey[0])) }),
  })
}

function endOf(decision: EarlierDecision | null): string {
  if (decision === null) return 'Someone else was faster, or its time ran out.'
  if (decision.status === 'timeout') return 'Its time ran out before anybody decided.'
  const how = decision.status === 'approved' ? 'Approved' : 'Denied'
  return decision.decided_by === null ? `${how} already.` : `${how} by ${decision.decided_by}.`
}
