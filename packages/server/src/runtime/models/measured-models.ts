import type { Metrics } from '../../operations/metrics.ts'
import type { Clock } from '../../ports/clock.ts'
import { type Models, TurnFailed } from './models.ts'

/** Models whose turns are counted and timed; a turn is one, however often the provider was asked in it. */
export function createMeasuredModels(
  models: Models,
  { metrics, clock }: { metrics: Pick<Metrics, 'aiCalls' | 'aiTime' | 'aiTokens'>; clock: Clock },
): Models {
  return {
    async turn(request) {
      const started = clock.now()
      const told = (provider: string, outcome: string) => {
        const labels = { purpose: 'agent', provider }
        metrics.aiCalls.inc({ ...labels, outcome })
        metrics.aiTime.observe(labels, (clock.now() - started) / 1000)
        return labels
      }
      try {
        const turn = await models.turn(request)
        const labels = told(turn.provider, 'answered')
        metrics.aiTokens.inc({ ...labels, direction: 'in' }, turn.inputTokens ?? 0)
        metrics.aiTokens.inc({ ...labels, direction: 'out' }, turn.outputTokens ?? 0)
        return turn
      } catch (error) {
        if (error instanceof TurnFailed) told(error.provider, 'failed')
        throw error
      }
    },
  }
}
