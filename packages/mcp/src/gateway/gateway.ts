import type { McpClock } from '../clock.ts'
import { type Answers, createCalls, TOO_LONG, taskKey } from './calls.ts'
import { createCatalogue, type PinStore } from './catalogue.ts'
import { ambiguityOf, isRecord, mapStrings, membersOf, respelled, type Span, spliced } from './json-text.ts'
import type { Judge } from './judge.ts'
import {
  answerText,
  INTERNAL_ERROR,
  INVALID_PARAMS,
  INVALID_REQUEST,
  idOf,
  METHOD_NOT_FOUND,
  type Message,
  NoMessage,
  paramsOf,
  readLine,
} from './message.ts'
import { finished, isModernRequest, type OpenRequest, openRequest } from './open-request.ts'
import { errorResult } from './outcome.ts'
import { createQuestions } from './questions.ts'
import { createUnfinished } from './unfinished.ts'
import { type Answer, createUpstream } from './upstream.ts'
import { createWaiting, type Patience } from './waiting.ts'

export interface GatewayOptions {
  readonly judge: Judge
  readonly pins: PinStore
  readonly clock: McpClock
  readonly patience: Patience
  /** One message, without the end of the line. */
  readonly toClient: (text: string) => void
  readonly toServer: (text: string) => void
  /** A line for whoever runs the gateway. */
  readonly note: (line: string) => void
  /** Names the server in what is recorded. */
  readonly server: string
  /** Some servers let the client's roots widen what they may touch; hidden, their own settings hold. */
  readonly roots: 'forward' | 'hide'
  /** The name under which clients and contracts know a tool of the server. Default: its own. */
  readonly toolName?: (own: string) => string
  /** Bytes of a message that every client takes. */
  readonly largestToClient: number
  /** Bytes of a message that every server takes. */
  readonly largestToServer: number
}

/** Between one client and one server: each line that comes is judged, changed where it must be, and handed on as it was written. */
export interface Gateway {
  fromClient(line: string): void
  fromServer(line: string): void
  /** The server's answer to this request was longer than what is taken. Id null: nobody can tell which. */
  tooLong(id: number | null, bytes: number): void
  /** There will be no answer to this request of the gateway: why, in a sentence. */
  lost(id: number, reason: string): void
  /** A person has accepted tools that were held back: the client is told to list them again. */
  toolsAccepted(): void
  /** The client's message with this id (JSON text; null where it cannot be told) was longer than what is read. */
  tooLongFromClient(id: string | null, bytes: number): void
  /**
   * Nothing comes from the client any more: what waits for a person is taken back, the rest is still answered. Resolves when
   * the server has all of it.
   */
  clientEnded(): Promise<void>
  /** Nothing comes from the server any more. Resolves when every call is closed. */
  serverEnded(reason: string): Promise<void>
}

/** Requests of clients that are handed on, with what their answers may show changed. Any other is answered here. */
const PASSED: ReadonlySet<string> = new Set([
  'initialize',
  'server/discover',
  'ping',
  'logging/setLevel',
  'tools/list',
  'resources/list',
  'resources/templates/list',
  'resources/subscribe',
  'resources/unsubscribe',
  'prompts/list',
  'tasks/get',
  'tasks/list',
  'tasks/cancel',
  'subscriptions/listen',
])
const BEFORE_HANDSHAKE: ReadonlySet<string> = new Set(['initialize', 'server/discover', 'ping'])
const FROM_CLIENT: ReadonlySet<string> = new Set([
  'notifications/initialized',
  'notifications/progress',
  'notifications/roots/list_changed',
  'notifications/tasks/status',
])
const FROM_SERVER: ReadonlySet<string> = new Set([
  'notifications/message',
  'notifications/cancelled',
  'notifications/tools/list_changed',
  'notifications/resources/list_changed',
  'notifications/resources/updated',
  'notifications/prompts/list_changed',
  'notifications/elicitation/complete',
  'notifications/tasks/status',
  'notifications/subscriptions/acknowledged',
])
/** Names the request for changes that a notification or an end belongs to, by the id that the server knows it by. */
const SUBSCRIPTION = 'io.modelcontextprotocol/subscriptionId'
/** Different remarks about what is not handed on; nobody reads more. */
const MOST_TOLD = 100
/** How long an answer to a cancelled request is waited for, to be recorded. */
const LATE_MS = 600_000

