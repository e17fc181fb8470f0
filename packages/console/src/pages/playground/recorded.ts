import type { AuditEvent } from '../../api/types.ts'
import { argumentsText, type CallText, NO_CALL } from '../contracts/shared/call.ts'

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A recorded call as a person would have written it. Its arguments are as they were recorded, that is redacted. */
export function callOf(event: AuditEvent): CallText {
  const { tool_args, environment, principal } = event.payload ?? {}
  const who = isRecord(principal) ? principal : {}
  const text = (...values: unknown[]) => values.find((value): value is string => typeof value === 'string') ?? ''
  return {
    ...NO_CALL,
    tool: event.tool_name,
    args: isRecord(tool_args) ? argumentsText(tool_args) : '',
    env: text(environment),
    role: text(who.role),
    user: text(who.user_id, who.userId),
    claims: isRecord(who.claims) ? argumentsText(who.claims) : '',
  }
}
