import { InvalidInput } from '../../errors.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Queryable } from '../../storage/database.ts'
import { derivedId } from '../children/derived-id.ts'
import type { RunExecutions } from '../children/of-runs.ts'
import { jsonIn } from '../validation/json.ts'
import type { Stimulus } from './stimulus.ts'

const ROUTER_MS = 30_000
/** Below it nobody is sure enough. */
const LEAST_CONFIDENCE = 0.7
/** Workflows that a router may choose from. */
const MOST_OFFERED = 200
const SHOWN_CHARACTERS = 200

/** What a router chose. */
export interface Choice {
  readonly workflow: string
  readonly confidence: number
}

/** A workflow that a router may choose. */
export interface Offered {
  readonly name: string
  readonly manifest: { readonly metadata: { readonly description?: string | undefined } }
}

/** Why no workflow was chosen, by the word that clients know. */
export class NotRouted extends InvalidInput {
  /** It was chosen, and not surely enough; or nobody chose. */
  readonly becomes: 'rejected' | 'classification_failed'
  constructor(code: string, message: string, becomes: NotRouted['becomes'] = 'classification_failed') {
    super(message, code)
    this.becomes = becomes
  }
}

/** Ask an agent which workflow a stimulus is for. */
export interface Router {
  /** @throws NotRouted; the signal's reason when this server stops */
  choose(stimulus: Stimulus, agent: string, signal: AbortSignal): Promise<Choice>
}

export function createRouter(deps: {
  executions: RunExecutions
  listWorkflows: (of: { readonly tenantId: string }, limit: number) => Promise<readonly Offered[]>
  isReceived: (stimulus: Stimulus, within: Queryable) => Promise<boolean>
  clock: Clock
}): Router {
  const { executions, listWorkflows, isReceived, clock } = deps
  return {
    async choose(stimulus, agent, signal) {
      const { tenantId, content, source, headers } = stimulus
      const offered = await listWorkflows({ tenantId }, MOST_OFFERED)
      const workflows = offered.map(({ name, manifest }) => ({
        name,
        description: manifest.metadata.description ?? '',
      }))
      const id = derivedId(`stimulus:${stimulus.id}`)
      const late = new AbortController()
      const cancelTimer = clock.after(ROUTER_MS, () =>
        late.abort(
          new NotRouted(
            'router_agent_failed',
            `The router agent '${agent}' gave no answer within ${ROUTER_MS / 1000} seconds.`,
          ),
        ),
      )
      const ending = AbortSignal.any([signal, late.signal])
      try {
        const begun = await executions
          .begin({
            id,
            tenantId,
            startedBy: stimulus.receivedFrom,
            agent,
            intent:
              'Choose the workflow that this stimulus is for. Answer JSON alone: {"workflow": name, "confidence": 0 to 1}.',
            input: { stimulus_content: content, stimulus_source: source, stimulus_id: stimulus.id, headers, workflows },
            bound: null,
            isWanted: (within) => isReceived(stimulus, within),
          })
          .catch((error: unknown) => {
            if (!(error instanceof Error) || !('status' in error) || Number(error.status) >= 500) throw error
            throw new NotRouted(
              'router_agent_failed',
              `The router agent '${agent}' could not be started: ${error.message}`,
            )
          })
        if (begun === null) throw new NotRouted('router_agent_failed', 'The stimulus was routed otherwise meanwhile.')
        const ended = await unlessAborted(executions.ended(begun, ending), ending)
        if (ended.status !== 'completed')
          throw new NotRouted(
            'router_agent_failed',
            `The router agent '${agent}' ${ended.status}: ${ended.error ?? 'it said nothing.'}`,
          )
        return readChoice(ended.output ?? '')
      } catch (error) {
        if (late.signal.aborted) {
          await executions.cancel({ tenantId, ids: [id] }, 'It took too long to choose a workflow.')
          throw late.signal.reason
        }
        throw error
      } finally {
        cancelTimer()
      }
    },
  }
}

/** @throws NotRouted for what is no answer, and for one that is not sure enough */
export function readChoice(output: string): Choice {
  const found = jsonIn(output)
  const value = found.ok ? found.value : null
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new NotRouted('classification_parse_error', `The router answered no JSON object: ${shown(output)}`)
  const { workflow, workflow_id, confidence } = value as Record<string, unknown>
  const named = workflow ?? workflow_id
  if (typeof named !== 'string' || named.trim() === '')
    throw new NotRouted('classification_parse_error', `The router named no workflow: ${shown(output)}`)
  if (typeof confidence !== 'number' || !(confidence >= 0 && confidence <= 1))
    throw new NotRouted(
      'classification_parse_error',
      `The router's confidence is no number from 0 to 1: ${shown(output)}`,
    )
  if (confidence < LEAST_CONFIDENCE)
    throw new NotRouted(
      'classification_failed',
      `The router chose '${named.trim()}' with a confidence of ${confidence}; ${LEAST_CONFIDENCE} is needed.`,
      'rejected',
    )
  return { workflow: named.trim(), confidence }
}

const shown = (output: string): string => output.trim().slice(0, SHOWN_CHARACTERS)

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const giveUp = () => reject(signal.reason)
    if (signal.aborted) giveUp()
    signal.addEventListener('abort', giveUp, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp))
  })
}
