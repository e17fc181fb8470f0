import type { AuditEvent } from './types.ts'

/**
 * A text of an event's payload, or null. Payloads come from agents and are stored as sent, so any field may be missing or
 * of another type than the SDKs send.
 */
export function payloadText(event: AuditEvent, field: string): string | null {
  const value = event.payload?.[field]
  return typeof value === 'string' && value !== '' ? value : null
}
