import type { Logger } from 'pino'
import type { Config } from './config.ts'
import type { StreamLog } from './governance/stream/log.ts'
import type { Metrics } from './operations/metrics.ts'
import type { Workers } from './operations/workers.ts'
import type { Bus } from './ports/bus.ts'
import type { Clock } from './ports/clock.ts'
import type { Fetches } from './ports/fetch.ts'
import type { Mail } from './ports/mail.ts'
import type { Outbound } from './ports/outbound.ts'
import type { Random } from './ports/random.ts'
import type { RateLimiter } from './ports/rate-limiter.ts'
import type { SecretBox } from './ports/secret-box.ts'
import type { Database } from './storage/database.ts'

/** What `app.ts` chose, as each room receives it. */
export interface Shared {
  readonly config: Config
  readonly logger: Logger
  readonly clock: Clock
  readonly random: Random
  readonly database: Database
  readonly bus: Bus
  readonly limiter: RateLimiter
  readonly secretBox: SecretBox
  readonly outbound: Outbound
  readonly fetches: Fetches
  readonly mail: Mail
  readonly log: StreamLog
  readonly workers: Workers
  readonly metrics: Metrics
}
