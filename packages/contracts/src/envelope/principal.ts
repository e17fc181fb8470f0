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

/** A class, so that a principal that is frozen and copied already is recognised and not copied again. */
class FrozenPrincipal implements Principal {
  readonly userId: string | null
  readonly serviceId: string | null
  readonly orgId: string | null
  readonly role: string | null
  readonly ticketRef: string | null
  readonly claims: Readonly<Record<string, unknown>>

  constructor(input: PrincipalInput) {
    this.userId = text(input.userId ?? input.user_id)
    this.serviceId = text(input.serviceId ?? input.service_id)
    this.orgId = text(input.orgId ?? input.org_id)
    this.role = text(input.role)
    this.ticketRef = text(input.ticketRef ?? input.ticket_ref)
    this.claims = input.claims ? frozenRecord(input.claims) : EMPTY_RECORD
    Object.freeze(this)
  }
}

/** Frozen principal from an input; claims are copied deeply. A principal made here is returned as it is. */
export function createPrincipal(input: PrincipalInput): Principal {
  return input instanceof FrozenPrincipal ? input : new FrozenPrincipal(input)
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
