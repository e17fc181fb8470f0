import { isDeepStrictEqual } from 'node:util'
import type {
  AgentMessage,
  DispatchMessage,
  DispatchResultMessage,
  FinalMessage,
  GenerateMessage,
  OrchestratorMessage,
} from '@lictor/aegis'
import { Conflict, DomainError, Forbidden, NotFound } from '../../errors.ts'
import type { ModelMessage, ModelTool, ModelToolCall } from '../../ports/model.ts'
import { concealed, concealedText } from '../concealed.ts'
import { type Models, type Turn, TurnFailed } from '../models/models.ts'
import { draft } from '../record/events.ts'
import type { Execution, TrajectoryStep } from '../record/execution.ts'
import type { ExecutionStore } from '../record/store.ts'
import type { RecordedCall, RecordedExchange, replay, TurnEntry } from '../record/turns.ts'
import type { Catalogue } from '../tools/catalogue.ts'
import type { DispatchedCall, InvocationContext, Invocations } from '../tools/invocations.ts'
import { contextOffers } from '../tools/judge-by-context.ts'
import { toolNameOf } from '../tools/telling.ts'
import { schemaOf, ToolFatal } from '../tools/tool.ts'
import { type ConversationFailure, errorOf } from './failure.ts'
import { readMessage, toolMessage } from './messages.ts'

const MAX_ROUNDS = 50
const LONGEST_TEXT_IN_EVENTS = 32_768

const POLICY = [
  'You work through tools. Call only the tools you are given, with arguments that fit their schemas.',
  'Every call is judged by contracts. When a call is denied, do not repeat it; read the reason and find another way, or say that you cannot.',
  'Answer without a tool call when you are done: that text is the result.',
].join(' ')

const CUT_OFF =
  'Not run: the answer that asked for this call was cut off at the length limit, so the call may be incomplete. Ask again with less in one answer.'

/** What a conversation is about: one attempt of one execution. */
export interface ConversationSettings {
  readonly execution: Pick<Execution, 'id' | 'agentId' | 'agentName' | 'tenantId' | 'startedBy'>
  readonly iteration: number
  readonly modelAlias: string
  readonly modelScript: string | undefined
  readonly temperature: number | undefined
  /** Milliseconds until something of a model turn comes, and between its pieces. */
  readonly turnLimit: number
  /** Milliseconds one model turn may take while its answer keeps coming. */
  readonly longestTurn: number
  readonly invocation: InvocationContext
  /** Fires when the attempt is over, whatever ended it. */
  readonly signal: AbortSignal
  /** What an earlier server recorded of this attempt, which goes on; nothing of one that begins. */
  readonly recorded: ReturnType<typeof replay>
  /** Before the first step of an attempt that goes on. @throws when it was taken up too often. */
  readonly goesOn: () => Promise<void>
  readonly step: Step
}

/**
 * Do a step that is worth finishing: a turn of the model, a tool, a command that is out. A server that stops waits a while for
 * those under way and lets none begin. @throws the signal's reason when it stops.
 */
export type Step = <T>(work: () => Promise<T>) => Promise<T>

/** The conversation between an attempt's model and its tools. It alone knows how far it is; others ask what came of it. */
export interface Conversation {
  readonly execution: ConversationSettings['execution']
  /** Answer one message of the instance. @throws DomainError with the status that the gateway answers. */
  answer(message: AgentMessage): Promise<OrchestratorMessage>
  /** Why the last exchange failed; null when it did not. */
  readonly failure: ConversationFailure | null
  /** The command that is out at the instance; null: none is. */
  readonly commandOut: DispatchMessage | null
  /** The calls so far, in order. */
  readonly trajectory: readonly TrajectoryStep[]
}

export type OpenConversation = (settings: ConversationSettings) => Conversation

/** A call of an answer, with what is known of it from before a restart. */
type CallToMake = Pick<RecordedCall, 'call'> & { readonly before: RecordedCall | null }

/** One exchange, from `generate` to its final answer. */
interface Exchange {
  readonly messages: ModelMessage[]
  toolCalls: number
  /** Answers of the model that asked for tools. */
  rounds: number
  /** A command is out at the instance; these calls of the same answer come after it. */
  pending: {
    readonly message: DispatchMessage
    readonly call: ModelToolCall
    readonly running: DispatchedCall
    /** Its place in the trajectory. */
    readonly place: number
    readonly remaining: readonly CallToMake[]
    /** Its result is here. */
    readonly isBack: () => void
  } | null
}

