import { actorOf } from '../../identity/caller.ts'
import type { CredentialUser } from '../credentials/values.ts'
import type { Execution } from '../record/execution.ts'
import type { ToolCaller } from '../tools/tool.ts'

/** Who a caller of tools is to whoever owns credentials: its execution; or, without one, whoever calls. */
export function createUserOf(
  executionOf: (caller: ToolCaller, id: string) => Promise<Execution>,
): (caller: ToolCaller) => Promise<CredentialUser> {
  return async (caller) => {
    if (caller.executionId !== null) return executionOf(caller, caller.executionId)
    const { principal, tenantId, agentId } = caller
    const name = actorOf(principal)
    return { id: '', caller: principal, tenantId, agentId: agentId ?? '', agentName: name, startedBy: name }
  }
}
