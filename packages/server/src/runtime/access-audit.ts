import type { Governance } from '../governance/governance.ts'
import { actorOf, type Caller } from '../identity/caller.ts'
import type { Clock } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'

/** Access to what is kept secret, as the audit log holds it: who, what, where, and whether it was given. Never a value. */
export interface AccessAudit {
  /**
   * Resolves once it is stored. Who gives something out waits for it, so that nothing leaves unrecorded.
   * @param action such as `secret.read`
   * @param about what it was about, such as a path
   * @param refusal why it was refused; null when it was not
   */
  record(
    caller: Caller,
    action: string,
    about: Readonly<Record<string, unknown>>,
    refusal: string | null,
  ): Promise<void>
}

/** No environment of agents: their keys, which read the events of their own, see nothing of this. */
const ENVIRONMENT = 'system'

export function createAccessAudit(deps: {
  events: Pick<Governance['events'], 'recordOwn'>
  clock: Clock
  random: Random
}): AccessAudit {
  const { events, clock, random } = deps
  return {
    async record(caller, action, about, refusal) {
      const id = random.uuid()
      await events.recordOwn(
        {
          call_id: id,
          agent_id: actorOf(caller),
          tool_name: action,
          verdict: refusal === null ? 'call_allowed' : 'call_denied',
          mode: 'enforce',
          timestamp: new Date(clock.now()).toISOString(),
          payload: {
            event_id: id,
            tool_args: about,
            decision_source: 'access',
            decision_name: refusal === null ? action.replace('.', '_') : `${action.split('.')[0]}_access_denied`,
            ...(refusal === null ? {} : { reason: refusal }),
            ...(caller.kind === 'execution' ? { execution_id: caller.executionId } : {}),
          },
        },
        { tenantId: caller.tenantId, env: ENVIRONMENT },
      )
    },
  }
}
