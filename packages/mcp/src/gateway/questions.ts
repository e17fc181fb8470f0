import { JUDGED_METHODS, readCall } from './call-request.ts'
import { checkUnambiguous, isRecord, respelled, type Span, spliced } from './json-text.ts'
import type { Judge, JudgedCall } from './judge.ts'
import { answerText, INVALID_REQUEST, METHOD_NOT_FOUND, type Message, REFUSED } from './message.ts'
import { shownAnswer } from './outcome.ts'

/** What a server asks its client: judged before the client is asked, and again before the server has the answer. */
export interface Questions {
  /** The server asks. */
  ask(message: Message): Promise<void>
  /** The client answers. What answers no question is dropped. */
  answer(message: Message): Promise<void>
  /** The server takes a question back. */
  withdraw(id: string): Promise<void>
  end(reason: string): Promise<void>
}

interface Question {
  /** Null while it is judged, and for what is not. */
  readonly call: JudgedCall | null
  readonly abort: AbortController
}

const UNJUDGED: ReadonlySet<string> = new Set(['ping', 'roots/list'])

export function createQuestions(deps: {
  readonly judge: Judge
  readonly metadata: Readonly<Record<string, unknown>>
  readonly roots: 'forward' | 'hide'
  readonly toServer: (text: string) => void
  /** Hand the question on, with what `redact` takes out of it. */
  readonly toClient: (message: Message, redact: (text: string) => string) => void
}): Questions {
  const { judge, metadata, toServer } = deps
  /** The server has a number space of its own. */
  const asked = new Map<string, Question>()

  async function close({ call, abort }: Question, reason: string): Promise<void> {
    abort.abort(new Error(reason))
    await call?.complete({ threw: new Error(reason) })
  }

  return {
    async ask(message) {
      const { method } = message
      const id = message.id as string
      const refuse = (code: number, text: string) => toServer(answerText(id, { error: { code, message: text } }))
      if (asked.has(id)) return refuse(INVALID_REQUEST, 'A request with this id is under way already.')
      if (!UNJUDGED.has(method) && JUDGED_METHODS[method] === undefined)
        return refuse(METHOD_NOT_FOUND, `The gateway does not know '${method}'.`)
      if (method === 'roots/list' && deps.roots === 'hide') return refuse(METHOD_NOT_FOUND, 'Roots are hidden.')
      const abort = new AbortController()
      asked.set(id, { call: null, abort })
      if (UNJUDGED.has(method)) return deps.toClient(message, (text) => text)
      try {
        const { tool, args } = readCall(message)
        const call = await judge.begin({ tool, args, metadata, signal: abort.signal })
        await call.authorize()
        if (!asked.has(id)) return await call.cancel('The server took its question back.')
        asked.set(id, { call, abort })
        deps.toClient(message, call.redact)
      } catch (error) {
        if (asked.delete(id)) refuse(REFUSED, (error as Error).message)
      }
    },
    async answer(message) {
      const { id, value, text, members } = message
      const question = id === null ? undefined : asked.get(id)
      if (id === null || question === undefined) return
      asked.delete(id)
      if (question.call === null) return toServer(text)
      const { result, error } = value
      try {
        checkUnambiguous(text)
        const outcome = await question.call.complete(
          isRecord(error) ? { threw: new Error(String(error.message)) } : { returned: result },
        )
        if (outcome.kind === 'unchanged' || isRecord(error)) return toServer(text)
        const shown = shownAnswer(result, outcome)
        if (shown === null) throw new Error('A contract withholds the answer.')
        const place = members.get('result') as Span
        toServer(spliced(text, [[place, respelled(text, place.start, shown)]]))
      } catch (cause) {
        toServer(answerText(id, { error: { code: REFUSED, message: (cause as Error).message } }))
      }
    },
    async withdraw(id) {
      const question = asked.get(id)
      asked.delete(id)
      if (question !== undefined) await close(question, 'The server took its question back.')
    },
    async end(reason) {
      const open = [...asked.values()]
      asked.clear()
      await Promise.all(open.map((question) => close(question, reason)))
    },
  }
}
