export { AegisClient } from './client.ts'
export * from './dispatch/messages.ts'
export { DispatchMessageError, parseAgentMessage, parseOrchestratorMessage } from './dispatch/parse.ts'
export {
  AegisApiError,
  AegisConnectionError,
  AegisError,
  AegisProtocolError,
  AegisTimeoutError,
  AegisTokenError,
  AegisUsageError,
  AuthenticationError,
  BadRequestError,
  ConflictError,
  NotConfiguredError,
  NotFoundError,
  PayloadTooLargeError,
  PaymentRequiredError,
  PermissionDeniedError,
  RateLimitError,
  ServerError,
  UnprocessableEntityError,
} from './http/errors.ts'
export type { ExecutionEvent } from './http/events.ts'
export type { AegisClientOptions, Environment, RequestOptions } from './http/options.ts'
export { AgentManifestBuilder } from './manifest/builder.ts'
export { describeIssue, ManifestError } from './manifest/errors.ts'
export { AgentManifest } from './manifest/manifest.ts'
export type { ManifestRules } from './manifest/rules.ts'
export { manifestFields } from './manifest/schema.ts'
export { LONGEST_MANIFEST } from './manifest/source.ts'
export * from './manifest/types.ts'
export { parseDuration, parseSize } from './manifest/units.ts'
export type * from './resources/agents.ts'
export type * from './resources/api-keys.ts'
export type * from './resources/approvals.ts'
export type * from './resources/billing.ts'
export type * from './resources/cluster.ts'
export type * from './resources/cortex.ts'
export type * from './resources/credentials.ts'
export type * from './resources/dispatch.ts'
export type * from './resources/executions.ts'
export type * from './resources/health.ts'
export type * from './resources/limits.ts'
export type * from './resources/schedules.ts'
export type * from './resources/seal.ts'
export type * from './resources/secrets.ts'
export type * from './resources/stimuli.ts'
export type * from './resources/swarms.ts'
export type * from './resources/tenants.ts'
export type * from './resources/tools.ts'
export type * from './resources/volumes.ts'
export { CHAT_ATTACHMENTS } from './resources/volumes.ts'
export type * from './resources/workflow-executions.ts'
export type * from './resources/workflows.ts'
export type { Issue } from './shape/shape.ts'
export { WorkflowManifest, WorkflowManifestError, type WorkflowRules } from './workflow/manifest.ts'
export { parseWorkflowDuration } from './workflow/schema.ts'
export type { TemplateCheck } from './workflow/templates.ts'
export * from './workflow/types.ts'
