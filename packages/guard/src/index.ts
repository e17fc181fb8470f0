/** `@lictor/guard`: contracts around the tool calls of an agent. */
export {
  assertToolName,
  buildFindings,
  type CustomOperators,
  type CustomSelectors,
  classifyFinding,
  createEnvelope,
  createPrincipal,
  cutText,
  denySensitiveReads,
  type Envelope,
  type Envelope as ToolEnvelope,
  type Finding,
  globMatches as fnmatch,
  type LimitsInput,
  type Mode,
  type OperationLimits,
  Policy,
  type PostCallResult,
  type Postcondition,
  type Precondition,
  type Principal,
  type PrincipalInput,
  type ProgrammaticContract,
  type RedactionOptions,
  RedactionPolicy,
  type SensitiveReadOptions,
  type SessionContract,
  type SideEffect,
  ToolRegistry,
  type ToolSettings,
  Verdict,
} from '@lictor/contracts'
export type {
  ApprovalBackend,
  ApprovalDecision,
  ApprovalRequest,
  ApprovalRequestOptions,
  ApprovalStatus,
} from './approvals.ts'
export {
  type ApprovalRecord,
  AuditAction,
  AuditEvent,
  type AuditEventFields,
  type AuditEventJson,
  type HookRecord,
} from './audit/event.ts'
export { FileAuditSink, StdoutAuditSink } from './audit/line-sinks.ts'
export { AuditRecord } from './audit/record.ts'
export { type AuditSink, CollectingAuditSink, CompositeSink } from './audit/sinks.ts'
export { type AuditOrigin, type AuditWire, auditToWire, auditWireText } from './audit/wire.ts'
export { BashClassifier, postcondition, precondition, sessionContract } from './builders.ts'
export { type Clock, type NewId, randomId, systemClock, type TimerHandle } from './clock.ts'
export { Edictum } from './edictum.ts'
export {
  type ConfigErrorCode,
  EdictumConfigError,
  EdictumDenied,
  EdictumToolError,
  type GuardErrorCode,
  MarkEvictedError,
} from './errors.ts'
export type { BatchCall, ContractResult, EvaluateOptions, EvaluationResult } from './evaluate.ts'
export { listTemplates, type TemplateInfo, type YamlReport as CompositionReport } from './factories.ts'
export type { GateDecision, GateEvent, SessionGates, WorkflowStatus } from './gates.ts'
export { GovernedCall } from './governed-call.ts'
export { Guard, type Tool, type ToolContext } from './guard.ts'
export { HookDecision, type HookRegistration, HookResult } from './hooks.ts'
export { LocalApprovalBackend, type LocalApprovalOptions } from './local-approval.ts'
export { consoleLogger, type Logger, silentLogger } from './logger.ts'
export type { MaybePromise } from './maybe-promise.ts'
export type {
  EdictumOptions,
  GuardOptions,
  PrincipalResolver,
  RunOptions,
  ServerGuardOptions,
  SessionOptions,
  SuccessCheck,
  YamlOptions,
} from './options.ts'
export type { ToolOutcome } from './outcome.ts'
export { GovernancePipeline, type PostDecision, type PreDecision } from './pipeline.ts'
export { realPath } from './real-path.ts'
export type { CoveredTool, RegisteredTool, ToolCoverage, ToolStatus } from './registered-tools.ts'
export type {
  ExecutionBounds,
  LeaseOutcome,
  Reserved,
  ReserveRequest,
  SessionReservations,
} from './reservations.ts'
export { Session, type SessionCounters } from './session.ts'
export { type GuardState, stateOf } from './state.ts'
export { MemoryBackend, type StorageBackend } from './storage.ts'
export { defaultSuccessCheck } from './success.ts'
export { GovernanceTelemetry, type TelemetryApi } from './telemetry.ts'
export { VERSION } from './version.ts'
