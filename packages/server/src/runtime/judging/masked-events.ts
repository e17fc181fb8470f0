import type { Governance } from '../../governance/governance.ts'
import type { Masks } from '../masking/masks.ts'

/** The audit log, without what the execution that an event is of was handed in secret. */
export function maskedEvents(events: Governance['events'], masks: Pick<Masks, 'of'>): Governance['events'] {
  return {
    ...events,
    recordOwn: (event, origin) => {
      const { execution_id: id } = (event as { payload?: { execution_id?: unknown } | null }).payload ?? {}
      return events.recordOwn(typeof id === 'string' ? masks.of(id).value(event) : event, origin)
    },
  }
}
