import type { Micros } from '../instants.ts'
import { DIGEST_BYTES, type DigestedEvent, writeEventDigest } from './digests.ts'
import type { EventValues } from './event-table.ts'

/** A tenant's events of one commit, which have numbers without a gap: what a link of its chain is made of. */
export interface CommittedStretch {
  readonly tenantId: string
  /** The number (`seq`) of the first. */
  readonly start: number
  readonly count: number
  /** One behind the other. */
  readonly digests: Buffer
}

/** The places of the rows, each tenant's behind the other, in the order in which they stand. */
export function placesByTenant(rows: readonly EventValues[]): number[] {
  const places = rows.map((_, place) => place)
  const first = rows[0]?.[1]
  if (rows.every((row) => row[1] === first)) return places
  const tenantAt = (place: number) => rows[place]?.[1] ?? ''
  return places.sort((a, b) => (tenantAt(a) < tenantAt(b) ? -1 : tenantAt(a) > tenantAt(b) ? 1 : a - b))
}

/** The links of rows that stand tenant by tenant and were numbered from `start`. */
export function stretchesOf(rows: readonly EventValues[], start: number, arrivedAt: Micros): CommittedStretch[] {
  const stretches: CommittedStretch[] = []
  for (let from = 0; from < rows.length; ) {
    const tenantId = rows[from]?.[1] ?? ''
    let to = from
    while (to < rows.length && rows[to]?.[1] === tenantId) to++
    const digests = Buffer.allocUnsafe((to - from) * DIGEST_BYTES)
    for (let place = from; place < to; place++)
      writeEventDigest(digested(rows[place] as EventValues, arrivedAt), digests, (place - from) * DIGEST_BYTES)
    stretches.push({ tenantId, start: start + from, count: to - from, digests })
    from = to
  }
  return stretches
}

function digested(row: EventValues, createdAt: Micros): DigestedEvent {
  const [id, tenantId, callId, agentId, toolName, verdict, mode, env, timestamp, decisionName, payload] = row
  // Written out, because an object that is put together of others costs as much as the digest.
  return { id, tenantId, callId, agentId, toolName, verdict, mode, env, timestamp, decisionName, payload, createdAt }
}
