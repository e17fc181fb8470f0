import type { RequestOptions } from '../http/options.ts'
import { path, query } from '../http/path.ts'
import type { ApiRequest, Transport } from '../http/transport.ts'
import { WorkflowManifest } from '../workflow/manifest.ts'
import type { WorkflowManifestDocument, WorkflowSpec } from '../workflow/types.ts'

/** A registered workflow. Definition and manifest are only on answers about a single workflow. */
export interface Workflow {
  readonly id: string
  readonly workflow_id: string
  readonly name: string
  readonly version: string
  readonly description: string | null
  readonly scope: 'tenant' | 'global'
  readonly status: string | null
  readonly labels: Readonly<Record<string, string>> | null
  readonly execution_count: number | null
  /** RFC 3339, UTC; so are all times. */
  readonly created_at: string
  readonly updated_at: string | null
  readonly tenant_id: string
  readonly input_schema?: Readonly<Record<string, unknown>> | null
  /** `spec` of the manifest, agents by their ids. */
  readonly definition?: WorkflowSpec
  readonly manifest_yaml?: string
}

export interface WorkflowList {
  readonly items: readonly Workflow[]
  readonly workflows: readonly Workflow[]
  /** Workflows in this answer. */
  readonly count: number
}

export interface RegisteredWorkflow {
  readonly id: string
  readonly workflow_id: string
  readonly name: string
  readonly version: string
  readonly status: string
  readonly scope: string
  readonly registered_at: string
  /** What loads but is probably not meant so. */
  readonly warnings?: readonly string[]
}

export interface WorkflowVersion {
  readonly id: string
  readonly workflow_id: string
  readonly name: string
  readonly version: string
  readonly registered_at: string
  readonly created_at: string
  readonly description: string | null
  readonly scope: string
  readonly tenant_id: string
}

export interface WorkflowVersionList {
  readonly versions: readonly WorkflowVersion[]
  readonly items: readonly WorkflowVersion[]
  readonly count: number
}

/** One problem of a manifest, with its place. */
export interface WorkflowProblem {
  readonly loc: readonly (string | number)[]
  readonly msg: string
  readonly path?: string
  readonly line?: number
  readonly column?: number
}

export interface WorkflowVerdict {
  readonly valid: boolean
  readonly name: string | null
  readonly version: string | null
  /** Why it would be refused. */
  readonly error: string | null
  readonly problems: readonly WorkflowProblem[]
  readonly warnings: readonly WorkflowProblem[]
}

/** A workflow by its name and a definition: a manifest, its `spec`, or YAML of either. */
export interface WorkflowRegistration {
  readonly name: string
  readonly definition: WorkflowManifestDocument | WorkflowSpec | string | Readonly<Record<string, unknown>>
  readonly version?: string
  readonly description?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly scope?: 'tenant' | 'global'
  readonly force?: boolean
}

/** What can be registered: YAML or JSON text, a manifest, or a name with a definition. */
export type WorkflowSource = string | WorkflowManifest | WorkflowManifestDocument | WorkflowRegistration

export interface ListWorkflowsQuery {
  /** `global`: those that every tenant sees, and no others. */
  readonly scope?: 'tenant' | 'global'
  readonly limit?: number
  /** Also those that every tenant sees. */
  readonly visible?: boolean
}

export interface RegisterWorkflowQuery {
  /** Replace a version that is registered. */
  readonly force?: boolean
  readonly scope?: 'tenant' | 'global'
}

/** Workflow management. Each call rejects with an `AegisError`; see there. */
export const workflowMethods = (transport: Transport) => ({
  /** Register a version of a workflow. */
  async registerWorkflow(
    workflow: WorkflowSource,
    params: RegisterWorkflowQuery = {},
    options?: RequestOptions,
  ): Promise<RegisteredWorkflow> {
    return transport.json(
      { method: 'POST', path: `/v1/workflows${query({ ...params })}`, ...sourceBody(workflow) },
      options,
    )
  },

  /** `registerWorkflow` by its older address. */
  async registerTemporalWorkflow(
    workflow: WorkflowSource,
    params: RegisterWorkflowQuery = {},
    options?: RequestOptions,
  ): Promise<RegisteredWorkflow> {
    return transport.json(
      { method: 'POST', path: `/v1/workflows/temporal/register${query({ ...params })}`, ...sourceBody(workflow) },
      options,
    )
  },

  /** What registering it would say, agents included; nothing is registered. */
  async validateWorkflow(workflow: WorkflowSource, options?: RequestOptions): Promise<WorkflowVerdict> {
    return transport.json({ method: 'POST', path: '/v1/workflows/validate', ...sourceBody(workflow) }, options)
  },

  /** Of the tenant, unless asked otherwise. */
  async listWorkflows(params: ListWorkflowsQuery = {}, options?: RequestOptions): Promise<WorkflowList> {
    return transport.json({ method: 'GET', path: `/v1/workflows${query({ ...params })}` }, options)
  },

  /** By name or id: a workflow of the tenant first, then a global one. */
  async getWorkflow(name: string, options?: RequestOptions): Promise<Workflow> {
    return transport.json({ method: 'GET', path: path`/v1/workflows/${name}` }, options)
  },

  /** The manifest as block YAML. */
  async getWorkflowYaml(name: string, options?: RequestOptions): Promise<string> {
    const bytes = await transport.bytes({ method: 'GET', path: path`/v1/workflows/${name}/yaml` }, options)
    return new TextDecoder().decode(bytes)
  },

  async deleteWorkflow(name: string, options?: RequestOptions): Promise<{ readonly status: string }> {
    return transport.json({ method: 'DELETE', path: path`/v1/workflows/${name}` }, options)
  },

  /** Newest first; none for a workflow that there is not. */
  async listWorkflowVersions(
    name: string,
    params: { readonly limit?: number } = {},
    options?: RequestOptions,
  ): Promise<WorkflowVersionList> {
    return transport.json({ method: 'GET', path: path`/v1/workflows/${name}/versions` + query({ ...params }) }, options)
  },

  /** Let every tenant see a workflow, or only its own again. Takes an operator. */
  async updateWorkflowScope(
    name: string,
    payload: { readonly scope: 'tenant' | 'global' } | { readonly target_scope: 'tenant' | 'global' },
    options?: RequestOptions,
  ): Promise<Workflow & { readonly success: boolean; readonly previous_scope: string; readonly new_scope: string }> {
    return transport.json({ method: 'PATCH', path: path`/v1/workflows/${name}/scope`, json: payload }, options)
  },
})

export type WorkflowMethods = ReturnType<typeof workflowMethods>

function sourceBody(workflow: WorkflowSource): Pick<ApiRequest, 'text' | 'json'> {
  if (typeof workflow === 'string') return { text: { content: workflow, type: 'text/yaml' } }
  return { json: workflow instanceof WorkflowManifest ? workflow.toJSON() : workflow }
}
