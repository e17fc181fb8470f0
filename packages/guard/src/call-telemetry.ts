import type { Envelope, PostDecision } from '@lictor/contracts'
import type { GovernanceTelemetry, ToolSpan } from './telemetry.ts'

/** What OpenTelemetry hears of one call: its span, and the counters of allowed and denied calls. */
export class CallTelemetry {
  readonly #telemetry: GovernanceTelemetry
  readonly #toolName: string
  readonly #span: ToolSpan

  constructor(telemetry: GovernanceTelemetry, envelope: Envelope, policyVersion: string | null) {
    this.#telemetry = telemetry
    this.#toolName = envelope.toolName
    this.#span = telemetry.startToolSpan(envelope)
    if (policyVersion) this.#span.set('edictum.policy_version', policyVersion)
  }

  allowed(action: 'allowed' | 'approved'): void {
    this.#telemetry.recordAllowed(this.#toolName)
    this.#span.set('governance.action', action)
  }

  /** A guard that observes would have denied the call. */
  wouldDeny(reason: string): void {
    this.#telemetry.recordDenial(this.#toolName)
    this.#span.set('governance.action', 'would_deny')
    this.#span.set('governance.would_deny_reason', reason)
  }

  denied(reason: string): void {
    this.#telemetry.recordDenial(this.#toolName)
    this.#span.set('governance.action', 'denied')
    this.#span.set('governance.reason', reason)
    this.#span.set('error.type', 'EdictumDenied')
    this.#span.error(reason)
  }

  toolEnded({ toolSuccess, postconditionsPassed }: PostDecision): void {
    this.#span.set('governance.tool_success', toolSuccess)
    this.#span.set('governance.postconditions_passed', postconditionsPassed)
    if (toolSuccess) this.#span.ok()
    else this.#span.set('error.type', 'EdictumToolError')
  }

  failed(message: string): void {
    this.#span.error(message)
  }

  end(): void {
    this.#span.end()
  }
}
