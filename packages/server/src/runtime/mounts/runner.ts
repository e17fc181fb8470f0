import type { Logger } from 'pino'
import { SandboxError } from '../../ports/sandbox.ts'
import type { AttemptRunner } from '../executions/attempt.ts'
import { isHandedOver } from '../judging/handover.ts'
import type { Mounts } from './mounts.ts'

/** Attempts with their volumes: they are there before the instance starts, and what it changed is kept before the attempt counts. */
export function mountedRunner(runner: AttemptRunner, mounts: Mounts, logger: Pick<Logger, 'warn'>): AttemptRunner {
  return {
    async run(attempt) {
      const { execution, plan, signal } = attempt
      if (plan.mounts.length === 0) return runner.run(attempt)
      try {
        const entered = await mounts.enter(execution, plan.mounts)
        // What is mounted does not use up the room of the workspace.
        const disk = entered.reduce(
          (sum, { volume }) => Math.min(sum + volume.sizeLimit, Number.MAX_SAFE_INTEGER),
          plan.disk,
        )
        const outcome = await runner.run({ ...attempt, plan: { ...plan, disk } })
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
