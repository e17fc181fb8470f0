import { NotFound } from '../../errors.ts'
import { scopeOf, scopeOfRecord } from '../../identity/scope.ts'
import type { Random } from '../../ports/random.ts'
import type { Queryable } from '../../storage/database.ts'
import { draft } from '../record/events.ts'
import type { TenantEvents } from '../record/tenant-events.ts'
import { givenBy } from '../runs/given.ts'
import type { RunRecord } from '../runs/run-record.ts'
import type { Runs } from '../runs/runs.ts'
import { GLOBAL_TENANT, type RuntimeCaller } from '../visibility.ts'
import type { Workflows } from '../workflows/workflows.ts'
import { endOf, images, type Language, PIPELINE_WORKFLOW, type Pipeline } from './pipeline.ts'
import type { PipelineStore } from './store.ts'

const NOT_FOUND = 'pipeline execution not found'

/** A task in words. */
export interface IntentRequest {
  readonly intent: string
  /** JSON that the code reads from `INTENT_INPUTS`. */
  readonly inputs: unknown
  readonly language: Language
  readonly timeoutSeconds: number
  readonly attachments: readonly unknown[]
}

/** A pipeline, and how far its run is. */
export interface PipelineView extends Pipeline {
  /** The state that the run is in, or was in last. */
  readonly currentState: string
}

/** Tasks in words: code is written for them, checked and run, by a workflow. */
export interface Intents {
  /**
   * Begin one; answers before it ends. `by` is the execution that asks: what is begun stays within what that one may.
   * @throws NotFound where the workflow is not deployed; Unavailable without containers; whatever keeps a run from beginning
   */
  start(caller: RuntimeCaller, request: IntentRequest, by: string | null): Promise<Pipeline>
  /** @throws NotFound, also for one of another tenant */
  get(caller: RuntimeCaller, id: string): Promise<PipelineView>
  /** A run has ended. Heard twice, it counts once. */
  ended(run: RunRecord): Promise<void>
  /** Its run is removed. */
  removed(run: RunRecord, within: Queryable): Promise<void>
}

export function createIntents(deps: {
  store: PipelineStore
  workflows: Pick<Workflows, 'get'>
  runs: () => Pick<Runs, 'start' | 'get'>
  events: Pick<TenantEvents, 'add' | 'record'>
  /** @throws Unavailable where this server runs no containers */
  requireContainers: () => Promise<void>
  random: Random
}): Intents {
  const { store, workflows, runs, events, requireContainers, random } = deps
  return {
    async start(caller, { intent, inputs, language, timeoutSeconds, attachments }, by) {
      // Not what a tenant may have registered under that name.
      const { id: workflowId } = await workflows.get({ tenantId: GLOBAL_TENANT }, PIPELINE_WORKFLOW).catch(missing)
      await requireContainers()
      const given = givenBy(
        {
          intent,
          input: inputs,
          blackboard: { language, image: images[language], timeout_seconds: timeoutSeconds },
          attachments,
        },
        false,
      )
      let made: Pipeline | null = null
      await runs().start(caller, workflowId, given, {
        version: null,
        once: null,
        by,
        async alongside(run, within) {
          const { tenantId } = caller
          const { id: runId, startedAt } = run
          const pipeline = { id: random.uuid(), tenantId, runId, intent, language, startedAt, end: null }
          await store.insert(pipeline, within)
          const ids = { pipeline_execution_id: pipeline.id, workflow_execution_id: runId }
          const fields = { ...ids, intent, language, workspace_volume_id: null }
          await events.add(tenantId, [draft('intent_execution_pipeline_started', fields)], within)
          made = pipeline
        },
      })
      if (made === null) throw new Error('A run was begun without its pipeline.')
      return made
    },
    async get(caller, id) {
      const pipeline = await store.find(scopeOf(caller), id)
      if (!pipeline) throw new NotFound(NOT_FOUND, NOT_FOUND)
      const run = await runs().get(caller, pipeline.runId)
      // The run is over a moment before its end is written here.
      return { ...pipeline, end: pipeline.end ?? endOf(run), currentState: run.state.current }
    },
    async ended(run) {
      const { tenantId } = run
      const pipeline = await store.findOfRun(scopeOfRecord(run), run.id)
      const end = endOf(run)
      if (pipeline === null || end === null || pipeline.end !== null) return
      const ids = { pipeline_execution_id: pipeline.id, workflow_execution_id: run.id }
      const event =
        end.status === 'completed'
          ? draft('intent_execution_pipeline_completed', {
              ...ids,
              tenant_id: tenantId,
              final_result: end.finalResult,
              duration_ms: Math.round((end.endedAt - pipeline.startedAt) / 1000),
              reused_existing_agent: false,
            })
          : draft('intent_execution_pipeline_failed', {
              ...ids,
              failed_at_state: end.failedAtState,
              reason: end.reason,
            })
      await events.record(tenantId, [event], (within) => store.end(pipeline.id, end, within))
    },
    removed: (run, within) => store.deleteOfRun(scopeOfRecord(run), run.id, within),
  }
}

function missing(error: unknown): never {
  if (!(error instanceof NotFound)) throw error
  const message = `There is no workflow '${PIPELINE_WORKFLOW}' here. Whoever runs this server sets LICTOR_DEPLOY_BUILTINS=on.`
  throw new NotFound(message, message)
}