type Proceeded =
  | { readonly kind: 'message'; readonly message: OrchestratorMessage }
  | { readonly kind: 'failed'; readonly failure: ConversationFailure }

export function createConversations(deps: {
  models: Models
  invocations: Pick<Invocations, 'begin' | 'refuse' | 'finish'>
  store: Pick<ExecutionStore, 'updateIteration'>
  catalogue: Pick<Catalogue, 'find'>
}): OpenConversation {
  const { models, invocations, store, catalogue } = deps

  return (settings) => {
    const { execution, iteration, invocation, signal } = settings
    const trajectory: TrajectoryStep[] = [...settings.recorded.trajectory]
    const before = settings.recorded.exchanges
    /** Exchanges that this instance has begun. */
    let begun = 0
    let exchange: Exchange | null = null
    let failure: ConversationFailure | null = null
    let isBusy = false
    let lastResult: { readonly text: string; readonly answer: Promise<OrchestratorMessage> } | null = null

    /** Ask the model and run what it asks for, until it is done or a command has to run at the instance. */
    async function proceed(current: Exchange): Promise<Proceeded> {
      for (;;) {
        signal.throwIfAborted()
        const turn = await settings.step(() => ask(current))
        if ('kind' in turn) return { kind: 'failed', failure: turn }
        if (turn.calls.length === 0) return { kind: 'message', message: await conclude(current, turn.text) }
        current.rounds++
        current.messages.push({ role: 'assistant', content: turn.text, tool_calls: turn.calls })
        const calls = turn.calls.map((one) => ({ call: one, before: null }))
        const dispatch = await (turn.isCutOff ? refuse(current, calls) : call(current, calls))
        if (dispatch) return { kind: 'message', message: dispatch }
      }
    }

    async function conclude(current: Exchange, text: string): Promise<OrchestratorMessage> {
      current.messages.push({ role: 'assistant', content: text })
      exchange = null
      await keep()
      return finalOf(text, current)
    }

    /** Run calls of one answer in order; the first that must run at the instance interrupts. */
    async function call(current: Exchange, calls: readonly CallToMake[]): Promise<OrchestratorMessage | null> {
      for (const [index, one] of calls.entries()) {
        signal.throwIfAborted()
        const invoked = await settings.step(() =>
          invocations.begin(invocation, one.call, current.toolCalls++, one.before),
        )
        const place = trajectory.push(invoked.step) - 1
        if (invoked.kind === 'fatal') {
          await keep()
          throw invoked.error
        }
        if (invoked.kind === 'dispatched') {
          const { message, running } = invoked
          const remaining = calls.slice(index + 1)
          current.pending = { message, call: one.call, running, place, remaining, isBack: underWay() }
          await keep()
          return message
        }
        current.messages.push(toolMessage(one.call, invoked.content))
      }
      return null
    }

    /** A command goes out; what is returned tells that it has come back. */
    function underWay(): () => void {
      const { promise, resolve } = Promise.withResolvers<void>()
      // A server that stops has told the conversation already.
      settings.step(() => promise).catch(() => {})
      return resolve
    }

    async function refuse(current: Exchange, calls: readonly CallToMake[]): Promise<null> {
      for (const { call: one } of calls) {
        const refusal = { name: 'cut_off', reason: CUT_OFF }
        const { content, step } = await invocations.refuse(invocation, one, current.toolCalls++, refusal)
        trajectory.push(step)
        current.messages.push(toolMessage(one, content))
      }
      return null
    }

    async function resume(message: DispatchResultMessage): Promise<Proceeded> {
      const current = exchange
      const pending = current?.pending
      if (!current || !pending)
        throw new Conflict(
          'No command is out at this execution: the result came twice or too late.',
          'no_pending_dispatch',
        )
      if (pending.message.dispatch_id !== message.dispatch_id)
        throw new Conflict(`Mismatched dispatch_id for execution_id: ${execution.id}`, 'mismatched_dispatch_id')
      current.pending = null
      // The step is over when what came of it is written down.
      const { content, step } = await invocations
        .finish(invocation, pending.running, pending.message, message)
        .finally(pending.isBack)
      trajectory[pending.place] = step
      current.messages.push(toolMessage(pending.call, content))
      const dispatch = await call(current, pending.remaining)
      return dispatch ? { kind: 'message', message: dispatch } : proceed(current)
    }

    async function ask(current: Exchange): Promise<Answered | ConversationFailure> {
      let turn: Turn
      try {
        turn = await models.turn({
          alias: settings.modelAlias,
          script: settings.modelScript,
          temperature: settings.temperature,
          messages: current.messages,
          tools: offeredTools(catalogue, invocation),
          agent: execution.agentName,
          limit: settings.turnLimit,
          longest: settings.longestTurn,
          signal,
        })
      } catch (error) {
        if (!(error instanceof TurnFailed)) throw error
        const { errorClass } = error.error
        const failed = draft('llm_call_failed', {
          iteration_number: iteration,
          provider: error.provider,
          model: error.model,
          error_class: errorClass,
          message: error.message,
          attempts: error.attempts,
          elapsed_ms: error.elapsedMs,
          fallback_attempted: error.isFallbackTried,
        })
        await invocation.record([failed], { kind: 'failed' })
        return { kind: 'model', errorClass, message: error.message }
      }
      const { text, isCutOff } = turn
      const calls = identified(turn.toolCalls, current.messages)
      const failed = failureOf(current, turn)
      const told = draft('llm_interaction', {
        iteration_number: iteration,
        provider: turn.provider,
        model: turn.model,
        input_tokens: turn.inputTokens,
        output_tokens: turn.outputTokens,
        prompt: shortened(shownMessage(current.messages.at(-1))),
        response: shortened(text || JSON.stringify(calls.map(shownCall))),
      })
      await invocation.record([told], failed ? { kind: 'failed' } : entryOf(text, calls, isCutOff))
      return failed ?? { text, calls, isCutOff }
    }

    /** What was said last, as events tell it. */
    function shownMessage(message: ModelMessage | undefined): string {
      if (message?.role !== 'tool') return message?.content ?? ''
      return concealedText(message.content, catalogue.find(message.name)?.conceals)
    }

    function shownCall(one: ModelToolCall): ModelToolCall {
      return { ...one, arguments: concealed(one.arguments, catalogue.find(one.name)?.conceals) }
    }

    /** Keep what readers of the attempt see while a command is out, and after the last word or a failure. */
    async function keep(): Promise<void> {
      await store.updateIteration(execution.id, iteration, { trajectory })
    }

    /** Only the attempt's own instance, about its own execution, in its own iteration. */
    function requireOwn(message: AgentMessage): void {
      if (message.execution_id !== execution.id) {
        const text = `Unknown or expired execution_id: ${message.execution_id}`
        throw new NotFound(text, text)
      }
      if (message.type !== 'generate') return
      if (message.agent_id !== '' && message.agent_id !== execution.agentId)
        throw new Forbidden('The agent_id is not that of this execution.', 'foreign_agent')
      if (message.iteration_number !== iteration)
        throw new Conflict(
          `Iteration ${message.iteration_number} is not the current one (${iteration}).`,
          'stale_iteration',
        )
    }

    async function begin(message: GenerateMessage): Promise<Proceeded> {
      if (exchange?.pending)
        throw new Conflict('A command is out at this execution; its result comes first.', 'pending_dispatch')
      failure = null
      const opening = openingOf(message)
      const known = recalled(opening)
      if (known === null) {
        await invocation.record([], { kind: 'opened', messages: opening })
        exchange = { messages: [...opening], toolCalls: 0, rounds: 0, pending: null }
        return proceed(exchange)
      }
      const { messages, toolCalls, rounds, conclusion } = known
      const current = { messages: [...messages], toolCalls, rounds, pending: null }
      if (conclusion !== null) return { kind: 'message', message: finalOf(conclusion, current) }
      exchange = current
      const open = known.open.map((one) => ({ call: one.call, before: one }))
      const dispatch = await (known.isCutOff ? refuse(current, open) : call(current, open))
      return dispatch ? { kind: 'message', message: dispatch } : proceed(current)
    }

    /**
     * The exchange that an instance started anew begins again, as an earlier instance of this attempt left it. The one that was
     * under way goes on whatever the instance says now; what was concluded is answered again to the same words.
     */
    function recalled(opening: readonly ModelMessage[]): RecordedExchange | null {
      const known = before[begun++]
      if (!known) return null
      if (known.conclusion === null || isDeepStrictEqual(known.opening, opening)) return known
      begun = before.length
      const last = before.at(-1)
      return last?.conclusion === null ? last : null
    }

    async function respond(message: AgentMessage): Promise<OrchestratorMessage> {
      isBusy = true
      try {
        await settings.goesOn()
        const proceeded = await (message.type === 'dispatch_result' ? resume(message) : begin(message))
        if (proceeded.kind === 'message') return proceeded.message
        exchange = null
        failure = proceeded.failure
        await keep()
        throw errorOf(failure)
      } catch (error) {
        if (signal.aborted) throw new Conflict('This execution has ended.', 'execution_ended')
        if (error instanceof ToolFatal) {
          failure = { kind: 'tool', message: error.message }
          exchange = null
          throw errorOf(failure)
        }
        if (!(error instanceof DomainError)) {
          failure = { kind: 'server', cause: error }
          exchange = null
        }
        throw error
      } finally {
        isBusy = false
      }
    }

    return {
      execution,
      trajectory,
      get failure() {
        return failure
      },
      get commandOut() {
        return exchange?.pending?.message ?? null
      },
      async answer(message) {
        requireOwn(message)
        // An answer that was lost on its way is given again to the same result.
        const text = message.type === 'dispatch_result' ? JSON.stringify(message) : null
        if (text !== null && lastResult?.text === text && !signal.aborted) return lastResult.answer
        if (isBusy) throw new Conflict('A message of this execution is being answered already.', 'busy')
        const isExpected =
          message.type === 'dispatch_result' && exchange?.pending?.message.dispatch_id === message.dispatch_id
        const answer = respond(message)
        if (text !== null && isExpected) {
          lastResult = { text, answer }
          answer.catch(() => {})
        }
        return answer
      },
    }
  }
}

