import type { AegisClientOptions } from './http/options.ts'
import { createTransport } from './http/transport.ts'
import { type AgentMethods, agentMethods } from './resources/agents.ts'
import { type ApiKeyMethods, apiKeyMethods } from './resources/api-keys.ts'
import { type ApprovalMethods, approvalMethods } from './resources/approvals.ts'
import { type BillingMethods, billingMethods } from './resources/billing.ts'
import { type ClusterMethods, clusterMethods } from './resources/cluster.ts'
import { type CortexMethods, cortexMethods } from './resources/cortex.ts'
import { type CredentialMethods, credentialMethods } from './resources/credentials.ts'
import { type DispatchMethods, dispatchMethods } from './resources/dispatch.ts'
import { type ExecutionMethods, executionMethods } from './resources/executions.ts'
import { type HealthMethods, healthMethods } from './resources/health.ts'
import { type LimitMethods, limitMethods } from './resources/limits.ts'
import { type ScheduleMethods, scheduleMethods } from './resources/schedules.ts'
import { type SealMethods, sealMethods } from './resources/seal.ts'
import { type SecretMethods, secretMethods } from './resources/secrets.ts'
import { type StimulusMethods, stimulusMethods } from './resources/stimuli.ts'
import { type SwarmMethods, swarmMethods } from './resources/swarms.ts'
import { type ColonyMethods, colonyMethods, type TenantMethods, tenantMethods } from './resources/tenants.ts'
import { type ToolMethods, toolMethods } from './resources/tools.ts'
import { type VolumeMethods, volumeMethods } from './resources/volumes.ts'
import { type WorkflowExecutionMethods, workflowExecutionMethods } from './resources/workflow-executions.ts'
import { type WorkflowMethods, workflowMethods } from './resources/workflows.ts'

/** The methods, one group a resource. */
export interface AegisClient
  extends AgentMethods,
    WorkflowMethods,
    WorkflowExecutionMethods,
    StimulusMethods,
    ScheduleMethods,
    ToolMethods,
    ExecutionMethods,
    ApprovalMethods,
    DispatchMethods,
    SecretMethods,
    CredentialMethods,
    ApiKeyMethods,
    SealMethods,
    VolumeMethods,
    LimitMethods,
    ClusterMethods,
    CortexMethods,
    SwarmMethods,
    BillingMethods,
    TenantMethods,
    ColonyMethods,
    HealthMethods {}

/**
 * A client of the runtime API.
 *
 * ```ts
 * const client = new AegisClient({ baseUrl: 'http://localhost:8000', clientId, clientSecret })
 * const { execution_id } = await client.startExecution(agentId, 'Write a primality check')
 * for await (const event of client.streamExecution(execution_id)) console.log(event.event_type)
 * ```
 */
export class AegisClient {
  readonly #options: AegisClientOptions
  readonly #close: () => void

  /** @throws AegisUsageError for options that cannot work */
  constructor(options: AegisClientOptions) {
    const transport = createTransport(options)
    this.#options = options
    this.#close = transport.close
    Object.assign(
      this,
      agentMethods(transport),
      workflowMethods(transport),
      workflowExecutionMethods(transport),
      stimulusMethods(transport),
      scheduleMethods(transport),
      toolMethods(transport),
      executionMethods(transport),
      approvalMethods(transport),
      dispatchMethods(transport),
      secretMethods(transport),
      credentialMethods(transport),
      apiKeyMethods(transport),
      sealMethods(transport),
      volumeMethods(transport),
      limitMethods(transport),
      clusterMethods(transport),
      cortexMethods(transport),
      swarmMethods(transport),
      billingMethods(transport),
      tenantMethods(transport),
      colonyMethods(transport),
      healthMethods(transport),
    )
  }

  /** A client of its own that differs in the given options. */
  withOptions(changes: Partial<AegisClientOptions>): AegisClient {
    return new AegisClient({ ...this.#options, ...changes })
  }

  /** End every call and stream under way; later calls are refused. Makes no request. */
  async aclose(): Promise<void> {
    this.#close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.aclose()
  }
}
