import type { TenantScope } from '../../identity/scope.ts'
import type { PresentAgent } from './presence.ts'

/** An agent whose stream is open on this process. */
export interface LiveAgent extends PresentAgent {
  readonly tenantId: string
  bundleName: string | null
  policyVersion: string | null
}

/** Who holds a stream open on this process; the streams keep it, the fleet reads it. */
export interface LiveAgents {
  /** One entry per stream: of the tenant's agents, or of one of them. */
  agents(scope: TenantScope, agentId?: string): readonly LiveAgent[]
  /** Of all tenants. */
  allAgents(): readonly LiveAgent[]
  readonly agentCount: number
}
