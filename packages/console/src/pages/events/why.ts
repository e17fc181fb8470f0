import { createEnvelope, loadPolicy, type PrincipalInput, ToolRegistry } from '@lictor/contracts'
import { type ExplainedContract, type ExplainedNode, explain } from '@lictor/contracts/authoring'
import type { AuditEvent } from '../../api/types.ts'

/** A contract that concerns a call, and what each part of its condition said. */
export interface Reason {
  readonly id: string
  readonly type: string
  readonly mode: string
  readonly fired: boolean
  readonly message: string | null
  readonly leaves: readonly Leaf[]
}

export interface Leaf {
  /** `args.path`. */
  readonly selector: string
  readonly operator: string
  readonly argument: unknown
  readonly value: unknown
  readonly isPresent: boolean
  /** Null when it could not be judged; `error` says why. */
  readonly result: boolean | null
  readonly error: string | null
}

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

const reasonOf = ({ id, type, mode, fired, message, condition }: ExplainedContract): Reason => ({
  id,
  type,
  mode,
  fired,
  message,
  leaves: condition ? leavesOf(condition) : [],
})

const leavesOf = (node: ExplainedNode): readonly Leaf[] =>
  node.kind === 'leaf'
    ? [
        {
          selector: node.selector,
          operator: node.operator,
          argument: node.argument,
          value: node.value,
          isPresent: node.present,
          result: node.result,
          error: node.error,
        },
      ]
    : node.children.flatMap(leavesOf)

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
