import { ModelError } from '../../ports/model.ts'
import type { Counted, Limits } from '../limits/limits.ts'
import { LimitReached } from '../limits/limits.ts'
import { type Models, TurnFailed, type TurnRequest } from './models.ts'

/** Characters of a token, roughly: more than most texts have, so that what is counted ahead is seldom too much. */
const CHARACTERS_PER_TOKEN = 4

/**
 * Models whose turns are counted for whoever began the execution. What a turn brings to the model is counted ahead by its length, so
 * that one that is larger than what is left is not made; the rest when the provider has said how many tokens it was.
 */
export function createLimitedModels(
  models: Models,
  { limits, who }: { limits: Pick<Limits, 'take' | 'add'>; who: Counted },
): Models {
  return {
    async turn(request) {
      const expected = expectedTokens(request)
      const taking = await limits
        .take(who, [
          { resource: 'llm_call', amount: 1 },
          { resource: 'llm_token', amount: expected },
        ])
        .catch((error: unknown) => {
          throw error instanceof LimitReached ? refused(request, error) : error
        })
      try {
        const turn = await models.turn(request)
        const more = (turn.inputTokens ?? expected) + (turn.outputTokens ?? 0) - expected
        if (more > 0) await limits.add(who, [{ resource: 'llm_token', amount: more }])
        return turn
      } catch (error) {
        await taking.giveBack()
        throw error
      }
    },
  }
}

const expectedTokens = ({ messages }: TurnRequest): number =>
  Math.ceil(messages.reduce((sum, message) => sum + message.content.length, 0) / CHARACTERS_PER_TOKEN)

const refused = ({ alias }: TurnRequest, { message }: LimitReached): TurnFailed =>
  new TurnFailed(new ModelError('rate_limit', message), {
    provider: 'lictor',
    model: alias,
    attempts: 0,
    elapsedMs: 0,
    isFallbackTried: false,
  })
