import type { Principal } from '../types.ts'
import { EMPTY_RECORD, frozenRecord } from './copy.ts'

/** A principal as callers write it, in the names of code or of the wire. Fields of another type count as absent. */
export interface PrincipalInput {
  readonly userId?: string | null
  readonly user_id?: string | null
  readonly serviceId?: string | null
  readonly service_id?: string | null
  readonly orgId?: string | null
  readonly org_id?: string | null
  readonly role?: string | null
  readonly ticketRef?: string | null
  readonly ticket_ref?: string | null
  readonly claims?: Readonly<Record<string, unknown>> | null
}

const made = new WeakSet<object>()

/** Frozen principal from an input; claims are copied deeply. A principal made here is returned as it is. */
export function createPrincipal(input: PrincipalInput): Principal {
  if (made.has(input)) return input as Principal
  const principal: Principal = Object.freeze({
    userId: text(input.userId ?? input.user_id),
    serviceId: text(input.serviceId ?? input.service_id),
    orgId: text(input.orgId ?? input.org_id),
    role: text(input.role),
    ticketRef: text(input.ticketRef ?? input.ticket_ref),
    claims: input.claims ? frozenRecord(input.claims) : EMPTY_RECORD,
  })
  made.add(principal)
  return principal
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
