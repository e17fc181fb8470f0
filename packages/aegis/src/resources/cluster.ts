import type { RequestOptions } from '../http/options.ts'
import { path, query } from '../http/path.ts'
import type { Transport } from '../http/transport.ts'

export interface ClusterNode {
  readonly id: string
  readonly hostname?: string | null
  /** `active`, `draining` or `unhealthy`. */
  readonly status: string
  readonly last_heartbeat?: string | null
  readonly version?: string
  readonly role?: string
  readonly registered_at?: string
  readonly started_at?: string
  readonly capacity?: {
    readonly gpu_count?: number
    readonly vram_gb?: number
    readonly cpu_cores?: number
    readonly available_memory_gb?: number
  }
}

export interface ClusterStatus {
  readonly nodes: readonly ClusterNode[]
  /** `healthy`, `degraded` or `critical`. */
  readonly overall_status: string
  readonly uptime_seconds?: number
  readonly total_nodes?: number
  readonly active_nodes?: number
  readonly draining_nodes?: number
  readonly unhealthy_nodes?: number
}

export interface DashboardSummary {
  readonly generated_at?: string
  readonly uptime_seconds?: number
  readonly cluster?: ClusterStatus
  readonly swarm_count: number
  readonly stimulus_count: number
  readonly security_incident_count: number
  readonly storage_violation_count: number
  readonly execution_count: number
  readonly workflow_execution_count: number
  /** By status. */
  readonly execution_counts?: Readonly<Record<string, number>>
  readonly workflow_execution_counts?: Readonly<Record<string, number>>
  readonly active_agents?: number
  /** Of the executions that completed or failed in the last 24 hours, the fraction that failed. */
  readonly error_rate?: number
}

export interface SecurityIncident {
  readonly id: string
  readonly type?: string
  readonly category?: string
  readonly severity?: string
  readonly agent_id?: string | null
  readonly execution_id?: string | null
  readonly session_id?: string | null
  readonly tool_name?: string | null
  readonly details?: string
  readonly created_at: string
}

/** The servers of the installation, and how it fares. Each call rejects with an `AegisError`; see there. */
export function clusterMethods(transport: Transport) {
  return {
    async getClusterStatus(options?: RequestOptions): Promise<ClusterStatus> {
      return transport.json({ method: 'GET', path: '/v1/cluster/status' }, options)
    },

    async getClusterNodes(
      page?: { readonly limit?: number },
      options?: RequestOptions,
    ): Promise<{ readonly nodes: readonly ClusterNode[]; readonly source?: string; readonly count?: number }> {
      return transport.json({ method: 'GET', path: `/v1/cluster/nodes${query(page)}` }, options)
    },

    /** It takes nothing new; what runs there goes on to its end. Starting it again ends that. */
    async drainNode(nodeId: string, options?: RequestOptions): Promise<ClusterNode> {
      return transport.json({ method: 'POST', path: path`/v1/cluster/nodes/${nodeId}/drain` }, options)
    },

    async activateNode(nodeId: string, options?: RequestOptions): Promise<ClusterNode> {
      return transport.json({ method: 'POST', path: path`/v1/cluster/nodes/${nodeId}/activate` }, options)
    },

    /** Take a server off the list that is gone. */
    async removeNode(nodeId: string, options?: RequestOptions): Promise<{ readonly status: string }> {
      return transport.json({ method: 'DELETE', path: path`/v1/cluster/nodes/${nodeId}` }, options)
    },

    /** For operators: the tenant in numbers, and the servers. */
    async getDashboardSummary(options?: RequestOptions): Promise<DashboardSummary> {
      return transport.json({ method: 'GET', path: '/v1/dashboard/summary' }, options)
    },

    /** What was refused, newest first. */
    async listSecurityIncidents(
      page?: { readonly limit?: number },
      options?: RequestOptions,
    ): Promise<{ readonly incidents: readonly SecurityIncident[]; readonly count?: number }> {
      return transport.json({ method: 'GET', path: `/v1/security/incidents${query(page)}` }, options)
    },
  }
}

export type ClusterMethods = ReturnType<typeof clusterMethods>
