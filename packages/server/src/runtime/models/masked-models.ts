import type { Mask } from '../masking/mask.ts'
import type { Models } from './models.ts'

/** Models that are told nothing of what an execution was handed in secret, whatever brought it into the conversation. */
export const maskedModels = (models: Models, mask: () => Mask): Models => ({
  turn: (request) => models.turn({ ...request, messages: mask().value(request.messages) }),
})
