import { systemScope, type TenantScope } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import { microsOf } from '../../storage/instants.ts'
import { storableText } from '../../storage/storable.ts'
import { draft, type EventDraft } from '../record/events.ts'
import type { TenantEvents } from '../record/tenant-events.ts'
import type { Incident, IncidentStore } from './store.ts'

const LONGEST_DETAILS = 2000
const KEPT_MS = 90 * 86_400_000

/** What was refused, with what else its event tells of it. */
export type Reported = Omit<Incident, 'id' | 'occurredAt' | 'category' | 'details'> &
  (
    | { readonly category: 'seal_session_revoked'; readonly sessionId: string; readonly reason: string }
    | {
        readonly category: 'policy_violation_blocked' | 'seal_policy_violation_blocked'
        readonly toolName: string
        /** What it is called here, and as clients of the event streams know it. */
        readonly violation: string
        readonly violationType: string
        readonly details: string
      }
  )

/** What was refused, kept for people who look after security. */
export interface Incidents {
  /** Keep one, and tell of it as an event. It is kept when this resolves. */
  report(reported: Reported): Promise<void>
  list(scope: TenantScope, limit: number): Promise<Incident[]>
  /** Forget what is older than 90 days; the audit log keeps it as long as its own setting says. */
  sweep(): Promise<void>
}

export function createIncidents(deps: {
  store: IncidentStore
  events: Pick<TenantEvents, 'tell'>
  clock: Clock
  random: Random
}): Incidents {
  const { store, events, clock, random } = deps
  return {
    report: (reported) => {
      const { tenantId, category, agentId, executionId, sessionId, toolName } = reported
      // Whether an agent may call a tool is its own affair; whether a session may, is one of the execution it is of.
      const concerned = { tenantId, agentId, executionId: category.startsWith('seal_policy') ? executionId : null }
      return events.tell(concerned, async (within) => {
        const incident: Incident = {
          ...{ tenantId, category, agentId, executionId, sessionId },
          toolName: toolName && storableText(toolName),
          details: storableText(detailsOf(reported)).slice(0, LONGEST_DETAILS),
          id: random.uuid(),
          occurredAt: microsOf(clock.now()),
        }
        await store.insert([incident], within)
        return { made: undefined, events: [eventOf(reported)] }
      })
    },
    list: store.list,
    sweep: () => store.forget(microsOf(clock.now() - KEPT_MS), systemScope),
  }
}

const detailsOf = (reported: Reported): string =>
  reported.category === 'seal_session_revoked' ? reported.reason : `${reported.violation}: ${reported.details}`

function eventOf(reported: Reported): EventDraft {
  const { agentId: agent_id, executionId: execution_id, sessionId: session_id } = reported
  switch (reported.category) {
    case 'seal_session_revoked':
      return draft('seal_session_revoked', {
        agent_id,
        execution_id,
        session_id,
        reason: storableText(reported.reason),
      })
    case 'policy_violation_blocked':
    case 'seal_policy_violation_blocked': {
      const told = {
        agent_id,
        execution_id,
        tool_name: storableText(reported.toolName),
        violation_type: reported.violationType,
        details: storableText(reported.details).slice(0, LONGEST_DETAILS),
      }
      return reported.category === 'policy_violation_blocked'
        ? draft('policy_violation_blocked', told)
        : draft('seal_policy_violation_blocked', { ...told, session_id })
    }
  }
}
