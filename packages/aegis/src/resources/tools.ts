import type { RequestOptions } from '../http/options.ts'
import { query } from '../http/path.ts'
import type { Transport } from '../http/transport.ts'

/** A tool that agents can be given. */
export interface ToolEntry {
  readonly name: string
  readonly description: string
  /** JSON Schema of its arguments. */
  readonly input_schema: Readonly<Record<string, unknown>>
  readonly inputSchema?: Readonly<Record<string, unknown>>
  readonly source: 'builtin' | 'mcp_server' | 'seal_gateway'
  readonly category: string
  readonly tags: readonly string[]
  /** The MCP server that has it. */
  readonly server?: string
  readonly skip_judge?: boolean
  readonly fleet_capable?: boolean
}

export interface ToolList {
  readonly tools: readonly ToolEntry[]
  readonly items?: readonly ToolEntry[]
  readonly count?: number
}

export interface ToolServerEntry {
  readonly name: string
  readonly status: 'stopped' | 'starting' | 'running' | 'unhealthy' | 'failed'
  readonly era: 'legacy' | 'modern' | null
  /** Why it is not running. */
  readonly error: string | null
  readonly failures: number
  readonly started_at: string | null
  readonly last_healthy_at: string | null
  readonly tools: readonly string[]
}

export interface ToolServerList {
  readonly servers: readonly ToolServerEntry[]
  readonly items?: readonly ToolServerEntry[]
  readonly count?: number
}

export interface ListToolsOptions {
  readonly source?: ToolEntry['source']
  readonly category?: string
  readonly limit?: number
  readonly offset?: number
}

/** The tools of the server and of the MCP servers of its node. Each call rejects with an `AegisError`; see there. */
export function toolMethods(transport: Transport) {
  return {
    async listTools(filter: ListToolsOptions = {}, options?: RequestOptions): Promise<ToolList> {
      const { source, category, limit, offset } = filter
      return transport.json({ method: 'GET', path: `/v1/tools${query({ source, category, limit, offset })}` }, options)
    },

    /** By its name or an alias of it. */
    async getTool(name: string, options?: RequestOptions): Promise<ToolEntry> {
      return transport.json({ method: 'GET', path: `/v1/tools/${encodeURIComponent(name)}` }, options)
    },

    /** How the MCP servers of the node are; for operators. */
    async listToolServers(options?: RequestOptions): Promise<ToolServerList> {
      return transport.json({ method: 'GET', path: '/v1/tools/servers' }, options)
    },
  }
}

export type ToolMethods = ReturnType<typeof toolMethods>
