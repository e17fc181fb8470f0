import type { RedactionPolicy } from '@lictor/contracts'
import { type AuditEvent, type AuditSink, auditToWire, auditWireText, type NewId } from '@lictor/guard'
import { SCOPE_CONTRACT, SCOPE_SOURCE } from '../check/scope.ts'

/** Whose calls are recorded. */
export interface RecordedAs {
  readonly agentId: string
  readonly environment: string
  readonly assistant: string
  readonly user: string
  readonly folder: string
  readonly subAgent: string | null
}

/** What was told of one call. */
export interface Told {
  readonly sink: AuditSink
  contractsEvaluated(): number
  /** The first contract that only observes, and would have refused. */
  observed(): { readonly contract: string | null; readonly reason: string | null }
}

export interface Recorder {
  begin(bundleName: string | null): Told
}

/**
 * Makes each event the line that travels to the console, and hands it on. What cannot be written down changes nothing of what
 * was decided.
 */
export function createRecorder(deps: {
  readonly as: RecordedAs
  readonly newId: NewId
  readonly redaction: RedactionPolicy
  readonly write: (line: string) => void
}): Recorder {
  const { as, newId, redaction, write } = deps
  const line = (event: AuditEvent, bundleName: string | null): string => {
    const origin = { agentId: as.agentId, eventId: newId(), bundleName, environment: as.environment }
    const wire = auditToWire(event, origin)
    const payload = {
      ...wire.payload,
      ...(event.decisionName === SCOPE_CONTRACT ? { decision_source: SCOPE_SOURCE } : {}),
      assistant: as.assistant,
      user: as.user,
      cwd: as.folder,
      ...(as.subAgent === null ? {} : { sub_agent: as.subAgent }),
    }
    return auditWireText({ ...wire, payload }, redaction)
  }
  return {
    begin(bundleName) {
      let evaluated = 0
      let observed: { contract: string | null; reason: string | null } | null = null
      return {
        sink: {
          emit(event) {
            evaluated = Math.max(evaluated, event.contractsEvaluated.length)
            if (event.action === 'call_would_deny') observed ??= { contract: event.decisionName, reason: event.reason }
            write(line(event, bundleName))
          },
        },
        contractsEvaluated: () => evaluated,
        observed: () => observed ?? { contract: null, reason: null },
      }
    },
  }
}
