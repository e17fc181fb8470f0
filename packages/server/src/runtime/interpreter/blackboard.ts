import type { WorkflowManifestDocument } from '@lictor/aegis'
import { workflowDefaults } from '@lictor/aegis'
import type { RunEvent, RunState, Values } from './run.ts'

/** Of a blackboard as JSON, in UTF-16 units: 8 Mi, so that two full streams of output and their states fit and no run fills a database. */
export const MOST_BLACKBOARD = 8 * 1024 ** 2

const reservedKeys: readonly string[] = [
  'instruction',
  'input',
  'iteration_number',
  'previous_error',
  'context',
  'workflow',
]

/** Why a caller's entries of the blackboard are refused, or null. Source: AEGIS API reference, running a workflow. */
export function overrideProblem(overrides: unknown): string | null {
  if (typeof overrides !== 'object' || overrides === null || Array.isArray(overrides))
    return 'Workflow blackboard overrides must be a JSON/YAML object'
  const reserved = reservedKeys.find((key) => Object.hasOwn(overrides, key))
  return reserved === undefined ? null : `Workflow blackboard overrides contain reserved key '${reserved}'`
}

/** The blackboard that a run begins with: constants, the caller's entries, then what the run is. */
export function initialBlackboard(
  { metadata, spec }: WorkflowManifestDocument,
  event: Extract<RunEvent, { type: 'started' }>,
): Values {
  const { input, intent, overrides, volumes, tenantId, runId } = event
  const { workspace, shared_volumes: shared = [] } = spec.storage ?? {}
  const context = spec.context ?? {}
  return {
    ...context,
    ...overrides,
    ...(workspace && volumes.workspace !== null
      ? { [workspace.blackboard_key ?? workflowDefaults.workspaceBlackboardKey]: volumes.workspace }
      : {}),
    ...Object.fromEntries(
      shared.flatMap(({ name }) => {
        const id = Object.hasOwn(volumes.shared, name) ? volumes.shared[name] : undefined
        return id === undefined ? [] : [[volumeKey(name), id]]
      }),
    ),
    tenant_id: tenantId,
    intent,
    input,
    workflow: {
      name: metadata.name,
      version: metadata.version,
      context,
      storage: { workspace: volumes.workspace, shared_volumes: volumes.shared },
      task: isRecord(input) && Object.hasOwn(input, 'task') ? input.task : null,
    },
    execution: { id: runId },
  }
}

/** Under which the id of a volume stands that containers mount by name. */
export const volumeKey = (name: string): string => `${name}_volume_id`

/** What templates see: each entry by its key and below `blackboard`, and the feedback that there was last. */
export function viewOf({ blackboard, feedback }: Pick<RunState, 'blackboard' | 'feedback'>): Values {
  return {
    ...blackboard,
    blackboard,
    state: { feedback: feedback.state },
    human: { feedback: feedback.human },
  }
}

export const sizeOf = (value: unknown): number => JSON.stringify(value)?.length ?? 0

/** The state of a run with one more entry; null where the blackboard would be larger than it may. */
export function withEntry(state: RunState, key: string, value: unknown): RunState | null {
  const before = Object.hasOwn(state.blackboard, key) ? sizeOf(state.blackboard[key]) : -(sizeOf(key) + 2)
  const blackboardSize = state.blackboardSize - before + sizeOf(value)
  if (blackboardSize > MOST_BLACKBOARD) return null
  return { ...state, blackboard: { ...state.blackboard, [key]: value }, blackboardSize }
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