export function createGateway(options: GatewayOptions): Gateway {
  const { judge, clock, toClient, toServer, note, patience } = options
  const metadata = { mcp_server: options.server }
  const toolName = options.toolName ?? ((own: string) => own)
  /** The client's requests that are not answered, by their ids. */
  const open = new Map<string, OpenRequest>()
  /** Requests for changes, by the ids that the server knows them by. */
  const listening = new Map<string, OpenRequest>()
  /** Where progress of a request is told. */
  const byToken = new Map<string, OpenRequest>()
  /** What is under way, so that an end waits for it. */
  const working = new Set<Promise<unknown>>()
  const told = new Set<string>()
  let hasBegun = false
  let isInitialized = false
  let isEnded = false
  /** What the newer era wants beside every request, as the client last gave it. */
  let modernMeta: object | null = null
  let hasToldProgress = false

  const upstream = createUpstream(toServer)
  const catalogue = createCatalogue({
    pins: options.pins,
    upstream,
    redact: judge.redact,
    meta: () => (modernMeta === null ? {} : { _meta: modernMeta }),
    note,
  })
  const waiting = createWaiting({ judge, clock, patience, metadata, tellProgress })
  const unfinished = createUnfinished(clock, LATE_MS)
  const questions = createQuestions({
    judge,
    metadata,
    roots: options.roots,
    toServer,
    toClient: (message, redact) => deliver(withRedactedParams(message, redact)),
  })

  function once(line: string) {
    if (told.has(line) || told.size >= MOST_TOLD) return
    note(line)
    told.add(line)
  }

  function work(task: Promise<unknown>) {
    working.add(task)
    task.then(
      () => working.delete(task),
      (error: Error) => {
        working.delete(task)
        note(`A fault of the gateway: ${error.stack ?? error.message}`)
      },
    )
  }

  function tellProgress(token: string, progress: number, message: string) {
    toClient(
      `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${token},"progress":${progress},"message":${JSON.stringify(message)}}}`,
    )
    toldProgress()
  }

  /** Some clients lose progress that they read in one piece with the result: the result is written a moment later. */
  function toldProgress() {
    if (hasToldProgress) return
    hasToldProgress = true
    setImmediate(() => {
      hasToldProgress = false
    })
  }

  function deliver(text: string) {
    if (hasToldProgress) setImmediate(() => toClient(text))
    else toClient(text)
  }

  function close(request: OpenRequest): boolean {
    request.leave()
    const { id } = request.message
    if (id === null || open.get(id) !== request) return false
    open.delete(id)
    if (request.token !== null && byToken.get(request.token) === request) byToken.delete(request.token)
    return true
  }

  const answers: Answers = {
    pass(request, message, instead) {
      if (!close(request)) return
      const [kind] = message.members.has('error') ? ['error'] : ['result']
      const changes: [Span, string][] = [[message.members.get('id') as Span, request.rawId]]
      const place = message.members.get(kind) as Span
      if (instead !== undefined)
        changes.push([
          place,
          respelled(message.text, place.start, 'result' in instead ? finished(request, instead.result) : instead.error),
        ])
      const text = spliced(message.text, changes)
      const bytes = text.length > options.largestToClient / 3 ? Buffer.byteLength(text) : 0
      if (bytes <= options.largestToClient) return deliver(text)
      const reason = `${TOO_LONG} for a client: ${bytes} bytes, of ${options.largestToClient}.`
      if (request.message.method === 'tools/call')
        deliver(answerText(request.rawId, { result: finished(request, errorResult(reason)) }))
      else deliver(answerText(request.rawId, { error: { code: INTERNAL_ERROR, message: reason } }))
    },
    result(request, result) {
      if (close(request)) deliver(answerText(request.rawId, { result: finished(request, result) }))
    },
    fail(request, error) {
      if (close(request)) deliver(answerText(request.rawId, { error }))
    },
  }
  const calls = createCalls({ judge, waiting, unfinished, upstream, catalogue, answers, metadata, toolName, note })

  // From the client

  function fromClient(line: string) {
    let message: Message
    try {
      message = readLine(line)
    } catch (error) {
      if (!(error instanceof NoMessage)) throw error
      return toClient(answerText('null', { error: { code: error.code, message: error.message } }))
    }
    if (message.kind === 'request') return requested(message)
    if (message.kind === 'notification') return heard(message)
    work(questions.answer(message))
  }

  function requested(message: Message) {
    const request = openRequest(message)
    const id = message.id as string
    if (open.has(id)) {
      const text = `The request ${request.rawId} is under way already; this second one was not taken.`
      return toClient(answerText('null', { error: { code: INVALID_REQUEST, message: text } }))
    }
    const refusal = refusalOf(message)
    if (refusal !== null) return toClient(answerText(request.rawId, { error: refusal }))
    hasBegun ||= message.method === 'initialize'
    if (request.isModern) modernMeta = ownMeta(paramsOf(message)._meta as Readonly<Record<string, unknown>>)
    open.set(id, request)
    if (request.token !== null) byToken.set(request.token, request)
    if (message.method === 'tasks/result') work(calls.takeTaskResult(request))
    else if (PASSED.has(message.method)) handOn(request)
    else work(calls.take(request))
  }

  function handOn(request: OpenRequest) {
    const id = upstream.pass(request.message, (answer) => {
      passed(request, answer)
      listening.delete(String(id))
    })
    request.upstreamId = id
    request.leave()
    if (request.message.method === 'subscriptions/listen') listening.set(String(id), request)
  }

  /** The message with the id in it by which the client knows its request for changes. */
  function withClientsId(message: Message, part: 'params' | 'result'): string {
    const { text, members } = message
    const meta =
      listening.size === 0 ? null : memberOf(text, memberOf(text, members.get(part) ?? null, '_meta'), SUBSCRIPTION)
    if (meta === null) return text
    const request = listening.get(text.slice(meta.start, meta.end).replaceAll('"', ''))
    return request === undefined ? text : spliced(text, [[meta, request.rawId]])
  }

  /** What keeps a request from being taken at all. */
  function refusalOf(message: Message): { code: number; message: string } | null {
    const { method } = message
    const params = paramsOf(message)
    if (message.text.length > options.largestToServer / 3 && Buffer.byteLength(message.text) > options.largestToServer)
      return {
        code: INVALID_PARAMS,
        message: `A message may have ${options.largestToServer} bytes; this one was not sent.`,
      }
    if (!PASSED.has(method) && method !== 'tools/call' && method !== 'tasks/result' && !(method in CLIENT_JUDGED))
      return { code: METHOD_NOT_FOUND, message: `The gateway does not know '${method}', and does not hand it on.` }
    if (method === 'initialize' && hasBegun)
      return { code: INVALID_REQUEST, message: 'This connection is initialized already.' }
    if (!isModernRequest(message) && !isInitialized && !BEFORE_HANDSHAKE.has(method))
      return { code: INVALID_REQUEST, message: `'initialize' comes before '${method}'.` }
    if (method.startsWith('tasks/') && method !== 'tasks/list' && !unfinished.has(taskKey(String(params.taskId))))
      return { code: INVALID_PARAMS, message: `There is no task ${JSON.stringify(params.taskId)} of this session.` }
    return null
  }

  /** What the server answered to what is not judged: shown with its secrets taken out. */
  function passed(request: OpenRequest, answer: Answer) {
    if (answer.kind === 'lost') return answers.fail(request, { code: INTERNAL_ERROR, message: answer.reason })
    const { message } = answer
    const { method } = request.message
    const { result, error } = message.value
    if (method === 'initialize' && result !== undefined) isInitialized = true
    if (isRecord(error)) {
      const shown = mapStrings(error, judge.redact)
      return answers.pass(request, message, shown === error ? undefined : { error: shown as never })
    }
    if (method === 'tools/list') return listed(request, message)
    const known = method === 'subscriptions/listen' ? readLine(withClientsId(message, 'result')) : message
    const before = known.value.result
    const shown = redactedAnswer(before)
    answers.pass(request, known, shown === before ? undefined : { result: shown })
  }

  /** A cursor is no text: whoever got another one could not go on. */
  function redactedAnswer(result: unknown): unknown {
    const shown = mapStrings(result, judge.redact)
    if (shown === result || !isRecord(result) || !isRecord(shown) || result.nextCursor === undefined) return shown
    return { ...shown, nextCursor: result.nextCursor }
  }

  function listed(request: OpenRequest, message: Message) {
    try {
      const text = catalogue.shown(message)
      answers.pass(request, text === message.text ? message : readLine(text))
    } catch (error) {
      const reason = `The tools cannot be shown: ${(error as Error).message}`
      note(reason)
      answers.fail(request, { code: INTERNAL_ERROR, message: reason })
    }
  }

  function heard(message: Message) {
    if (message.method === 'notifications/cancelled') return cancelled(message)
    if (FROM_CLIENT.has(message.method)) return toServer(message.text)
    once(`The client sent '${message.method}', which the gateway does not hand on.`)
  }

  function cancelled(message: Message) {
    const place = placeOf(message, 'requestId')
    const id = place === null ? null : idOf(message.text, place)
    const request = id === null ? undefined : open.get(id)
    if (place === null || request === undefined || request.message.method === 'initialize') return
    close(request)
    request.isCancelled = true
    const { upstreamId } = request
    if (upstreamId === null) return request.abort.abort(new Error('The client cancelled the call.'))
    toServer(spliced(message.text, [[place, String(upstreamId)]]))
    // Servers answer all the same, late or never.
    clock.after(LATE_MS, () =>
      upstream.lose(upstreamId, 'The client cancelled the call, and the server did not answer it.'),
    )
  }

  // From the server

  function fromServer(line: string) {
    let message: Message
    try {
      message = readLine(line)
    } catch (error) {
      if (!(error instanceof NoMessage)) throw error
      return once(`The server wrote what is no message: ${error.message}`)
    }
    // What it asks for is refused, with a reason, where it is judged.
    if (message.kind === 'request') return work(questions.ask(message))
    const fault = ambiguityOf(message.text)
    if (message.kind === 'response') {
      // Nobody waits for a second answer, nor for one to what was never asked.
      if (fault === null) upstream.take(message)
      else upstream.lose(Number(message.id), `The server's answer may be read in two ways, and is not shown: ${fault}`)
      return
    }
    if (fault === null) notified(message)
    else once(`The server sent a '${message.method}' that may be read in two ways, and was dropped: ${fault}`)
  }

  function notified(message: Message) {
    const { method } = message
    if (method === 'notifications/progress') return progressed(message)
    if (!FROM_SERVER.has(method)) return once(`The server sent '${method}', which the gateway does not hand on.`)
    if (method === 'notifications/tools/list_changed') catalogue.changed()
    if (method === 'notifications/cancelled') withdrawn(message)
    const known = withClientsId(message, 'params')
    toClient(withRedactedParams(known === message.text ? message : readLine(known), judge.redact))
  }

  /** Progress belongs to a call, and its message is judged like that call's result. What comes late is dropped. */
  function progressed(message: Message) {
    const { progressToken } = paramsOf(message)
    const token = JSON.stringify(progressToken)
    const request = byToken.get(token)
    const call = request?.call ?? unfinished.byToken(token)?.judged
    if (request === undefined && call === undefined) return
    toClient(withRedactedParams(message, call?.redact ?? judge.redact))
    toldProgress()
  }

  function withdrawn(message: Message) {
    const place = placeOf(message, 'requestId')
    const id = place === null ? null : idOf(message.text, place)
    if (id !== null) work(questions.withdraw(id))
  }

  /** What the server has not got yet will not reach it. */
  function takeBack(reason: string) {
    for (const request of open.values()) if (request.upstreamId === null) request.abort.abort(new Error(reason))
  }

  async function end(reason: string): Promise<void> {
    if (isEnded) return
    isEnded = true
    takeBack(`${reason} The call was not made.`)
    upstream.end(reason)
    work(questions.end(reason))
    await Promise.all([waiting.end(reason), unfinished.end(reason)])
    while (working.size > 0) await Promise.allSettled(working)
    // Whatever waited for a later moment is written by now.
    await new Promise<void>((resolve) => setImmediate(resolve))
  }

  return {
    fromClient,
    fromServer,
    tooLong(id, bytes) {
      const reason = `${TOO_LONG}: ${bytes} bytes.`
      note(`The server wrote a message of ${bytes} bytes, which is not taken.`)
      if (id !== null) upstream.lose(id, reason)
    },
    lost(id, reason) {
      upstream.lose(id, reason)
    },
    toolsAccepted() {
      catalogue.changed()
      if (isInitialized) toClient('{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}')
    },
    tooLongFromClient(id, bytes) {
      const message = `A message may have ${options.largestToServer} bytes; this one has ${bytes}, and was not sent.`
      toClient(answerText(id ?? 'null', { error: { code: INVALID_PARAMS, message } }))
    },
    async clientEnded() {
      await waiting.end('The client ended the connection.')
      await Promise.all([...open.values()].map(({ left }) => left))
    },
    serverEnded: (reason) => end(reason),
  }
}

/** What is judged when a client asks it. */
const CLIENT_JUDGED: Readonly<Record<string, true>> = {
  'resources/read': true,
  'prompts/get': true,
  'completion/complete': true,
}

/** What the newer era wants beside every request, without what belongs to one request alone. */
function ownMeta(meta: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(meta).filter(([name]) => name.startsWith('io.modelcontextprotocol/')))
}

function withRedactedParams(message: Message, redact: (text: string) => string): string {
  const { params } = message.value
  const shown = mapStrings(params, redact)
  if (shown === params) return message.text
  const place = message.members.get('params') as Span
  return spliced(message.text, [[place, respelled(message.text, place.start, shown)]])
}

/** Where a parameter stands in the message; null where there is none, or more than one. */
const placeOf = ({ text, members }: Message, name: string): Span | null =>
  memberOf(text, members.get('params') ?? null, name)

function memberOf(text: string, within: Span | null, name: string): Span | null {
  if (within === null || text[within.start] !== '{') return null
  try {
    return membersOf(text, within.start).get(name) ?? null
  } catch {
    return null
  }
}
