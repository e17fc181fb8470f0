import type { Logger } from 'pino'
import { InvalidInput } from '../../errors.ts'
import { type SystemScope, scopeOfRecord, systemScope, type TenantScope } from '../../identity/scope.ts'
import type { Workers } from '../../operations/workers.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import {
  appendEntry,
  chainedTenants,
  cutOf,
  cutOff,
  headOf,
  isSigned,
  keepCheckpoint,
} from '../../storage/events/chains.ts'
import type { PurgedStretch } from '../../storage/events/event-table.ts'
import { type Micros, microsOf, toWireTime } from '../../storage/instants.ts'

const CHECKPOINT_MS = 60_000
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** A tenant's key, as far as the ledger uses it. */
export interface LedgerKey {
  readonly publicKey: Uint8Array
  sign(bytes: Uint8Array): Uint8Array
}

export interface LedgerSigning {
  /** The tenant's active key, or null. @throws InvalidInput when it cannot be opened. */
  activeKey(scope: TenantScope, within: Queryable): Promise<LedgerKey | null>
}

/** What makes the audit log's chain evidence: signed checkpoints, entries for what was done to it, purges that leave a trace. */
export interface Ledger {
  /** Sign how far the tenant's chain goes, unless that is signed already. */
  checkpoint(scope: TenantScope, within?: Queryable): Promise<void>
  /** The tenant signs with another key from here on. Within the transaction that replaces it. */
  keyReplaced(scope: TenantScope, previous: LedgerKey | null, current: LedgerKey, within: Queryable): Promise<void>
  /** Delete the tenant's events that arrived before `cutoff`, and say so in its chain; how many there were. */
  purge(scope: TenantScope, cutoff: Micros): Promise<number>
  /** The same for every tenant at once, and give the disk back. */
  purgeAll(scope: SystemScope, cutoff: Micros): Promise<number>
}

export function createLedger(deps: {
  database: Database
  clock: Clock
  signing: LedgerSigning
  workers: Workers
  logger: Logger
}): Ledger {
  const { database, clock, signing, workers, logger } = deps
  const { db } = database
  const now = () => microsOf(clock.now())

  async function keyOf(scope: TenantScope, within: Queryable): Promise<LedgerKey | null> {
    try {
      return await signing.activeKey(scope, within)
    } catch (err) {
      if (!(err instanceof InvalidInput)) throw err
      logger.warn({ err, tenantId: scope.tenantId }, "the audit log's chain cannot be signed")
      return null
    }
  }

  async function checkpointWithin(scope: TenantScope, within: Queryable): Promise<void> {
    const head = await headOf(within, scope)
    if (!head || head.links === 0) return
    const { tenantId } = scope
    const key = (await isSigned(within, scope, head.links)) ? null : await keyOf(scope, within)
    if (!key) return
    // Sorted names and plain values: this is its RFC 8785 form.
    const statement = JSON.stringify({
      at: toWireTime(now()),
      digest: hex(head.digest),
      link: head.links,
      next_seq: head.nextSeq,
      tenant_id: tenantId,
    })
    await keepCheckpoint(within, scope, {
      number: head.links,
      statement,
      publicKey: key.publicKey,
      signature: key.sign(Buffer.from(statement)),
    })
  }

  const checkpoint: Ledger['checkpoint'] = (scope, within) =>
    within
      ? checkpointWithin(scope, within)
      : db.transaction().execute((transaction) => checkpointWithin(scope, transaction))

  /** Cut the chain, say so in it and sign that; what is to be deleted now. */
  function cut(scope: TenantScope, cutoff: Micros): Promise<PurgedStretch | undefined> {
    return db.transaction().execute(async (within) => {
      const found = await cutOf(within, scope, cutoff)
      if (!found) return undefined
      const head = await headOf(within, scope)
      const entry = JSON.stringify({
        kind: 'purged',
        at: toWireTime(now()),
        arrived_before: toWireTime(found.cutoff),
        from_seq: head?.firstSeq ?? 1,
        to_seq: found.firstSeq - 1,
        to_link: found.firstLink - 1,
        digest: hex(found.digest),
      })
      await appendEntry(within, scope, entry, now())
      await cutOff(within, scope, found)
      await checkpointWithin(scope, within)
      return { tenantId: scope.tenantId, cutoff: found.cutoff }
    })
  }

  workers.every('event_checkpoint', CHECKPOINT_MS, async () => {
    for (const scope of (await chainedTenants(db, systemScope)).map(scopeOfRecord)) await checkpoint(scope)
  })

  return {
    checkpoint,
    async keyReplaced(scope, previous, current, within) {
      const statement = JSON.stringify({
        at: toWireTime(now()),
        previous_public_key: previous && hex(previous.publicKey),
        public_key: hex(current.publicKey),
        tenant_id: scope.tenantId,
      })
      const signature = previous && hex(previous.sign(Buffer.from(statement)))
      await appendEntry(within, scope, JSON.stringify({ kind: 'key_rotated', statement, signature }), now())
      await checkpointWithin(scope, within)
    },
    async purge(scope, cutoff) {
      const stretch = await cut(scope, cutoff)
      if (!stretch) return 0
      const deleted = await database.events.purge([stretch])
      await database.events.reclaim()
      return deleted
    },
    async purgeAll(_everywhere, cutoff) {
      const stretches: PurgedStretch[] = []
      for (const scope of (await chainedTenants(db, systemScope)).map(scopeOfRecord)) {
        const stretch = await cut(scope, cutoff)
        if (stretch) stretches.push(stretch)
      }
      if (stretches.length === 0) return 0
      const deleted = await database.events.purge(stretches)
      await database.events.reclaim()
      return deleted
    },
  }
}

const DAY_MS = 86_400_000
const RETENTION_MS = 3_600_000

/** Delete, once an hour, what arrived longer ago than events are kept. */
export function keepEventsFor(
  days: number,
  { ledger, clock, workers }: { ledger: Ledger; clock: Clock; workers: Workers },
): void {
  workers.every('event_retention', RETENTION_MS, async () => {
    await ledger.purgeAll(systemScope, microsOf(clock.now() - days * DAY_MS))
  })
}
