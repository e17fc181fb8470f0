import { encodeSealEnvelope, type SealEnvelope } from '@lictor/seal'
import type { RequestOptions } from '../http/options.ts'
import { path, query } from '../http/path.ts'
import type { Transport } from '../http/transport.ts'

export interface SealAttestationRequest {
  /** Ed25519: base64 of the raw 32 bytes, or PEM. */
  readonly agent_public_key?: string
  /** The same, under the name that `SEALClient` sends; give one of the two. */
  readonly public_key?: string
  readonly security_context?: string
  /** Both, to bind the session to a running execution. */
  readonly agent_id?: string | null
  readonly execution_id?: string | null
  readonly container_id?: string | null
  readonly workload_id?: string | null
  readonly principal_subject?: string | null
  readonly user_id?: string | null
  readonly zaru_tier?: string | null
  readonly tenant_id?: string | null
  /** At most 256 bytes; copied into the token. */
  readonly task_summary?: string | null
}

export interface SealAttestationResponse {
  readonly status: string
  readonly security_token: string
  /** RFC 3339. */
  readonly expires_at: string
  readonly session_id?: string
}

export interface SealToolsResponse {
  readonly protocol: string
  readonly attestation_endpoint: string
  readonly invoke_endpoint: string
  readonly security_context: string | null
  readonly tools: readonly {
    readonly name: string
    readonly description?: string
    /** JSON Schema of the arguments. */
    readonly inputSchema?: Readonly<Record<string, unknown>>
  }[]
}

/** Which tools, by pattern, and within what bounds. */
export interface SecurityCapability {
  /** `*`, `prefix.*`, or a name. */
  readonly tool_pattern: string
  readonly path_allowlist?: readonly string[] | null
  readonly command_allowlist?: readonly string[] | null
  readonly subcommand_allowlist?: Readonly<Record<string, readonly string[]>> | readonly string[] | null
  readonly domain_allowlist?: readonly string[] | null
  /** Bytes. */
  readonly max_response_size?: number | null
  readonly rate_limit?: { readonly calls: number; readonly per_seconds: number } | null
  readonly max_concurrent?: number | null
}

export interface SecurityContextRequest {
  readonly name: string
  readonly description?: string
  readonly capabilities: readonly SecurityCapability[]
  readonly deny_list?: readonly string[]
}

export interface SecurityContextInfo extends SecurityContextRequest {
  readonly is_built_in?: boolean
  readonly metadata?: {
    readonly version: number
    readonly created_at: string | null
    readonly updated_at: string | null
  }
}

export interface SealWorkloadRequest {
  readonly workload_id: string
  readonly allowed_contexts: readonly string[]
  /** A deployed agent, whose contracts its calls are judged by. */
  readonly agent_id?: string
  /** RFC 3339. */
  readonly expires_at?: string
}

export interface SealWorkload {
  readonly workload_id: string
  readonly allowed_contexts: readonly string[]
  readonly agent_id: string
  readonly execution_id: string
  readonly created_at: string
  readonly expires_at: string | null
}

export interface SealSessionInfo {
  readonly session_id: string
  readonly execution_id: string
  readonly agent_id: string
  readonly security_context: string
  readonly session_status: string
  readonly workload_id: string | null
  readonly expires_at: string
}

/** Signed tool calls, and what operators do with them. Each call rejects with an `AegisError`; see there. */
export function sealMethods(transport: Transport) {
  return {
    attestSeal: (payload: SealAttestationRequest, options?: RequestOptions): Promise<SealAttestationResponse> =>
      transport.json({ method: 'POST', path: '/v1/seal/attest', json: payload }, options),

    /**
     * Send a signed envelope: one of `createSealEnvelope`, or its text. It is sent once, because a second time it is a replay.
     * @returns the whole answer; the tool's own under `result`
     */
    invokeSeal: (
      envelope: SealEnvelope | string,
      options?: RequestOptions,
    ): Promise<Readonly<Record<string, unknown>>> => {
      const content = typeof envelope === 'string' ? envelope : encodeSealEnvelope(envelope)
      const text = { content, type: 'application/json' }
      return transport.json({ method: 'POST', path: '/v1/seal/invoke', text }, { ...options, maxRetries: 0 })
    },

    /** The tools that a security context could allow; without one, all. */
    listSealTools: (securityContext?: string, options?: RequestOptions): Promise<SealToolsResponse> =>
      transport.json(
        {
          method: 'GET',
          path: `/v1/seal/tools${query({ security_context: securityContext })}`,
          ...(securityContext === undefined ? {} : { headers: { 'x-zaru-security-context': securityContext } }),
        },
        options,
      ),

    /** The address is in `gateway_url`, this once. */
    registerSealWorkload: (
      workload: SealWorkloadRequest,
      options?: RequestOptions,
    ): Promise<SealWorkload & { readonly gateway_url: string }> =>
      transport.json({ method: 'POST', path: '/v1/seal/workloads', json: workload }, options),

    async listSealWorkloads(options?: RequestOptions): Promise<readonly SealWorkload[]> {
      const request = { method: 'GET', path: '/v1/seal/workloads' } as const
      return (await transport.json<{ readonly workloads: readonly SealWorkload[] }>(request, options)).workloads
    },

    revokeSealWorkload: (workloadId: string, options?: RequestOptions): Promise<{ readonly status: string }> =>
      transport.json({ method: 'DELETE', path: path`/v1/seal/workloads/${workloadId}` }, options),

    listSealSessions: (options?: RequestOptions): Promise<readonly SealSessionInfo[]> =>
      transport.json({ method: 'GET', path: '/v1/seal/sessions' }, options),

    revokeSealSession: (executionId: string, options?: RequestOptions): Promise<{ readonly status: string }> =>
      transport.json({ method: 'DELETE', path: path`/v1/seal/sessions/${executionId}` }, options),

    listSecurityContexts: (options?: RequestOptions): Promise<readonly SecurityContextInfo[]> =>
      transport.json({ method: 'GET', path: '/v1/security-contexts' }, options),

    getSecurityContext: (name: string, options?: RequestOptions): Promise<SecurityContextInfo> =>
      transport.json({ method: 'GET', path: path`/v1/security-contexts/${name}` }, options),

    /** Make a context, or change it: what runs already keeps what it began with. */
    saveSecurityContext: (
      context: SecurityContextRequest,
      options?: RequestOptions,
    ): Promise<{ readonly saved: boolean; readonly name: string; readonly version: number }> =>
      transport.json({ method: 'POST', path: '/v1/security-contexts', json: context }, options),

    deleteSecurityContext: (name: string, options?: RequestOptions): Promise<{ readonly status: string }> =>
      transport.json({ method: 'DELETE', path: path`/v1/security-contexts/${name}` }, options),
  }
}

export type SealMethods = ReturnType<typeof sealMethods>
