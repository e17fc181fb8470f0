import { type CallRequest, checkArguments, digestOf, JUDGED_METHODS, readCall, Unjudgeable } from './call-request.ts'
import type { Catalogue } from './catalogue.ts'
import { isRecord, mapStrings } from './json-text.ts'
import { type Judge, type JudgedCall, type JudgedOutcome, Refused } from './judge.ts'
import { INTERNAL_ERROR, INVALID_PARAMS, type Message, paramsOf, REFUSED, type RpcFailure } from './message.ts'
import type { OpenRequest } from './open-request.ts'
import { errorResult, shownAnswer, shownResult } from './outcome.ts'
import type { Unfinished, UnfinishedCall } from './unfinished.ts'
import type { Answer, Upstream } from './upstream.ts'
import type { Waiting } from './waiting.ts'

/** How a request is answered; each answers once, and not at all where the client has taken the request back. */
export interface Answers {
  /** By the server's own message, where `result` or `error` is given with that in the place of its own. */
  pass(
    open: OpenRequest,
    message: Message,
    instead?: { readonly result: unknown } | { readonly error: RpcFailure },
  ): void
  result(open: OpenRequest, result: unknown): void
  fail(open: OpenRequest, failure: RpcFailure): void
}

/** The requests of a client that are judged before they reach the server, and whose answers are before they reach the client. */
export interface Calls {
  /** Never throws: what goes wrong is the answer. */
  take(open: OpenRequest): Promise<void>
  /** `tasks/result`: how a call ended that the server made a task of. */
  takeTaskResult(open: OpenRequest): Promise<void>
}

const UNKNOWN_END = 'Whether the call was carried out is not known.'

