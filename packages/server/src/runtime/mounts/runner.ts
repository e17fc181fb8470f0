import type { Logger } from 'pino'
import { SandboxError } from '../../ports/sandbox.ts'
import type { AttemptRunner } from '../executions/attempt.ts'
import { isHandedOver } from '../judging/handover.ts'
import type { MountPlan } from '../plan/mounts.ts'
import { type Execution, isJudge } from '../record/execution.ts'
import type { Entered, Mounts } from './mounts.ts'

/**
 * Attempts with their volumes: they are there before the instance starts, and what it changed is kept before the attempt counts.
 * A judge sees those of the execution that asks it as well, read-only at the same places.
 */
export function mountedRunner(
  runner: AttemptRunner,
  deps: {
    mounts: Mounts
    logger: Pick<Logger, 'warn'>
    findParent: (execution: Execution) => Promise<Execution | null>
  },
): AttemptRunner {
  const { mounts, logger, findParent } = deps

  async function borrowed(execution: Execution, own: readonly MountPlan[]): Promise<MountPlan[]> {
    const parent = isJudge(execution) ? await findParent(execution) : null
    return parent ? mounts.lend(parent, { id: execution.id, mounts: own }) : []
  }

  return {
    async run(attempt) {
      const { execution, plan, signal } = attempt
      if (plan.mounts.length === 0 && !isJudge(execution)) return runner.run(attempt)
      try {
        const entered = await mounts.enter(execution, plan.mounts)
        const lent = await borrowed(execution, plan.mounts)
        // What is mounted does not use up the room of the workspace.
        const rooms = [...entered.map(({ volume }) => volume.sizeLimit), ...lent.map(({ sizeLimit }) => sizeLimit ?? 0)]
        const disk = rooms.reduce((sum, room) => Math.min(sum + room, Number.MAX_SAFE_INTEGER), plan.disk)
        const outcome = await runner.run({
          ...attempt,
          plan: { ...plan, disk, mounts: [...found(plan.mounts, entered), ...lent] },
        })
        await mounts.keep(execution)
        return outcome
      } catch (error) {
        if (!signal.aborted && error instanceof SandboxError)
          return { kind: 'failed', failure: { kind: 'sandbox', message: error.message } }
        // What was written until it was stopped is kept; another server goes on with the copy as it is.
        if (signal.aborted && !isHandedOver(signal))
          await mounts
            .keep(execution)
            .catch((err: unknown) => logger.warn({ err, execution_id: execution.id }, 'files could not be kept'))
        throw error
      }
    },
  }
}

/** What a manifest wants mounted, with the volumes that were found or made for it. */
const found = (plans: readonly MountPlan[], entered: readonly Entered[]): MountPlan[] =>
  plans.map((plan) => ({
    ...plan,
    volumeId: entered.find(({ mount }) => mount.name === plan.name)?.volume.id ?? plan.volumeId,
  }))
