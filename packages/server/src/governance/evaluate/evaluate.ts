import { InvalidInput, TooManyRequests } from '../../errors.ts'
import { NoThreadFree, ThreadFailed, type Threads, ThreadTimeout } from '../../operations/threads/threads.ts'
import type { TrialCall, TrialOutcome } from './judge.ts'

export type Evaluation = Extract<TrialOutcome, { kind: 'judged' }>

/** Judge a call by a text, now. @throws InvalidInput for what cannot be judged, TooManyRequests while all slots are taken. */
export type Evaluate = (call: TrialCall) => Promise<Evaluation>

/** Trials at once. */
export const SLOTS = 4
const WAIT_MS = 1_000
const RUN_MS = 5_000
const MOST_DOCUMENTS = 10

/**
 * The playground: judge a call by a bundle that is nowhere deployed. Other people's text runs on a thread that can be ended.
 *
 * @throws InvalidInput for what cannot be judged or takes too long, TooManyRequests while all slots are taken
 */
export function createEvaluate({ threads }: { threads: Threads<TrialCall, TrialOutcome> }): Evaluate {
  return async (call) => {
    const documents = call.yaml.split('\n---').length
    if (documents > MOST_DOCUMENTS)
      throw new InvalidInput(`YAML contains ${documents} documents (limit: ${MOST_DOCUMENTS}).`)
    const outcome = await threads.run(call, { waitMs: WAIT_MS, runMs: RUN_MS }).catch(explain)
    switch (outcome.kind) {
      case 'judged':
        return outcome
      case 'too_many_contracts':
        throw new InvalidInput(`Bundle contains ${outcome.count} contracts (limit: 100).`)
      case 'invalid':
        throw new InvalidInput(`Invalid contract YAML: ${outcome.message}`)
    }
  }
}

function explain(error: unknown): never {
  if (error instanceof NoThreadFree)
    throw new TooManyRequests('Too many concurrent evaluations. Try again shortly.', null)
  if (error instanceof ThreadTimeout)
    throw new InvalidInput('Evaluation timed out — contract bundle may be too complex.', 'evaluation_timeout')
  if (error instanceof ThreadFailed)
    throw new InvalidInput('Evaluation broke off — contract bundle may be too complex.', 'evaluation_failed')
  throw error
}
