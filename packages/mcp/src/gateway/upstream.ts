import { McpDisconnected } from '../errors.ts'
import { type Span, spliced } from './json-text.ts'
import type { Message } from './message.ts'

/** What came of a request to the server: its answer, or why there will be none. */
export type Answer =
  | { readonly kind: 'answer'; readonly message: Message }
  | { readonly kind: 'lost'; readonly reason: string }

/** Requests to one server, under ids of this gateway's own: a client's ids may be such as servers lose or round. */
export interface Upstream {
  /**
   * Send a client's message on, as it was written but for its id.
   * @param settle called once
   * @returns the id it was given
   */
  pass(message: Message, settle: (answer: Answer) => void): number
  /** A request of the gateway's own. @throws McpDisconnected */
  ask(method: string, params: object): Promise<Message>
  /** An answer of the server. False where nobody waits for it. */
  take(message: Message): boolean
  /** The answer to this request cannot be had. */
  lose(id: number, reason: string): boolean
  /** Nothing comes any more. */
  end(reason: string): void
}

export function createUpstream(send: (text: string) => void): Upstream {
  const waiting = new Map<number, (answer: Answer) => void>()
  let nextId = 1
  let ended: string | null = null

  function open(settle: (answer: Answer) => void): number {
    const id = nextId++
    if (ended === null) waiting.set(id, settle)
    else settle({ kind: 'lost', reason: ended })
    return id
  }

  function settle(id: number, answer: Answer): boolean {
    const one = waiting.get(id)
    waiting.delete(id)
    one?.(answer)
    return one !== undefined
  }

  return {
    pass(message, settle) {
      const id = open(settle)
      if (ended === null) send(spliced(message.text, [[message.members.get('id') as Span, String(id)]]))
      return id
    },
    ask(method, params) {
      return new Promise((resolve, reject) => {
        const id = open((answer) =>
          answer.kind === 'answer' ? resolve(answer.message) : reject(new McpDisconnected(answer.reason)),
        )
        if (ended === null) send(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
      })
    },
    take: (message) => settle(Number(message.id), { kind: 'answer', message }),
    lose: (id, reason) => settle(id, { kind: 'lost', reason }),
    end(reason) {
      if (ended !== null) return
      ended = reason
      for (const id of [...waiting.keys()]) settle(id, { kind: 'lost', reason })
    },
  }
}
