import type { Logger } from 'pino'
import type { Workers } from '../operations/workers.ts'
import type { Bus } from '../ports/bus.ts'
import type { Clock } from '../ports/clock.ts'
import type { Database } from '../storage/database.ts'
import { createIdempotency, type Idempotency } from './idempotency/idempotency.ts'
import { createIdempotencyStore } from './idempotency/store.ts'
import { createOutboxStore, type OutboxStore } from './outbox/store.ts'
import { createStreamLog, type StreamLog } from './stream-log.ts'

const IDEMPOTENCY_SWEEP_MS = 3_600_000

/** What happened, and who hears of it. */
export interface Changes {
  /** Changes written with what live streams are told of them. */
  readonly log: StreamLog
  /** A request that is repeated is answered as it was the first time. */
  readonly idempotency: Idempotency
  /** What is owed to people outside. */
  readonly outbox: OutboxStore
}

export function createChanges(deps: {
  database: Database
  bus: Bus
  clock: Clock
  logger: Logger
  workers: Workers
}): Changes {
  const { database, clock, logger, workers } = deps
  const idempotency = createIdempotency({ store: createIdempotencyStore(database), clock })
  workers.every('idempotency_sweep', IDEMPOTENCY_SWEEP_MS, () => idempotency.purge())
  return {
    log: createStreamLog({ ...deps, onPublishError: (err) => logger.error({ err }, 'bus refused a message') }),
    idempotency,
    outbox: createOutboxStore(database),
  }
}
