import type { McpClock } from '../clock.ts'
import { AmbiguousText, isRecord } from '../gateway/json-text.ts'
import type { Judge } from '../gateway/judge.ts'
import {
  answerText,
  INTERNAL_ERROR,
  INVALID_PARAMS,
  INVALID_REQUEST,
  idOf,
  METHOD_NOT_FOUND,
  type Message,
  paramsOf,
  type RpcFailure,
  readLine,
} from '../gateway/message.ts'
import { errorResult } from '../gateway/outcome.ts'
import type { Patience } from '../gateway/waiting.ts'
import { createMember, type Limits, type Member, type Upstream } from './member.ts'
import { publishedUri, splitName, splitUri } from './names.ts'
import {
  LISTS,
  type ListKind,
  renamedItems,
  renameResources,
  spanAt,
  withId,
  withMembers,
  withValue,
} from './rename.ts'

/** How one request is answered. Nothing comes after `answer` or `end`. */
export interface Reply {
  /** What comes before the answer: progress, a question, a log message. */
  message(text: string): void
  answer(text: string): void
  /** There will be no answer, because the client has taken its request back. */
  end(): void
}

/** One client before many upstreams: its requests find theirs, and all of them look like one server to it. */
export interface Session {
  /** Resolves when each upstream is there, or has failed, or has had its time. */
  readonly ready: Promise<void>
  /** What this server says of itself: capabilities, and instructions of all that are there. */
  introduction(): Readonly<Record<string, unknown>>
  /** Why a request is not taken at all; null where it is. */
  refusalOf(message: Message): RpcFailure | null
  /** A request that `refusalOf` lets pass. @returns what takes it back */
  request(message: Message, reply: Reply): () => void
  /** A notification or an answer. */
  hear(message: Message): void
  toolsAccepted(upstream: string): void
  /** How many requests are under way. */
  underWay(): number
  end(reason: string): Promise<void>
}

export interface SessionDeps {
  readonly upstreams: readonly Upstream[]
  readonly judge: Judge
  readonly clock: McpClock
  readonly random: () => number
  readonly patience: Patience
  readonly limits: Limits
  /** Parameters of the client's `initialize`. */
  readonly client: Readonly<Record<string, unknown>>
  /**
   * Requests of the era without sessions share this one: their ids and tokens are of many clients, and there is nobody to ask or
   * to tell beside them.
   */
  readonly isShared: boolean
  /** Milliseconds that `ready` waits for upstreams. */
  readonly startMs: number
  /** What belongs to no request. */
  readonly standing: (text: string) => void
  readonly note: (line: string) => void
}

interface Open {
  readonly message: Message
  readonly reply: Reply
  readonly member: Member
  memberId: number | null
  /** Where this side hears of progress; JSON text, and the client's own. */
  readonly token: string | null
  readonly rawToken: string | null
}

type Route =
  | {
      readonly kind: 'to'
      readonly member: Member
      readonly changes: readonly (readonly [readonly string[], string])[]
    }
  | { readonly kind: 'unknown'; readonly what: string }

const ROUTED: ReadonlySet<string> = new Set([
  'tools/call',
  'prompts/get',
  'resources/read',
  'resources/subscribe',
  'resources/unsubscribe',
  'completion/complete',
])
const KNOWN: ReadonlySet<string> = new Set([...ROUTED, ...Object.keys(LISTS), 'ping', 'logging/setLevel', 'initialize'])
export const isKnownMethod = (method: string): boolean => KNOWN.has(method)

const MOST_PAGES = 64
/** How long a request waits for a server that is being started: well below the time-outs of common clients. */
const CONNECTING_MS = 30_000
/** Questions of servers that may wait for their answers. */
const MOST_QUESTIONS = 1000

