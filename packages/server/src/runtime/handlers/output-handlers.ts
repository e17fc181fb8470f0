import type { Logger } from 'pino'
import { DomainError } from '../../errors.ts'
import { AddressRefused, type Outbound, OutboundFailed } from '../../ports/outbound.ts'
import type { Children } from '../children/children.ts'
import type { DeliverOutput } from '../executions/supervisor.ts'
import { draft } from '../record/events.ts'
import type { Execution } from '../record/execution.ts'
import type { ExecutionJournal } from '../record/journal.ts'
import { BadReference } from '../references/reference.ts'
import type { References } from '../references/references.ts'
import { loadTemplates } from '../templates/renderer.ts'

type Agent = Extract<Parameters<DeliverOutput>[0]['handler'], { type: 'agent' }>
type Webhook = Extract<Parameters<DeliverOutput>[0]['handler'], { type: 'webhook' }>
type Waits = Pick<Parameters<DeliverOutput>[0], 'signal' | 'waiting'>

/** By what a child is known that an output was handed to. */
const KEY = 'output_handler'

/** Why a handler brought no output. */
class HandlerFailed extends Error {
  override readonly name = 'HandlerFailed'
}

/**
 * Gives the accepted output of an execution to its handler. What the handler answers becomes the final output; an answer without a
 * text leaves it as it was. After a crash an agent goes on where it was; a webhook is called again, with the same `Idempotency-Key`.
 */
export function createOutputHandlers(deps: {
  children: Pick<Children, 'run'>
  find: (id: string, tenantId: string) => Promise<Execution | null>
  outbound: Outbound
  journal: ExecutionJournal
  /** What headers refer to. */
  references: Pick<References, 'headers'>
  logger: Logger
}): DeliverOutput {
  const { children, outbound, journal, references, logger } = deps

  async function toAgent(execution: Execution, handler: Agent, output: string, waits: Waits): Promise<string> {
    const input =
      handler.inputTemplate === undefined ? output : await rendered(handler.inputTemplate, execution, output)
    await requireNoCircle(execution, handler.agent)
    const request = { key: KEY, agent: handler.agent, input }
    const child = await children
      .run(execution, request, { ...waits, milliseconds: handler.milliseconds })
      .catch((error: unknown) => {
        if (error instanceof DomainError && error.status < 500) throw new HandlerFailed(error.message)
        throw error
      })
    if (child.status === 'completed') return child.output ?? ''
    throw new HandlerFailed(`the agent '${child.agentName}' ${child.status}${child.error ? `: ${child.error}` : ''}`)
  }

  /** Whoever has handed on to get here is handed nothing: what goes round in a circle comes to no end. @throws HandlerFailed */
  async function requireNoCircle(execution: Execution, target: string): Promise<void> {
    const names = [execution.agentName]
    for (let one: Execution | null = execution; one !== null; ) {
      if (target === one.agentName || target.toLowerCase() === one.agentId)
        throw new HandlerFailed(
          `output handlers go round in a circle: ${[...names, one.agentName].join(' hands on to ')}. Let the last one hand on to nobody.`,
        )
      if (one.childKey !== KEY || one.parentId === null) return
      one = await deps.find(one.parentId, one.tenantId)
      if (one) names.unshift(one.agentName)
    }
  }

  async function toWebhook(execution: Execution, handler: Webhook, output: string): Promise<string> {
    const body =
      handler.bodyTemplate === undefined
        ? JSON.stringify({
            execution_id: execution.id,
            agent_id: execution.agentId,
            agent_name: execution.agentName,
            intent: execution.intent,
            output,
          })
        : await rendered(handler.bodyTemplate, execution, output)
    const named = new Set(Object.keys(handler.headers).map((name) => name.toLowerCase()))
    const added = { 'content-type': 'application/json', 'idempotency-key': `output-${execution.id}` }
    const headers = {
      ...Object.fromEntries(Object.entries(added).filter(([name]) => !named.has(name))),
      ...handler.headers,
    }
    const referred = await references.headers(execution, headers).catch((error: unknown) => {
      throw error instanceof BadReference ? new HandlerFailed(error.message) : error
    })
    await journal.record(execution, referred.events)
    const { url, method, milliseconds } = handler
    const request = { url, method, headers: referred.headers, body, milliseconds }
    const answer = await outbound.send(request).catch((error: unknown) => {
      if (error instanceof AddressRefused || error instanceof OutboundFailed) throw new HandlerFailed(error.message)
      throw error
    })
    if (answer.status >= 200 && answer.status <= 299) return answer.body === '' ? output : answer.body
    throw new HandlerFailed(`${new URL(url).hostname} answered HTTP ${answer.status}`)
  }

  async function rendered(template: string, { intent }: Execution, output: string): Promise<string> {
    try {
      return (await loadTemplates()).render(template, { output, intent: intent ?? '' })
    } catch (error) {
      throw new HandlerFailed(`its template is broken: ${(error as Error).message}`)
    }
  }

  return async ({ execution, handler, output, signal, waiting }) => {
    const handler_type = handler.type
    await journal.record(execution, [draft('output_handler_started', { handler_type })])
    try {
      const result =
        handler.type === 'agent'
          ? await toAgent(execution, handler, output, { signal, waiting })
          : await toWebhook(execution, handler, output)
      await journal.record(execution, [draft('output_handler_completed', { handler_type, result })])
      return { kind: 'delivered', output: result }
    } catch (error) {
      if (!(error instanceof HandlerFailed)) throw error
      logger.warn({ execution_id: execution.id, problem: error.message }, 'output handler failed')
      await journal.record(execution, [draft('output_handler_failed', { handler_type, error: error.message })])
      return handler.isRequired ? { kind: 'failed', reason: error.message } : { kind: 'delivered', output }
    }
  }
}
