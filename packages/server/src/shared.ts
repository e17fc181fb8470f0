import type { Logger } from 'pino'
import type { Config } from './config.ts'
import type { StreamLog } from './governance/stream/log.ts'
import type { Metrics } from './operations/metrics.ts'
import type { Workers } from './operations/workers.ts'
import type { Bus } from './ports/bus.ts'
import type { OpenChatModel } from './ports/chat-model.ts'
import type { Clock } from './ports/clock.ts'
import type { Fetches } from './ports/fetch.ts'
import type { Mail } from './ports/mail.ts'
import type { ModelPorts } from './ports/model.ts'
import type { Outbound } from './ports/outbound.ts'
import type { Random } from './ports/random.ts'
import type { RateLimiter } from './ports/rate-limiter.ts'
import type { Sandbox } from './ports/sandbox.ts'
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
  /** Models that tenants configured for the assistant. */
  readonly openChat: OpenChatModel
  /** Models that agents work with. */
  readonly models: ModelPorts
  /** What this machine offers; what runs in it bears the mark of `owner`. @throws StartupError. */
  readonly openSandbox: (owner: string) => Promise<Sandbox>
  readonly log: StreamLog
  readonly workers: Workers
  readonly metrics: Metrics
}
