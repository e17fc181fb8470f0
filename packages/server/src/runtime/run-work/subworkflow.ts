import { Unavailable } from '../../errors.ts'
import { scopeOfRecord } from '../../identity/scope.ts'
import { isUniqueViolation, type Queryable } from '../../storage/database.ts'
import type { Values, Work } from '../interpreter/run.ts'
import type { RunVolumes } from '../run-volumes/run-volumes.ts'
import type { Engine, Outcome } from '../runs/engine.ts'
import type { RunRecord } from '../runs/run-record.ts'
import { depthBelow, type Runnable, requireRunnable } from '../runs/runs.ts'
import type { RunStore } from '../runs/store.ts'
import { executionIdOf } from './agents.ts'

/**
 * Begin the run that a Subworkflow state names, or find it: a run of the same tenant, with a record of its own. How it ends is told
 * by that run itself; here only where it had ended before it was looked for.
 */
export async function workSubworkflow(
  deps: {
    readonly store: Pick<RunStore, 'find' | 'addChild'>
    readonly start: Engine['start']
    readonly findWorkflow: (
      caller: { readonly tenantId: string },
      nameOrId: string,
      version: string | null,
    ) => Promise<Runnable>
    readonly volumes: Pick<RunVolumes, 'prepare'>
    /** @throws TooManyRequests when as many runs of the tenant are under way as may be */
    readonly requireRoom: (of: { readonly tenantId: string }) => Promise<void>
  },
  run: RunRecord,
  { entry, work }: { readonly entry: number; readonly work: Extract<Work, { kind: 'Subworkflow' }> },
  isWanted: (within: Queryable) => Promise<boolean>,
): Promise<Outcome | null> {
  const { store, start, findWorkflow, requireRoom } = deps
  const { tenantId, startedBy } = run
  const id = executionIdOf(run.id, entry, 'run')
  const find = () => store.find(scopeOfRecord({ tenantId }), id)
  const child = (await find()) ?? (await begin())
  if (child === null) return null
  const { status, finalOutput: result, reason: error } = child.state
  if (work.mode === 'blocking' && status !== 'running')
    return { type: 'child_ended', childId: id, status, result, error }
  return { type: 'child_started', childId: id, childWorkflowId: child.workflowId }

  async function begin(): Promise<RunRecord | null> {
    const depth = depthBelow(run.depth, `workflow execution ${run.id}`)
    const workflow = await findWorkflow({ tenantId }, work.workflow, null)
    requireRunnable(workflow, { input: work.input, overrides: {}, intent: null, refused: null })
    await requireRoom({ tenantId })
    const volumes = await deps.volumes.prepare({ id, tenantId, startedBy }, workflow.manifest)
    try {
      return await start(
        {
          id,
          tenantId,
          workflowId: workflow.id,
          workflowName: workflow.name,
          definition: workflow.manifest,
          startedBy,
          parent: { id: run.id, entry },
          depth,
          bound: run.bound,
          input: work.input,
          intent: null,
          overrides: {} as Values,
          volumes: volumes.ids,
        },
        async (within, make) => {
          if (!(await isWanted(within))) return false
          await volumes.make(within)
          await make()
          if (work.mode === 'blocking') await store.addChild(run.id, { kind: 'run', id, entry }, within)
          return true
        },
      )
    } catch (error) {
      if (!isUniqueViolation(error)) throw error
      const begun = await find()
      if (begun === null) throw new Unavailable('The run that was begun is not to be found yet.', { cause: error })
      return begun
    }
  }
}