export function createCalls(deps: {
  readonly judge: Judge
  readonly waiting: Waiting
  readonly unfinished: Unfinished
  readonly upstream: Upstream
  readonly catalogue: Catalogue
  readonly answers: Answers
  readonly metadata: Readonly<Record<string, unknown>>
  /** The name under which contracts know a tool. */
  readonly toolName: (own: string) => string
  readonly note: (line: string) => void
}): Calls {
  const { judge, waiting, unfinished, upstream, catalogue, answers, note } = deps

  const isTool = ({ message }: OpenRequest) => message.method === 'tools/call' || message.method === 'tasks/result'

  /** A refusal: of a tool as a result, which a model reads; of anything else as an error. */
  function refuse(open: OpenRequest, text: string) {
    if (isTool(open)) answers.result(open, errorResult(text))
    else answers.fail(open, { code: REFUSED, message: text })
  }

  async function judged(open: OpenRequest, request: CallRequest): Promise<UnfinishedCall | null> {
    const { tool, token } = request
    const continued = request.isContinuation ? unfinished.take(stateKey(request)) : undefined
    if (continued !== undefined) return continued
    let outputSchema: unknown
    if (request.message.method === 'tools/call') {
      const found = await catalogue.find(request.ownName)
      if (found.kind === 'unknown') throw new Unjudgeable(`Unknown tool: ${tool}`)
      if (found.kind === 'held')
        throw new Refused(
          `The tool '${tool}' is held back until a person accepts it: ${found.reason} It was not called.`,
        )
      checkArguments(request, found.tool.inputSchema)
      outputSchema = found.tool.outputSchema
    }
    const call = await waiting.authorize(request, open.abort)
    return call === null ? null : { judged: call, tool, outputSchema, token }
  }

  function failed(open: OpenRequest, error: unknown) {
    if (error instanceof Unjudgeable) return answers.fail(open, { code: error.code, message: error.message })
    const { message } = error as Error
    if (error instanceof Refused) return refuse(open, message)
    // Whatever kept it from being judged keeps it from running.
    if (!open.isCancelled) note(`A call could not be judged, and was refused: ${message}`)
    refuse(open, `The call could not be judged, and was not made: ${judge.redact(message)}`)
  }

  async function complete(
    open: OpenRequest,
    { judged, tool }: UnfinishedCall,
    outcome: Parameters<JudgedCall['complete']>[0],
  ) {
    try {
      return await judged.complete(outcome)
    } catch (error) {
      note(`How the call of '${tool}' ended could not be recorded: ${(error as Error).message}`)
      refuse(open, `'${tool}' was called. How it ended could not be recorded, and its result is withheld.`)
      return null
    }
  }

  async function settle(open: OpenRequest, request: CallRequest, call: UnfinishedCall, answer: Answer): Promise<void> {
    if (answer.kind === 'lost') {
      const reason = `${answer.reason} ${UNKNOWN_END}`
      if ((await complete(open, call, { threw: new Error(reason) })) === null) return
      return isTool(open) && answer.reason.startsWith(TOO_LONG)
        ? answers.result(open, errorResult(`'${call.tool}' was called. ${answer.reason}`))
        : answers.fail(open, { code: INTERNAL_ERROR, message: reason })
    }
    const { message } = answer
    const { result, error } = message.value
    if (isRecord(error)) return settleError(open, call, message, error)
    if (isRecord(result) && result.resultType === 'input_required') return asked(open, request, call, message, result)
    if (request.isTask && isRecord(result) && isRecord(result.task) && typeof result.task.taskId === 'string') {
      unfinished.keep(taskKey(result.task.taskId), call)
      return answers.pass(open, message, { result: mapStrings(result, call.judged.redact) })
    }
    return settleResult(open, call, message, result)
  }

  async function settleResult(
    open: OpenRequest,
    call: UnfinishedCall,
    message: Message,
    result: unknown,
  ): Promise<void> {
    const outcome = await complete(open, call, { returned: result })
    if (outcome === null) return
    if (outcome.kind === 'unchanged') return answers.pass(open, message)
    if (isTool(open)) return answers.pass(open, message, { result: shownResult(result, outcome, call.outputSchema) })
    const shown = shownAnswer(result, outcome)
    if (shown === null) answers.fail(open, { code: REFUSED, message: 'A contract withholds the answer.' })
    else answers.pass(open, message, { result: shown })
  }

  async function settleError(
    open: OpenRequest,
    call: UnfinishedCall,
    message: Message,
    error: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    const data = error.data === undefined ? '' : ` ${JSON.stringify(error.data)}`
    const outcome = await complete(open, call, { threw: new Error(`${String(error.message)}${data}`) })
    if (outcome === null) return
    const shown = outcome.kind === 'unchanged' ? mapStrings(error, judge.redact) : withoutData(error, outcome)
    answers.pass(open, message, shown === error ? undefined : { error: shown as RpcFailure })
  }

  /** The server wants input before it goes on. What it wants to ask is judged like a question of the other era. */
  async function asked(
    open: OpenRequest,
    request: CallRequest,
    call: UnfinishedCall,
    message: Message,
    result: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    try {
      for (const one of isRecord(result.inputRequests) ? Object.values(result.inputRequests) : []) {
        const { method, params } = isRecord(one) ? one : {}
        const tool = typeof method === 'string' ? JUDGED_METHODS[method] : undefined
        if (tool === undefined) continue
        const args = isRecord(params) ? params : {}
        const question = await judge.begin({ tool, args, metadata: deps.metadata, signal: open.abort.signal })
        await question.authorize()
        await question.complete({ returned: null })
      }
    } catch (error) {
      const reason = `'${call.tool}' was called, and asked for what is refused: ${(error as Error).message}`
      if ((await complete(open, call, { threw: new Error(reason) })) !== null) refuse(open, reason)
      return
    }
    unfinished.keep(stateKey(request, result.requestState), call)
    const inputRequests = mapStrings(result.inputRequests, call.judged.redact)
    if (inputRequests === result.inputRequests) answers.pass(open, message)
    else answers.pass(open, message, { result: { ...result, inputRequests } })
  }

  async function run(open: OpenRequest, request: CallRequest, call: UnfinishedCall): Promise<void> {
    open.call = call.judged
    const answer = await new Promise<Answer>((resolve) => {
      open.upstreamId = upstream.pass(open.message, resolve)
      open.leave()
    })
    await settle(open, request, call, answer)
  }

  return {
    async take(open) {
      try {
        const request = readCall(open.message, deps.toolName)
        const call = await judged(open, request)
        if (call === null) return refuse(open, stillWaiting(request.tool))
        if (open.isCancelled) return await call.judged.cancel('The client took the call back before it was made.')
        await run(open, request, call)
      } catch (error) {
        failed(open, error)
      }
    },
    async takeTaskResult(open) {
      const { taskId } = paramsOf(open.message)
      const call = unfinished.take(taskKey(String(taskId)))
      if (call === undefined)
        return answers.fail(open, {
          code: INVALID_PARAMS,
          message: `There is no task ${JSON.stringify(taskId)} of this session whose result is still to be fetched.`,
        })
      open.call = call.judged
      const answer = await new Promise<Answer>((resolve) => {
        open.upstreamId = upstream.pass(open.message, resolve)
        open.leave()
      })
      const request = {
        message: open.message,
        tool: call.tool,
        ownName: call.tool,
        args: {},
        token: null,
        isContinuation: false,
        isTask: false,
      }
      await settle(open, request, call, answer)
    },
  }
}

/** Begins the reason of an answer that was there and could not be taken. */
export const TOO_LONG = 'Its answer was too long'

export const taskKey = (taskId: string): string => `task ${taskId}`

/** A call goes on with the very state that the server gave out, and with nothing else changed. */
function stateKey(request: CallRequest, state: unknown = paramsOf(request.message).requestState): string {
  return `state ${digestOf(request)} ${JSON.stringify(state)}`
}

function withoutData(error: Readonly<Record<string, unknown>>, outcome: JudgedOutcome): RpcFailure {
  const text =
    outcome.kind === 'replaced' && typeof outcome.value === 'string' ? outcome.value : 'A contract withholds the error.'
  return { code: typeof error.code === 'number' ? error.code : 0, message: text }
}

function stillWaiting(tool: string): string {
  return `Still waiting for a person to decide about '${tool}'. It was not called. To go on waiting, call it again with the same arguments.`
}