export function createSession(deps: SessionDeps): Session {
  const { clock, isShared, note } = deps
  /** Requests under way, newest last. */
  const open = new Set<Open>()
  const byId = new Map<string, Open>()
  const asking = new Set<string>()
  const byToken = new Map<string, Open>()
  const questions = new Map<number, { readonly member: Member; readonly rawId: string }>()
  /** What an upstream last listed: its tools stay listed while it is away. */
  const remembered = new Map<string, readonly string[]>()
  const subscribed = new Map<Member, Set<string>>()
  let nextToken = 1
  let nextQuestion = 1
  let level: unknown
  let isReady = false

  const members = deps.upstreams.map((upstream): Member => {
    const member: Member = createMember({
      upstream,
      judge: deps.judge,
      clock,
      random: deps.random,
      patience: deps.patience,
      limits: deps.limits,
      client: deps.client,
      said: (message) => said(member, message),
      changed: (isThere) => changed(member, isThere),
      note: (line) => note(`${upstream.name}: ${line}`),
    })
    return member
  })

  const started = Promise.all(members.map(({ tried }) => tried))
  let cancelStart = () => {}
  const ready = Promise.race([
    started,
    new Promise<void>((resolve) => {
      cancelStart = clock.after(deps.startMs, resolve)
    }),
  ]).then(() => {
    cancelStart()
    isReady = true
  })

  function memberOf(name: string): Member | undefined {
    return members.find(({ upstream }) => upstream.name === name)
  }

  // From the client

  function routeName(_message: Message, table: 'tools' | 'prompts', path: readonly string[], name: unknown): Route {
    const what = table === 'tools' ? 'tool' : 'prompt'
    if (typeof name !== 'string') return { kind: 'unknown', what: `The name of a ${what} is a text.` }
    const member = memberOf(splitName(name)?.upstream ?? '')
    const own = member?.upstream[table].ownName(name)
    return member === undefined || own === undefined
      ? { kind: 'unknown', what: `Unknown ${what}: ${name}` }
      : { kind: 'to', member, changes: [[path, JSON.stringify(own)]] }
  }

  function routeUri(path: readonly string[], uri: unknown): Route {
    if (typeof uri !== 'string') return { kind: 'unknown', what: 'The address of a resource is a text.' }
    const split = splitUri(uri)
    const member = memberOf(split?.upstream ?? '')
    return member === undefined || split === null
      ? { kind: 'unknown', what: `Unknown resource: ${uri}` }
      : { kind: 'to', member, changes: [[path, JSON.stringify(split.uri)]] }
  }

  function routeOf(message: Message): Route {
    const params = paramsOf(message)
    switch (message.method) {
      case 'tools/call':
        if (params.task !== undefined) return { kind: 'unknown', what: 'Tasks are not served: call the tool without.' }
        return routeName(message, 'tools', ['params', 'name'], params.name)
      case 'prompts/get':
        return routeName(message, 'prompts', ['params', 'name'], params.name)
      case 'completion/complete': {
        const ref = isRecord(params.ref) ? params.ref : {}
        return ref.type === 'ref/resource'
          ? routeUri(['params', 'ref', 'uri'], ref.uri)
          : routeName(message, 'prompts', ['params', 'ref', 'name'], ref.name)
      }
      default:
        return routeUri(['params', 'uri'], params.uri)
    }
  }

  function forward(message: Message, reply: Reply): () => void {
    const rawId = rawIdOf(message)
    const fail = (code: number, text: string) => {
      reply.answer(answerText(rawId, { error: { code, message: text } }))
      return () => {}
    }
    const route = routeOf(message)
    if (route.kind === 'unknown') return fail(INVALID_PARAMS, route.what)
    const { member } = route
    const { progressToken } = metaOf(message)
    const hasToken = typeof progressToken === 'string' || typeof progressToken === 'number'
    const token = hasToken ? String(nextToken++) : null
    let own: Message
    try {
      own = readLine(withMembers(message, [...route.changes, ...metaChange(message, token)]))
    } catch (error) {
      if (error instanceof AmbiguousText) return fail(INVALID_PARAMS, error.message)
      throw error
    }
    const one: Open = {
      message,
      reply,
      member,
      memberId: null,
      token,
      rawToken: hasToken ? JSON.stringify(progressToken) : null,
    }
    open.add(one)
    if (!isShared) byId.set(message.id as string, one)
    if (token !== null) byToken.set(token, one)
    const send = () => {
      if (!open.has(one) || one.memberId !== null) return
      one.memberId = member.pass(own, (answer) => settled(one, answer))
      if (one.memberId !== null || !close(one)) return
      const text = `The upstream '${member.upstream.name}' is not there: ${member.absence()}`
      if (message.method !== 'tools/call') fail(INTERNAL_ERROR, text)
      else reply.answer(answerText(rawId, { result: inEra(errorResult(`${text} The call was not made.`)) }))
    }
    // A server that is just being started may yet take it.
    const connecting = member.connecting()
    if (connecting === null) send()
    else {
      const cancel = clock.after(CONNECTING_MS, send)
      void connecting.then(() => {
        cancel()
        send()
      })
    }
    return () => takeBack(one)
  }

  /** Tokens are this side's own, and what one era says beside each request is not for a server of the other. */
  function metaChange(message: Message, token: string | null): (readonly [readonly string[], string])[] {
    if (!isShared) return token === null ? [] : [[['params', '_meta', 'progressToken'], token]]
    const kept = Object.entries(metaOf(message)).filter(([name]) => !name.startsWith('io.modelcontextprotocol/'))
    const meta = { ...Object.fromEntries(kept), ...(token === null ? {} : { progressToken: Number(token) }) }
    return [[['params', '_meta'], JSON.stringify(meta)]]
  }

  function close(one: Open): boolean {
    if (!open.delete(one)) return false
    const id = one.message.id as string
    if (byId.get(id) === one) byId.delete(id)
    if (one.token !== null) byToken.delete(one.token)
    return true
  }

  function takeBack(one: Open, reason?: string): void {
    if (!close(one)) return
    if (one.memberId !== null) one.member.cancel(one.memberId, reason)
    one.reply.end()
  }

  function settled(one: Open, answer: Message): void {
    if (!close(one)) return
    const { message, member } = one
    const rename = (uri: string) => publishedUri(member.upstream.name, uri)
    const { result } = answer.value
    if (isRecord(result) && message.method === 'resources/subscribe') subscriptions(member).add(ownUri(message))
    if (isRecord(result) && message.method === 'resources/unsubscribe') subscriptions(member).delete(ownUri(message))
    const hasResources = isRecord(result) && answer.text.includes('uri')
    try {
      const renamed = hasResources ? renameResources(result, rename) : result
      const shown = message.method === 'resources/read' ? inEra(renamed, UNKEPT) : inEra(renamed)
      const changed = shown === result ? answer : readLine(withValue(answer, 'result', shown))
      one.reply.answer(withId(changed, rawIdOf(message)))
    } catch (error) {
      if (!(error instanceof AmbiguousText)) throw error
      const failure = { code: INTERNAL_ERROR, message: `The answer may be read in two ways: ${error.message}` }
      one.reply.answer(answerText(rawIdOf(message), { error: failure }))
    }
  }

  const ownUri = (message: Message) => splitUri(String(paramsOf(message).uri))?.uri ?? ''

  function subscriptions(member: Member): Set<string> {
    const found = subscribed.get(member) ?? new Set()
    subscribed.set(member, found)
    return found
  }

  /** The newer era wants to be told that a result is complete, and for how long it may be kept. */
  function inEra(result: unknown, more: object = {}): unknown {
    return isShared && isRecord(result) ? { ...result, resultType: 'complete', ...more } : result
  }

  async function listed(kind: ListKind, member: Member): Promise<readonly string[]> {
    const { upstream } = member
    const key = `${kind.method} ${upstream.name}`
    const introduction = member.introduction()
    if (introduction === null) return remembered.get(key) ?? []
    if (introduction.capabilities[kind.capability] === undefined) return []
    const rename = (own: string) => {
      if (kind.key !== 'name') return publishedUri(upstream.name, own)
      const published = upstream[kind.items as 'tools' | 'prompts'].publish(own)
      if (published === null) note(`${upstream.name}: '${own}' is left out: another one is published by the same name.`)
      return published
    }
    const items: string[] = []
    const seen = new Set<unknown>()
    let cursor: unknown
    for (let page = 0; page < MOST_PAGES; page++) {
      const answer = await member.ask(kind.method, cursor === undefined ? {} : { cursor })
      const result = answer?.value.result
      if (answer === null || !isRecord(result)) {
        const error = answer?.value.error
        if (isRecord(error) && error.code !== METHOD_NOT_FOUND)
          note(`${upstream.name}: '${kind.method}' was answered with an error: ${String(error.message)}`)
        // Half a list is none: what it listed when it last answered stays.
        return remembered.get(key) ?? []
      }
      try {
        items.push(...renamedItems(answer, kind, rename).filter((item) => !isTaskOnly(item)))
      } catch (error) {
        if (!(error instanceof AmbiguousText)) throw error
        // What one server says in two ways is not believed, and takes nothing from what the others list.
        note(`${upstream.name}: '${kind.method}' was answered with what may be read in two ways: ${error.message}`)
        return remembered.get(key) ?? []
      }
      cursor = result.nextCursor
      if (typeof cursor !== 'string' || seen.has(cursor)) break
      seen.add(cursor)
    }
    remembered.set(key, items)
    return items
  }

  async function list(message: Message, kind: ListKind, reply: Reply): Promise<void> {
    const rawId = rawIdOf(message)
    const failed = (error: RpcFailure) => reply.answer(answerText(rawId, { error }))
    // All pages are one page here: this side has given no cursor to anybody.
    const { cursor } = paramsOf(message)
    if (cursor !== undefined)
      return failed({ code: INVALID_PARAMS, message: `There is no page ${JSON.stringify(cursor)}.` })
    const items = (await Promise.all(members.map((member) => listed(kind, member)))).flat()
    const era = isShared ? `,${JSON.stringify({ resultType: 'complete', ...UNKEPT }).slice(1, -1)}` : ''
    const text = `{"jsonrpc":"2.0","id":${rawId},"result":{"${kind.items}":[${items.join(',')}]${era}}}`
    const bytes = Buffer.byteLength(text)
    const { largestToClient } = deps.limits
    if (bytes > largestToClient)
      return failed({ code: INTERNAL_ERROR, message: `The list is too long: ${bytes} bytes, of ${largestToClient}.` })
    reply.answer(text)
  }

  async function setLevel(message: Message, reply: Reply): Promise<void> {
    level = paramsOf(message).level
    const answers = await Promise.all(members.map(tellLevel))
    const refused = answers.find((answer) => answer !== null && isRecord(answer.value.error))
    if (refused && answers.every((answer) => answer === null || isRecord(answer.value.error)))
      return reply.answer(withId(refused, rawIdOf(message)))
    reply.answer(answerText(rawIdOf(message), { result: {} }))
  }

  function tellLevel(member: Member): Promise<Message | null> {
    if (level === undefined || member.introduction()?.capabilities.logging === undefined) return Promise.resolve(null)
    return member.ask('logging/setLevel', { level })
  }

  function hear(message: Message) {
    if (message.kind === 'response') {
      const id = Number(message.id)
      const question = questions.get(id)
      questions.delete(id)
      question?.member.tell(withId(message, question.rawId))
      return
    }
    const { reason } = paramsOf(message)
    switch (message.method) {
      case 'notifications/cancelled': {
        const place = spanAt(message, ['params', 'requestId'])
        const one = place === undefined ? undefined : byId.get(idOf(message.text, place) ?? '')
        if (one !== undefined) takeBack(one, typeof reason === 'string' ? JSON.stringify(reason) : undefined)
        return
      }
      case 'notifications/roots/list_changed':
        for (const member of members) if (member.upstream.roots === 'forward') member.tell(message.text)
    }
  }

  // From the upstreams

  /** What one server says in two ways is dropped, and ends nothing: the others, and other clients, go on. */
  function said(member: Member, message: Message) {
    try {
      if (message.kind === 'request') asked(member, message)
      else notified(member, message)
    } catch (error) {
      if (!(error instanceof AmbiguousText)) throw error
      note(`${member.upstream.name}: '${message.method}' may be read in two ways, and was dropped: ${error.message}`)
    }
  }

  function notified(member: Member, message: Message) {
    const params = paramsOf(message)
    switch (message.method) {
      case 'notifications/progress': {
        const one = byToken.get(JSON.stringify(params.progressToken) ?? '')
        if (one?.member !== member || one.rawToken === null) return
        return one.reply.message(withMembers(message, [[['params', 'progressToken'], one.rawToken]]))
      }
      case 'notifications/cancelled': {
        const rawId = JSON.stringify(params.requestId)
        const found = [...questions].find(([, one]) => one.member === member && one.rawId === rawId)
        if (found === undefined) return
        questions.delete(found[0])
        return beside(member, withMembers(message, [[['params', 'requestId'], String(found[0])]]))
      }
      case 'notifications/resources/updated': {
        const uri = publishedUri(member.upstream.name, String(params.uri))
        return deps.standing(withMembers(message, [[['params', 'uri'], JSON.stringify(uri)]]))
      }
      case 'notifications/message':
        return beside(member, message.text)
      default:
        if (isReady) deps.standing(message.text)
    }
  }

  /** Upstreams number their questions each for itself. */
  function asked(member: Member, message: Message) {
    const rawId = rawIdOf(message)
    const refuse = (code: number, text: string) => member.tell(answerText(rawId, { error: { code, message: text } }))
    if (message.method === 'ping') return member.tell(answerText(rawId, { result: {} }))
    if (isShared) return refuse(METHOD_NOT_FOUND, 'There is nobody to ask: the client has no session.')
    if (questions.size >= MOST_QUESTIONS) return refuse(INTERNAL_ERROR, 'Too many questions wait for their answers.')
    const id = nextQuestion++
    questions.set(id, { member, rawId })
    beside(member, withId(message, String(id)))
  }

  /** With the newest request that this upstream has, where there is one: it is the likeliest reason. */
  function beside(member: Member, text: string): void {
    const one = [...open].reverse().find((candidate) => candidate.member === member)
    if (one !== undefined) one.reply.message(text)
    else deps.standing(text)
  }

  function changed(member: Member, isThere: boolean): void {
    if (!isThere) {
      for (const [id, one] of questions) if (one.member === member) questions.delete(id)
      return
    }
    void tellLevel(member)
    for (const uri of subscribed.get(member) ?? []) void member.ask('resources/subscribe', { uri })
    if (!isReady) return
    for (const what of ['tools', 'prompts', 'resources'])
      if (member.introduction()?.capabilities[what] !== undefined)
        deps.standing(`{"jsonrpc":"2.0","method":"notifications/${what}/list_changed"}`)
  }

  return {
    ready,
    introduction() {
      const there = members.flatMap((member) => member.introduction() ?? [])
      const isAnyAway = there.length < members.length
      const has = (what: string) => isAnyAway || there.some(({ capabilities }) => capabilities[what] !== undefined)
      const subscribe = there.some(
        ({ capabilities }) => isRecord(capabilities.resources) && capabilities.resources.subscribe,
      )
      const instructions = members.flatMap((member) => {
        const text = member.introduction()?.instructions
        return text ? [`# ${member.upstream.name}\n\n${text}`] : []
      })
      return {
        capabilities: {
          tools: { listChanged: true },
          ...(has('prompts') ? { prompts: { listChanged: true } } : {}),
          ...(has('resources') ? { resources: { listChanged: true, ...(subscribe ? { subscribe: true } : {}) } } : {}),
          ...(has('completions') ? { completions: {} } : {}),
          ...(has('logging') && !isShared ? { logging: {} } : {}),
        },
        ...(instructions.length === 0 ? {} : { instructions: instructions.join('\n\n') }),
      }
    },
    refusalOf(message) {
      if (message.method === 'initialize')
        return { code: INVALID_REQUEST, message: 'This session is initialized already.' }
      const id = message.id as string
      if (!isShared && (byId.has(id) || asking.has(id)))
        return { code: INVALID_REQUEST, message: `The request ${rawIdOf(message)} is under way already.` }
      if (!KNOWN.has(message.method))
        return { code: METHOD_NOT_FOUND, message: `The gateway does not know '${message.method}'.` }
      return null
    },
    request(message, reply) {
      if (ROUTED.has(message.method)) return forward(message, reply)
      const kind = LISTS[message.method]
      const id = message.id as string
      asking.add(id)
      const answered =
        kind !== undefined
          ? list(message, kind, reply)
          : message.method === 'logging/setLevel'
            ? setLevel(message, reply)
            : Promise.resolve(reply.answer(answerText(rawIdOf(message), { result: inEra({}) })))
      void answered
        .catch((error: Error) => {
          note(`A fault of the gateway: ${error.stack ?? error.message}`)
          const failure = { code: INTERNAL_ERROR, message: 'The request could not be answered.' }
          reply.answer(answerText(rawIdOf(message), { error: failure }))
        })
        .finally(() => asking.delete(id))
      return () => {}
    },
    hear,
    toolsAccepted: (upstream) => memberOf(upstream)?.toolsAccepted(),
    underWay: () => open.size + asking.size,
    async end(reason) {
      cancelStart()
      await Promise.all(members.map((member) => member.end(reason)))
    },
  }
}

/** Results of lists and readings depend on who asks, and on what is held back at the moment: nobody keeps them for others. */
export const UNKEPT = { ttlMs: 0, cacheScope: 'private' } as const

export function rawIdOf({ text, members }: Message): string {
  const span = members.get('id')
  return span === undefined ? 'null' : text.slice(span.start, span.end)
}

function metaOf(message: Message): Readonly<Record<string, unknown>> {
  const { _meta } = paramsOf(message)
  return isRecord(_meta) ? _meta : {}
}

/** Tools that run as tasks alone cannot be called here. */
function isTaskOnly(item: string): boolean {
  if (!item.includes('taskSupport')) return false
  const { execution } = JSON.parse(item) as { execution?: unknown }
  return isRecord(execution) && execution.taskSupport === 'required'
}
