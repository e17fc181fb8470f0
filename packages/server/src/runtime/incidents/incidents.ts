import { systemScope, type TenantScope } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import { microsOf } from '../../storage/instants.ts'
import { storableText } from '../../storage/storable.ts'
import type { Incident, IncidentStore } from './store.ts'

const LONGEST_DETAILS = 2000
const KEPT_MS = 90 * 86_400_000

/** What was refused, kept for people who look after security. */
export interface Incidents {
  /** Keep one. It is kept when this resolves. */
  report(incident: Omit<Incident, 'id' | 'occurredAt'>): Promise<void>
  list(scope: TenantScope, limit: number): Promise<Incident[]>
  /** Forget what is older than 90 days; the audit log keeps it as long as its own setting says. */
  sweep(): Promise<void>
}

export function createIncidents(deps: { store: IncidentStore; clock: Clock; random: Random }): Incidents {
  const { store, clock, random } = deps
  return {
    report: (incident) =>
      store.insert([
        {
          ...incident,
          toolName: incident.toolName && storableText(incident.toolName),
          details: storableText(incident.details).slice(0, LONGEST_DETAILS),
          id: random.uuid(),
          occurredAt: microsOf(clock.now()),
        },
      ]),
    list: store.list,
    sweep: () => store.forget(microsOf(clock.now() - KEPT_MS), systemScope),
  }
}
