import type { AgentMessage, DispatchResultMessage, GenerateMessage, OrchestratorMessage } from '@lictor/aegis'
import { Conflict, DomainError, Forbidden, NotFound } from '../../errors.ts'
import type { ModelErrorClass, ModelMessage, ModelTool, ModelToolCall } from '../../ports/model.ts'
import { draft } from '../executions/events.ts'
import type { ExecutionStore } from '../executions/store.ts'
import { type Models, type Turn, TurnFailed } from '../models/models.ts'
import { findTool } from '../tools/catalogue.ts'
import type { Invocations } from '../tools/invocations.ts'
import { contextOffers } from '../tools/security-contexts.ts'
import type { ActiveAttempt, Loop } from './attempts.ts'

const MAX_ROUNDS = 50
const LONGEST_TEXT_IN_EVENTS = 32_768

const POLICY = [
  'You work through tools. Call only the tools you are given, with arguments that fit their schemas.',
  'Every call is judged by contracts. When a call is denied, do not repeat it; read the reason and find another way, or say that you cannot.',
  'Answer without a tool call when you are done: that text is the result.',
].join(' ')

/** The conversation between an attempt's model and its tools (aegis-runtime §3.3). */
export interface InnerLoop {
  /** Answer one message of an instance. @throws DomainError with the status of aegis-runtime §3.5. */
  answer(attempt: ActiveAttempt, message: AgentMessage): Promise<OrchestratorMessage>
}

export function innerLoop(deps: { models: Models; invocations: Invocations; store: ExecutionStore }): InnerLoop {
  const { models, invocations, store } = deps

  function begin(attempt: ActiveAttempt, message: GenerateMessage): Loop {
    const system: ModelMessage = { role: 'system', content: POLICY }
    const given = message.messages.map(readMessage)
    const messages: ModelMessage[] =
      given.length === 0
        ? [system, { role: 'user', content: message.prompt }]
        : given.some((one) => one.role === 'system')
          ? given
          : [system, ...given]
    attempt.failure = null
    attempt.isHopeless = false
    return { messages, toolCalls: 0, rounds: 0, pending: null }
  }

  /** Ask the model and run what it asks for, until it is done or a command has to run at the instance. */
  async function proceed(attempt: ActiveAttempt, loop: Loop): Promise<OrchestratorMessage> {
    for (;;) {
      attempt.signal.throwIfAborted()
      const turn = await ask(attempt, loop)
      if (turn.toolCalls.length === 0) {
        loop.messages.push({ role: 'assistant', content: turn.text })
        attempt.loop = null
        attempt.answer = turn.text
        await keep(attempt)
        return {
          type: 'final',
          content: turn.text,
          tool_calls_executed: loop.toolCalls,
          conversation: conversationOf(loop),
        }
      }
      loop.rounds++
      if (loop.rounds > MAX_ROUNDS) {
        attempt.loop = null
        throw failure(attempt, 500, `Inner loop exceeded max iterations (${MAX_ROUNDS})`)
      }
      loop.messages.push({ role: 'assistant', content: turn.text, tool_calls: turn.toolCalls })
      const dispatch = await call(attempt, loop, turn.toolCalls)
      if (dispatch) return dispatch
    }
  }

  /** Run calls of one answer in order; the first that must run at the instance interrupts. */
  async function call(
    attempt: ActiveAttempt,
    loop: Loop,
    calls: readonly ModelToolCall[],
  ): Promise<OrchestratorMessage | null> {
    for (const [index, one] of calls.entries()) {
      attempt.signal.throwIfAborted()
      loop.toolCalls++
      const invoked = await invocations.begin(attempt.invocation, one, loop.toolCalls - 1)
      attempt.trajectory.push(invoked.step)
      if (invoked.kind === 'dispatched') {
        loop.pending = {
          message: invoked.message,
          call: one,
          running: invoked.running,
          step: invoked.step,
          remaining: calls.slice(index + 1),
        }
        await keep(attempt)
        return invoked.message
      }
      loop.messages.push(toolMessage(one, invoked.content))
    }
    return null
  }

  async function resume(attempt: ActiveAttempt, message: DispatchResultMessage): Promise<OrchestratorMessage> {
    const { loop } = attempt
    const pending = loop?.pending
    if (!loop || !pending)
      throw new Conflict(
        'No command is out at this execution: the result came twice or too late.',
        'no_pending_dispatch',
      )
    if (pending.message.dispatch_id !== message.dispatch_id)
      throw new Conflict(`Mismatched dispatch_id for execution_id: ${attempt.execution.id}`, 'mismatched_dispatch_id')
    loop.pending = null
    const content = await invocations.finish(attempt.invocation, pending.running, pending.message, message)
    pending.step.status = message.exit_code === 0 ? 'succeeded' : 'failed'
    loop.messages.push(toolMessage(pending.call, content))
    return (await call(attempt, loop, pending.remaining)) ?? proceed(attempt, loop)
  }

  async function ask(attempt: ActiveAttempt, loop: Loop): Promise<Turn> {
    const { execution, iteration, invocation } = attempt
    try {
      const turn = await models.turn({
        alias: attempt.modelAlias,
        script: attempt.modelScript,
        temperature: attempt.temperature,
        messages: loop.messages,
        tools: offeredTools(attempt),
        agent: execution.agent_name,
        limit: attempt.turnLimit,
        signal: attempt.signal,
      })
      await invocation.record([
        draft('llm_interaction', {
          iteration_number: iteration,
          provider: turn.provider,
          model: turn.model,
          input_tokens: turn.inputTokens,
          output_tokens: turn.outputTokens,
          prompt: shortened(loop.messages.at(-1)?.content ?? ''),
          response: shortened(turn.text || JSON.stringify(turn.toolCalls)),
        }),
      ])
      return turn
    } catch (error) {
      if (!(error instanceof TurnFailed)) throw error
      const { errorClass } = error.error
      await invocation.record([
        draft('llm_call_failed', {
          iteration_number: iteration,
          provider: error.provider,
          model: error.model,
          error_class: errorClass,
          message: error.message,
          attempts: error.attempts,
          elapsed_ms: error.elapsedMs,
          fallback_attempted: false,
        }),
      ])
      const [status, tag] = upstream[errorClass]
      attempt.loop = null
      attempt.isHopeless = hopeless.has(errorClass)
      throw failure(attempt, status, `${tag}: ${error.message}`)
    }
  }

  /** Keep the conversation where a restart or a reader finds it. */
  async function keep(attempt: ActiveAttempt): Promise<void> {
    const { loop } = attempt
    await store.updateIteration(attempt.execution.id, attempt.iteration, {
      loop: loop
        ? JSON.stringify({
            messages: loop.messages,
            tool_calls: loop.toolCalls,
            rounds: loop.rounds,
            dispatch_id: loop.pending?.message.dispatch_id ?? null,
          })
        : null,
      trajectory: JSON.stringify(attempt.trajectory),
    })
  }

  return {
    async answer(attempt, message) {
      requireOwn(attempt, message)
      if (attempt.isBusy) throw new Conflict('A message of this execution is being answered already.', 'busy')
      attempt.isBusy = true
      try {
        if (message.type === 'dispatch_result') return await resume(attempt, message)
        if (attempt.loop?.pending)
          throw new Conflict('A command is out at this execution; its result comes first.', 'pending_dispatch')
        attempt.loop = begin(attempt, message)
        return await proceed(attempt, attempt.loop)
      } catch (error) {
        if (attempt.signal.aborted) throw new Conflict('This execution has ended.', 'execution_ended')
        if (!(error instanceof DomainError)) {
          attempt.failure ??= 'This server failed while it answered the agent.'
          attempt.loop = null
        }
        throw error
      } finally {
        attempt.isBusy = false
      }
    },
  }
}

