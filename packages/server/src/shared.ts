import type { Logger } from 'pino'
import type { Changes } from './changes/changes.ts'
import type { Config } from './config.ts'
import type { Metrics } from './operations/metrics.ts'
import type { Workers } from './operations/workers.ts'
import type { Blobs } from './ports/blobs.ts'
import type { Bus } from './ports/bus.ts'
import type { OpenChatModel } from './ports/chat-model.ts'
import type { Clock } from './ports/clock.ts'
import type { Egress } from './ports/egress.ts'
import type { Fetches } from './ports/fetch.ts'
import type { Mail } from './ports/mail.ts'
import type { McpProcesses } from './ports/mcp-processes.ts'
import type { ModelPorts } from './ports/model.ts'
import type { Outbound } from './ports/outbound.ts'
import type { Payments } from './ports/payments.ts'
import type { Random } from './ports/random.ts'
import type { RateLimiter } from './ports/rate-limiter.ts'
import type { Sandbox } from './ports/sandbox.ts'
import type { SecretBox } from './ports/secret-box.ts'
import type { SecretStore } from './ports/secrets.ts'
import type { WebSearch } from './ports/web-search.ts'
import type { WindowCounters } from './ports/window-counters.ts'
import type { Database } from './storage/database.ts'

/** What `app.ts` chose, as each room receives it. */
export interface Shared extends Changes {
  readonly config: Config
  readonly logger: Logger
  readonly clock: Clock
  readonly random: Random
  readonly database: Database
  readonly bus: Bus
  readonly limiter: RateLimiter
  /** What limits by tier, tenant and user count. */
  readonly counters: WindowCounters
  readonly secretBox: SecretBox
  readonly secretStore: SecretStore
  readonly outbound: Outbound
  readonly fetches: Fetches
  readonly mail: Mail
  /** What `web.search` asks; a sentence that says which setting is missing where there is none. */
  readonly search: WebSearch | string
  /** Null: nothing is sold here. */
  readonly payments: Payments | null
  /** Files of volumes. */
  readonly blobs: Blobs
  /** Models that tenants configured for the assistant. */
  readonly openChat: OpenChatModel
  /** Models that agents work with. */
  readonly models: ModelPorts
  /** What this machine offers; what runs in it bears the mark of `owner`. @throws StartupError. */
  readonly openSandbox: (owner: string) => Promise<Sandbox>
  /** What agents in sandboxes reach. */
  readonly egress: Egress
  /** Containers, for agents that ask for them where that is not what this machine offers to all. @throws SandboxError. */
  readonly openDocker: (owner: string) => Promise<Sandbox>
  /** Where MCP servers of this node run; what runs there bears the mark of `owner`. */
  readonly openMcpProcesses: (owner: string) => McpProcesses
  readonly workers: Workers
  readonly metrics: Metrics
}
