import type { McpClock } from '../clock.ts'
import { type CallRequest, digestOf } from './call-request.ts'
import type { Judge, JudgedCall } from './judge.ts'

/** Times of a call that waits for a person, in milliseconds. */
export interface Patience {
  /** A client that hears of no progress is answered after this long, and asked to call again. */
  readonly answerMs: number
  /** How often a client that does is told that the call still waits. */
  readonly progressMs: number
  /** How long a decision is kept for a client that was asked to call again. */
  readonly keepMs: number
}

export const PATIENCE: Patience = { answerMs: 50_000, progressMs: 15_000, keepMs: 600_000 }

interface Question {
  readonly judged: JudgedCall
  readonly abort: AbortController
  readonly decided: Promise<void>
}

/** Puts calls before their judge, and bears that a person takes longer to decide than a client waits. */
export interface Waiting {
  /**
   * @param abort ends the wait, and withdraws the question
   * @returns the call, which may run; null when the client is to call again: the second call is the same question
   * @throws what the judge throws
   */
  authorize(request: CallRequest, abort: AbortController): Promise<JudgedCall | null>
  /** Nobody waits any more, and nobody will call again. */
  end(reason: string): Promise<void>
}

export function createWaiting(deps: {
  readonly judge: Judge
  readonly clock: McpClock
  readonly patience: Patience
  readonly metadata: Readonly<Record<string, unknown>>
  readonly tellProgress: (token: string, progress: number, message: string) => void
}): Waiting {
  const { judge, clock, patience } = deps
  const parked = new Map<string, Question>()
  /** Those whose call still waits for the answer. */
  const open = new Set<Question>()

  function park(digest: string, question: Question): void {
    parked.set(digest, question)
    // Whatever was decided is kept for a while; a call that may run and that nobody makes is given back.
    const expire = (end: () => void) => () =>
      clock.after(patience.keepMs, () => {
        if (parked.get(digest) !== question) return
        parked.delete(digest)
        end()
      })
    question.decided.then(
      expire(() => void question.judged.cancel('The client did not call again.').catch(() => {})),
      expire(() => {}),
    )
  }

  function unpark(digest: string): Question | undefined {
    const question = parked.get(digest)
    parked.delete(digest)
    return question
  }

  async function wait(request: CallRequest, question: Question): Promise<JudgedCall | null> {
    const { token, tool } = request
    let cancel = () => {}
    let progress = 0
    const tell = () => {
      cancel = clock.after(patience.progressMs, () => {
        progress++
        deps.tellProgress(token as string, progress / 1_000_000, `Waiting for a person to decide about '${tool}'.`)
        tell()
      })
    }
    const impatient = new Promise<'impatient'>((resolve) => {
      if (token !== null) tell()
      else cancel = clock.after(patience.answerMs, () => resolve('impatient'))
    })
    open.add(question)
    try {
      const ended = await Promise.race([question.decided, impatient])
      if (ended !== 'impatient') return question.judged
      park(digestOf(request), question)
      return null
    } finally {
      open.delete(question)
      cancel()
    }
  }

  return {
    async authorize(request, abort) {
      const known = parked.size > 0 ? unpark(digestOf(request)) : undefined
      if (known !== undefined) {
        const withdraw = () => known.abort.abort(abort.signal.reason)
        abort.signal.addEventListener('abort', withdraw, { once: true })
        if (abort.signal.aborted) withdraw()
        return wait(request, known)
      }
      const { tool, args } = request
      const begun = judge.begin({ tool, args, metadata: deps.metadata, signal: abort.signal })
      const judged = begun instanceof Promise ? await begun : begun
      const decided = judged.authorize()
      if (decided === undefined) return judged
      decided.catch(() => {})
      return wait(request, { judged, abort, decided })
    },
    async end(reason) {
      for (const { abort } of open) abort.abort(new Error(`${reason} The call was not made.`))
      const questions = [...parked.values()]
      parked.clear()
      await Promise.all(
        questions.map(async ({ judged, abort, decided }) => {
          abort.abort(new Error(reason))
          await decided.then(
            () => judged.cancel(reason),
            () => {},
          )
        }),
      )
    },
  }
}