/** Only the attempt's own instance, about its own execution, in its own iteration (aegis-runtime §3.7). */
function requireOwn(attempt: ActiveAttempt, message: AgentMessage): void {
  const { execution, iteration } = attempt
  if (message.execution_id !== execution.id)
    throw new NotFound(
      `Unknown or expired execution_id: ${message.execution_id}`,
      `Unknown or expired execution_id: ${message.execution_id}`,
    )
  if (message.type !== 'generate') return
  if (message.agent_id !== '' && message.agent_id !== execution.agent_id)
    throw new Forbidden('The agent_id is not that of this execution.', 'foreign_agent')
  if (message.iteration_number !== iteration)
    throw new Conflict(
      `Iteration ${message.iteration_number} is not the current one (${iteration}).`,
      'stale_iteration',
    )
}

const upstream: Readonly<Record<ModelErrorClass, readonly [status: number, tag: string]>> = {
  authentication: [502, 'upstream_authentication'],
  model_not_found: [502, 'upstream_model_not_found'],
  invalid_input: [502, 'upstream_invalid_input'],
  network: [502, 'upstream_network'],
  timeout: [502, 'upstream_network'],
  provider: [502, 'upstream_provider'],
  rate_limit: [429, 'upstream_rate_limit'],
  service_unavailable: [503, 'upstream_unavailable'],
}

/** What another attempt cannot mend: somebody has to change a setting or the manifest first. */
const hopeless: ReadonlySet<ModelErrorClass> = new Set(['authentication', 'model_not_found'])

function failure(attempt: ActiveAttempt, status: number, text: string): DomainError {
  attempt.failure = text
  return new DomainError(status, text, text)
}

function offeredTools(attempt: ActiveAttempt): ModelTool[] {
  const { toolNames, securityContext } = attempt.invocation
  return toolNames.flatMap((name) => {
    const tool = findTool(name)
    if (!tool || !contextOffers(securityContext, tool.name)) return []
    return [{ name, description: tool.description, schema: tool.schema }]
  })
}

const toolMessage = (call: ModelToolCall, content: string): ModelMessage => ({
  role: 'tool',
  tool_call_id: call.id,
  name: call.name,
  content,
})

/** A message as a bootstrap sent it; what has no role of ours is said by the user. */
function readMessage(message: Record<string, unknown>): ModelMessage {
  const content = typeof message.content === 'string' ? message.content : JSON.stringify(message.content ?? '')
  switch (message.role) {
    case 'system':
      return { role: 'system', content }
    case 'assistant':
      return { role: 'assistant', content, ...readToolCalls(message.tool_calls) }
    case 'tool':
      return {
        role: 'tool',
        tool_call_id: String(message.tool_call_id ?? ''),
        name: String(message.name ?? ''),
        content,
      }
    default:
      return { role: 'user', content }
  }
}

function readToolCalls(value: unknown): { tool_calls?: readonly ModelToolCall[] } {
  if (!Array.isArray(value) || value.length === 0) return {}
  return {
    tool_calls: value.map((call: Record<string, unknown>) => ({
      id: String(call.id ?? ''),
      name: String(call.name ?? ''),
      arguments: call.arguments ?? {},
    })),
  }
}

const conversationOf = (loop: Loop): Record<string, unknown>[] => loop.messages.map((message) => ({ ...message }))

const shortened = (text: string): string =>
  text.length <= LONGEST_TEXT_IN_EVENTS ? text : `${text.slice(0, LONGEST_TEXT_IN_EVENTS)}…`
