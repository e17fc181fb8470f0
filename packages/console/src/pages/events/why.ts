import { createEnvelope, loadPolicy, type PrincipalInput, ToolRegistry } from '@lictor/contracts'
import { explain } from '@lictor/contracts/authoring'
import type { AuditEvent } from '../../api/types.ts'
import { type Reason, reasonOf } from '../contracts/shared/reasons.ts'

const NO_CALLS = { attempts: 0, executions: 0, toolExecutions: 0 }

/**
 * Why the contracts of a text decide a recorded call as they do: as the first of its session, with its arguments as they were
 * recorded, that is redacted.
 *
 * @throws EdictumConfigError for a text that does not load, or a call that can be none
 */
export function whyOf(event: AuditEvent, yaml: string): readonly Reason[] {
  const policy = loadPolicy(yaml)
  const { tool_args, environment, principal } = event.payload ?? {}
  const envelope = createEnvelope(event.tool_name, isRecord(tool_args) ? tool_args : {}, {
    environment: typeof environment === 'string' && environment !== '' ? environment : 'production',
    principal: isRecord(principal) ? (principal as PrincipalInput) : null,
    registry: new ToolRegistry(policy.tools),
  })
  return explain(policy, envelope, NO_CALLS).contracts.map(reasonOf)
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
