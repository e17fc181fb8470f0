import type { Masks } from '../masking/masks.ts'
import type { ExecutionStore } from './store.ts'
import type { TurnStore } from './turn-store.ts'

/** What is kept about executions, without the values that they were handed in secret. */
export function maskedExecutions(store: ExecutionStore, masks: Pick<Masks, 'of'>): ExecutionStore {
  return {
    ...store,
    update: (id, change, within, generation) => store.update(id, masks.of(id).value(change), within, generation),
    insertIteration: (iteration, within) =>
      store.insertIteration(masks.of(iteration.executionId).value(iteration), within),
    updateIteration: (executionId, number, change, within) =>
      store.updateIteration(executionId, number, masks.of(executionId).value(change), within),
    updateOwnIteration: (executionId, number, tokenHash, change) =>
      store.updateOwnIteration(executionId, number, tokenHash, masks.of(executionId).value(change)),
  }
}

/** What is said and done in attempts, likewise: a model was told none of those values, so it goes on with the same words. */
export function maskedTurns(store: TurnStore, masks: Pick<Masks, 'of'>): TurnStore {
  return {
    ...store,
    append: (place, entry, within) => store.append(place, masks.of(place.executionId).value(entry), within),
  }
}
