import type { AgentMessage, OrchestratorMessage } from '../dispatch/messages.ts'
import { parseOrchestratorMessage } from '../dispatch/parse.ts'
import type { RequestOptions } from '../http/options.ts'
import type { Transport } from '../http/transport.ts'

/** The messages with what the receiver fills in left out. */
export type DispatchPayload =
  | (Pick<Extract<AgentMessage, { type: 'generate' }>, 'type' | 'execution_id' | 'iteration_number' | 'prompt'> &
      Partial<Extract<AgentMessage, { type: 'generate' }>>)
  | (Pick<
      Extract<AgentMessage, { type: 'dispatch_result' }>,
      'type' | 'execution_id' | 'dispatch_id' | 'exit_code' | 'stdout'
    > &
      Partial<Extract<AgentMessage, { type: 'dispatch_result' }>>)

/** The agent's side of the dispatch protocol, for bootstraps written with this client. */
export const dispatchMethods = (transport: Transport) => ({
  /**
   * Send one message and return the orchestrator's. Not retried unless asked to: a conversation goes on with every
   * message it receives.
   *
   * @throws DispatchMessageError when the answer is no message of the protocol
   */
  async dispatchGateway(payload: DispatchPayload, options?: RequestOptions): Promise<OrchestratorMessage> {
    const answer = await transport.json(
      { method: 'POST', path: '/v1/dispatch-gateway', json: payload },
      { maxRetries: 0, ...options },
    )
    return parseOrchestratorMessage(answer)
  },
})

export type DispatchMethods = ReturnType<typeof dispatchMethods>
