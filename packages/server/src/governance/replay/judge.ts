import {
  createEnvelope,
  EdictumConfigError,
  loadPolicy,
  type Policy,
  type PreDecision,
  type PrincipalInput,
  type SideEffect,
  ToolRegistry,
} from '@lictor/contracts'
import { decideRecorded } from '@lictor/contracts/authoring'

export type Decision = 'allow' | 'deny' | 'ask'

/** A recorded call: its tool, the JSON of its event's payload, and the environment it came from. */
export type RecordedCall = readonly [toolName: string, payload: string | null, env: string, decision: Decision]

/** What a candidate says of a recorded call. */
export type Rejudged =
  | null
  /** Its arguments were not kept, or were cut. */
  | 'no_arguments'
  /**
   * It was denied by what an event alone does not tell (a limit of its session, a hook, a contract written in code), or the
   * candidate asks for a past of its session that was not recorded.
   */
  | 'by_history'
  | { readonly decision: 'deny' | 'ask'; readonly contract: string; readonly reason: string }

export interface Candidate {
  readonly policy: Policy
  readonly registry: ToolRegistry
}

const NO_CALLS_YET = { attempts: 0, executions: 0, toolExecutions: 0 }
const OUTSIDE_OF_BUNDLES: ReadonlySet<unknown> = new Set([
  'session_contract',
  'yaml_session',
  'attempt_limit',
  'operation_limit',
  'hook',
  'precondition',
])

/** @throws EdictumConfigError */
export function candidateOf(yaml: string): Candidate {
  const policy = loadPolicy(yaml)
  const tools = [...policy.tools].map(
    ([name, { sideEffect, idempotent }]) => [name, { sideEffect, idempotent }] as const,
  )
  return { policy, registry: new ToolRegistry(tools) }
}

/** Judge a recorded call again, as the first of its session. Null means that the candidate lets it pass. */
export function rejudge({ policy, registry }: Candidate, [toolName, json, env, was]: RecordedCall): Rejudged {
  const payload = json === null ? null : (JSON.parse(json) as Record<string, unknown>)
  const args = payload === null ? null : (payload.tool_args ?? {})
  if (!isRecord(payload) || !isRecord(args) || '_redacted' in payload || '_redacted' in args) return 'no_arguments'
  if (was === 'deny' && OUTSIDE_OF_BUNDLES.has(payload.decision_source)) return 'by_history'
  const { environment, principal, side_effect } = payload
  let decision: PreDecision
  try {
    const envelope = createEnvelope(toolName, args, {
      environment: typeof environment === 'string' && environment !== '' ? environment : env,
      principal: isRecord(principal) ? (principal as PrincipalInput) : null,
      registry,
      ...(policy.tools.has(toolName) || typeof side_effect !== 'string'
        ? {}
        : { sideEffect: side_effect as SideEffect }),
    })
    const decided = decideRecorded(policy, envelope, payload.past, NO_CALLS_YET)
    if (decided === null) return 'by_history'
    decision = decided
  } catch (error) {
    if (error instanceof EdictumConfigError) return 'no_arguments'
    throw error
  }
  if (decision.action === 'allow') return null
  return {
    decision: decision.action === 'deny' ? 'deny' : 'ask',
    contract: decision.decisionName ?? '',
    reason: decision.reason ?? decision.approvalMessage ?? '',
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