/** An answer of the model, its calls under ids of ours. */
interface Answered {
  readonly text: string
  readonly calls: readonly ModelToolCall[]
  readonly isCutOff: boolean
}

/** Why an answer ends the exchange without a final text, if it does. */
function failureOf({ rounds }: Exchange, turn: Turn): ConversationFailure | null {
  if (turn.toolCalls.length === 0) return turn.isCutOff ? { kind: 'cut_off' } : null
  return rounds >= MAX_ROUNDS ? { kind: 'rounds', most: MAX_ROUNDS } : null
}

const entryOf = (text: string, calls: readonly ModelToolCall[], isCutOff: boolean): TurnEntry =>
  calls.length === 0 ? { kind: 'concluded', text } : { kind: 'answered', text, calls, isCutOff }

const finalOf = (text: string, { messages, toolCalls }: Pick<Exchange, 'messages' | 'toolCalls'>): FinalMessage => ({
  type: 'final',
  content: text,
  tool_calls_executed: toolCalls,
  conversation: messages.map((message) => ({ ...message })),
})

function openingOf(message: GenerateMessage): ModelMessage[] {
  const system: ModelMessage = { role: 'system', content: POLICY }
  const given = message.messages.map(readMessage)
  if (given.length === 0) return [system, { role: 'user', content: message.prompt }]
  return given.some((one) => one.role === 'system') ? given : [system, ...given]
}

/**
 * The calls under ids of ours, by their position in the conversation. Providers count anew with each answer, and some give two
 * calls of one answer the same id.
 */
function identified(calls: readonly ModelToolCall[], before: readonly ModelMessage[]): ModelToolCall[] {
  const answer = before.filter(({ role }) => role === 'assistant').length + 1
  return calls.map((call, index) => ({ ...call, name: toolNameOf(call.name), id: `call_${answer}_${index + 1}` }))
}

function offeredTools(
  catalogue: Pick<Catalogue, 'find'>,
  { toolNames, securityContext }: InvocationContext,
): ModelTool[] {
  return (toolNames ?? []).flatMap((name) => {
    const tool = catalogue.find(name)
    if (!tool || !contextOffers(securityContext, tool.name)) return []
    return [{ name, description: tool.description, schema: schemaOf(tool) }]
  })
}

const shortened = (text: string): string =>
  text.length <= LONGEST_TEXT_IN_EVENTS ? text : `${text.slice(0, LONGEST_TEXT_IN_EVENTS)}…`
