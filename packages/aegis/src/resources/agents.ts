import { type ExecutionEvent, streamEvents } from '../http/events.ts'
import type { RequestOptions } from '../http/options.ts'
import { path, query } from '../http/path.ts'
import type { ApiRequest, Transport } from '../http/transport.ts'
import { AgentManifest } from '../manifest/manifest.ts'
import type { AgentManifestDocument } from '../manifest/types.ts'

/** A deployed agent. The manifest and its annotations are only on answers about a single agent. */
export interface Agent {
  readonly id: string
  readonly agent_id: string
  readonly name: string
  readonly version: string
  readonly description: string | null
  readonly scope: 'tenant' | 'global'
  readonly status: 'active' | 'paused' | 'archived' | 'failed'
  readonly agent_type: string | null
  readonly capability_tags: readonly string[] | null
  readonly execution_count: number | null
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly tenant_id: string
  /** RFC 3339, UTC; so are all times. */
  readonly created_at: string
  readonly updated_at: string | null
  readonly input_schema?: Readonly<Record<string, unknown>>
  readonly manifest?: AgentManifestDocument
  readonly manifest_yaml?: string
}

export interface AgentList {
  readonly items: readonly Agent[]
  readonly agents: readonly Agent[]
  /** Agents in this answer. */
  readonly count: number
}

export interface DeployedAgent {
  readonly id: string
  readonly agent_id: string
  readonly name: string
  readonly version: string
  readonly scope: string
  readonly status: string
  readonly deployed_at: string
  /** What loads but is probably not meant so, or will not work here. */
  readonly warnings?: readonly string[]
}

export interface AgentVersion {
  readonly id: string
  readonly agent_id: string
  readonly version: string
  readonly deployed_at: string
  readonly created_at: string
  readonly manifest_yaml?: string
}

export interface AgentVersionList {
  readonly versions: readonly AgentVersion[]
  readonly items: readonly AgentVersion[]
  readonly count: number
}

/** The flat form of a manifest; further keys as in the manifest's `spec` and `metadata`. */
export interface FlatAgentManifest {
  readonly name: string
  readonly instruction: string
  readonly language?: string
  /** Of the language when there is one, otherwise of the agent. */
  readonly version?: string
  readonly [key: string]: unknown
}

export interface ListAgentsQuery {
  readonly scope?: 'tenant' | 'global'
  readonly limit?: number
  /** Label `type` or, where there is none, `role`. */
  readonly agent_type?: string
  /** `false` leaves out agents that every tenant sees. */
  readonly visible?: boolean
}

export interface DeployAgentQuery {
  /** Replace an agent of the same name and version. */
  readonly force?: boolean
  readonly scope?: 'tenant' | 'global'
}

export interface StreamAgentEventsQuery {
  /** `false`: what has happened so far, then the end. */
  readonly follow?: boolean
  readonly verbose?: boolean
}

/** Agent management. Each call rejects with an `AegisError`; see there. */
export const agentMethods = (transport: Transport) => ({
  /** Deploy from YAML or JSON text, a manifest, or its flat form `{name, language, version, instruction}`. */
  async deployAgent(
    manifest: string | AgentManifest | AgentManifestDocument | FlatAgentManifest,
    params: DeployAgentQuery = {},
    options?: RequestOptions,
  ): Promise<DeployedAgent> {
    return transport.json(
      { method: 'POST', path: `/v1/agents${query({ ...params })}`, ...manifestBody(manifest) },
      options,
    )
  },

  async listAgents(params: ListAgentsQuery = {}, options?: RequestOptions): Promise<AgentList> {
    return transport.json({ method: 'GET', path: `/v1/agents${query({ ...params })}` }, options)
  },

  async getAgent(agentId: string, options?: RequestOptions): Promise<Agent> {
    return transport.json({ method: 'GET', path: path`/v1/agents/${agentId}` }, options)
  },

  /** By name: an agent of the tenant first, then a global one. */
  async lookupAgent(name: string, options?: RequestOptions): Promise<Agent> {
    return transport.json({ method: 'GET', path: path`/v1/agents/lookup/${name}` }, options)
  },

  /** Change some fields (`null` removes one), or replace the manifest by a whole one. */
  async updateAgent(
    agentId: string,
    changes: AgentManifest | AgentManifestDocument | Readonly<Record<string, unknown>>,
    options?: RequestOptions,
  ): Promise<Agent & { readonly success: boolean; readonly warnings?: readonly string[] }> {
    const json = changes instanceof AgentManifest ? changes.toJSON() : changes
    return transport.json({ method: 'PATCH', path: path`/v1/agents/${agentId}`, json }, options)
  },

  async deleteAgent(agentId: string, options?: RequestOptions): Promise<{ readonly status: string }> {
    return transport.json({ method: 'DELETE', path: path`/v1/agents/${agentId}` }, options)
  },

  async listAgentVersions(
    agentId: string,
    params: { readonly limit?: number } = {},
    options?: RequestOptions,
  ): Promise<AgentVersionList> {
    return transport.json({ method: 'GET', path: path`/v1/agents/${agentId}/versions` + query({ ...params }) }, options)
  },

  async updateAgentScope(
    agentId: string,
    payload: { readonly scope: 'tenant' | 'global' } | { readonly target_scope: 'tenant' | 'global' },
    options?: RequestOptions,
  ): Promise<Agent & { readonly success: boolean; readonly new_scope: string }> {
    return transport.json({ method: 'PATCH', path: path`/v1/agents/${agentId}/scope`, json: payload }, options)
  },

  /** The events of all executions of an agent: what happened, then what happens, until the loop is left. */
  streamAgentEvents(
    agentId: string,
    params: StreamAgentEventsQuery = {},
    options?: RequestOptions,
  ): AsyncGenerator<ExecutionEvent, void, undefined> {
    return streamEvents(
      transport,
      { method: 'GET', path: path`/v1/agents/${agentId}/events` + query({ ...params }) },
      options,
    )
  },
})

export type AgentMethods = ReturnType<typeof agentMethods>

function manifestBody(manifest: string | object): Pick<ApiRequest, 'text' | 'json'> {
  if (typeof manifest === 'string') return { text: { content: manifest, type: 'text/yaml' } }
  return { json: manifest instanceof AgentManifest ? manifest.toJSON() : manifest }
}
