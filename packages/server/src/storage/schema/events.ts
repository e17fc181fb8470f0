import type { Generated } from 'kysely'

export interface EventRow {
  /** Of the events of one commit, which have numbers without a gap, in their order. */
  seq: Generated<number>
  /** Made of what makes an event a duplicate, so that its uniqueness is the de-duplication. */
  id: string
  tenant_id: string
  call_id: string
  agent_id: string
  tool_name: string
  verdict: string
  mode: string
  env: string | null
  timestamp: number
  /** `payload.decision_name`, or ''. */
  decision_name: string
  payload: string | null
  /** The payload as lists show it, where they do not show it whole. */
  preview: string | null
  created_at: number
}

/** How far the chain of a tenant's events goes. */
export interface EventChainRow {
  tenant_id: string
  /** The number of the last link. */
  links: number
  /** The place in the order of arrival that the next event gets. */
  next_seq: number
  /** Of the last link, or 32 zero bytes. */
  digest: Uint8Array
  /** What is left begins with this link; purges took the earlier ones. */
  first_link: number
  first_seq: number
  /** Of the link before it. */
  first_digest: Uint8Array
  /** The number of the last event that was stored before chains were kept. */
  unchained: Generated<number>
  /** A purge of what arrived before this instant was begun and not finished. */
  purging_before: number | null
}

/** A link of a tenant's chain: the events of one commit, or an entry that stands for itself. */
export interface EventLinkRow {
  tenant_id: string
  /** From 1, without gaps. */
  number: number
  /** The place in the order of arrival of its first event; of an entry, of the event that follows. */
  first: number
  /** Of events. */
  count: number
  /** `seq` of its first event; null for an entry. */
  start: number | null
  /** Of its events, one behind the other. */
  digests: Uint8Array | null
  /** JSON; null for events. */
  entry: string | null
  digest: Uint8Array
  arrived_at: number
}

/** A signature over how far a chain went. */
export interface EventCheckpointRow {
  tenant_id: string
  /** Of the link. */
  number: number
  /** JSON of what was signed. */
  statement: string
  public_key: Uint8Array
  signature: Uint8Array
}
