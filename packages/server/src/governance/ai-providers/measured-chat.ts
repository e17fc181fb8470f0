import type { Metrics } from '../../operations/metrics.ts'
import type { OpenChatModel } from '../../ports/chat-model.ts'
import type { Clock } from '../../ports/clock.ts'

/** Chat models whose rounds are counted and timed. */
export function createMeasuredChat(
  open: OpenChatModel,
  { metrics, clock }: { metrics: Pick<Metrics, 'aiCalls' | 'aiTime' | 'aiTokens'>; clock: Clock },
): OpenChatModel {
  return (settings) => {
    const model = open(settings)
    const labels = { purpose: 'assistant', provider: settings.provider }
    return {
      async *stream(request) {
        const started = clock.now()
        // What neither ended nor failed was left by who asked.
        let outcome = 'left'
        try {
          for await (const part of model.stream(request)) {
            if (part.kind === 'usage') {
              metrics.aiTokens.inc({ ...labels, direction: 'in' }, part.inputTokens)
              metrics.aiTokens.inc({ ...labels, direction: 'out' }, part.outputTokens)
            }
            yield part
          }
          outcome = 'answered'
        } catch (error) {
          if (!request.signal.aborted) outcome = 'failed'
          throw error
        } finally {
          metrics.aiCalls.inc({ ...labels, outcome })
          metrics.aiTime.observe(labels, (clock.now() - started) / 1000)
        }
      },
    }
  }
}
