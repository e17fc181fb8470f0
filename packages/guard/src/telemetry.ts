import { type Envelope, responseText } from '@lictor/contracts'
import type { AuditEvent } from './audit/event.ts'

/** The part of `@opentelemetry/api` the guard speaks to; its tracers and meters fit as they are. */
export interface TelemetryApi {
  readonly trace?: { getTracer(name: string, version?: string): Tracer }
  readonly metrics?: { getMeter(name: string, version?: string): Meter }
}

export type AttributeValue = string | number | boolean

export interface Tracer {
  startSpan(name: string, options?: { attributes?: Record<string, AttributeValue> }): Span
}

export interface Span {
  setAttribute(name: string, value: AttributeValue): unknown
  setStatus(status: { code: number; message?: string }): unknown
  end(): void
}

export interface Meter {
  createCounter(name: string): Counter
}

export interface Counter {
  add(value: number, attributes?: Record<string, AttributeValue>): void
}

const STATUS_OK = 1
const STATUS_ERROR = 2
const REFUSALS: ReadonlySet<string> = new Set([
  'call_denied',
  'call_approval_denied',
  'call_approval_timeout',
  'call_approval_failed',
  'call_cancelled',
])

/**
 * Spans and counters of governed calls. Hand it the `@opentelemetry/api` module, or anything shaped like
 * it; without one it does nothing. Nothing here ever throws.
 */
export class GovernanceTelemetry {
  readonly #tools: Tracer | null
  readonly #governance: Tracer | null
  readonly #denied: Counter | null
  readonly #allowed: Counter | null

  constructor(api: TelemetryApi = {}) {
    this.#tools = quietly(() => api.trace?.getTracer('edictum')) ?? null
    this.#governance = quietly(() => api.trace?.getTracer('edictum.governance')) ?? null
    const meter = quietly(() => api.metrics?.getMeter('edictum'))
    this.#denied = quietly(() => meter?.createCounter('edictum.calls.denied')) ?? null
    this.#allowed = quietly(() => meter?.createCounter('edictum.calls.allowed')) ?? null
  }

  startToolSpan(envelope: Envelope): ToolSpan {
    const span = quietly(() =>
      this.#tools?.startSpan(`tool.execute ${envelope.toolName}`, {
        attributes: {
          'tool.name': envelope.toolName,
          'tool.side_effect': envelope.sideEffect,
          'tool.call_index': envelope.callIndex,
          'governance.environment': envelope.environment,
          'governance.run_id': envelope.runId,
          // What OpenTelemetry's conventions for generative AI say of the execution of a tool.
          'gen_ai.operation.name': 'execute_tool',
          'gen_ai.tool.name': envelope.toolName,
          'gen_ai.tool.type': 'function',
          'gen_ai.conversation.id': envelope.runId,
          ...(envelope.toolUseId ? { 'gen_ai.tool.call.id': envelope.toolUseId } : {}),
        },
      }),
    )
    return new ToolSpan(span ?? null)
  }

  recordDenial(toolName: string): void {
    quietly(() => this.#denied?.add(1, { 'tool.name': toolName }))
  }

  recordAllowed(toolName: string): void {
    quietly(() => this.#allowed?.add(1, { 'tool.name': toolName }))
  }

  /** One `edictum.evaluate` span for one audit event. */
  evaluationSpan(event: AuditEvent): void {
    if (this.#governance === null) return
    quietly(() => {
      const span = this.#governance?.startSpan('edictum.evaluate', { attributes: evaluationAttributes(event) })
      span?.setStatus(
        REFUSALS.has(event.action)
          ? { code: STATUS_ERROR, ...(event.reason ? { message: event.reason } : {}) }
          : { code: STATUS_OK },
      )
      span?.end()
    })
  }
}

function evaluationAttributes(event: AuditEvent): Record<string, AttributeValue> {
  const attributes: Record<string, AttributeValue> = {
    'edictum.tool.name': event.toolName,
    'edictum.verdict': event.action,
    'edictum.verdict.reason': event.reason ?? '',
    'edictum.decision.source': event.decisionSource ?? '',
    'edictum.decision.name': event.decisionName ?? '',
    'edictum.side_effect': event.sideEffect,
    'edictum.environment': event.environment,
    'edictum.mode': event.mode,
    'edictum.session.attempt_count': event.sessionAttemptCount,
    'edictum.session.execution_count': event.sessionExecutionCount,
    'edictum.tool.args': responseText(event.toolArgs) ?? '{}',
  }
  const { principal } = event
  if (principal?.role) attributes['edictum.principal.role'] = principal.role
  if (principal?.ticketRef) attributes['edictum.principal.ticket_ref'] = principal.ticketRef
  if (principal?.userId) attributes['edictum.principal.user_id'] = principal.userId
  if (principal?.orgId) attributes['edictum.principal.org_id'] = principal.orgId
  if (event.policyVersion) attributes['edictum.policy_version'] = event.policyVersion
  if (event.policyError) attributes['edictum.policy_error'] = true
  return attributes
}

/** The span around one call; ends once, whatever is asked of it. */
export class ToolSpan {
  readonly #span: Span | null
  #ended = false

  constructor(span: Span | null) {
    this.#span = span
  }

  set(name: string, value: AttributeValue): void {
    quietly(() => this.#span?.setAttribute(name, value))
  }

  ok(): void {
    quietly(() => this.#span?.setStatus({ code: STATUS_OK }))
  }

  error(message: string): void {
    quietly(() => this.#span?.setStatus({ code: STATUS_ERROR, message }))
  }

  end(): void {
    if (this.#ended) return
    this.#ended = true
    quietly(() => this.#span?.end())
  }
}

function quietly<T>(act: () => T): T | undefined {
  try {
    return act()
  } catch {
    // A broken exporter must not decide over a tool call.
    return undefined
  }
}
