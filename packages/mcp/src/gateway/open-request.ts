import { isRecord, type Span } from './json-text.ts'
import type { JudgedCall } from './judge.ts'
import { type Message, paramsOf } from './message.ts'

/** A client's request that has no answer yet. */
export interface OpenRequest {
  readonly message: Message
  /** The id as the client wrote it. */
  readonly rawId: string
  /** Where the client wants to hear of progress; JSON text. */
  readonly token: string | null
  /** It is of the era without sessions, whose results say that they are complete. */
  readonly isModern: boolean
  /** Takes the request back as long as it is judged. */
  readonly abort: AbortController
  /** Resolves when the server has the request, or the client its answer. */
  readonly left: Promise<void>
  leave(): void
  isCancelled: boolean
  /** The id under which the server has it; null before. */
  upstreamId: number | null
  /** Once it may run. */
  call: JudgedCall | null
}

/** Said beside every request of the era without sessions. */
export const VERSION_OF_REQUEST = 'io.modelcontextprotocol/protocolVersion'

export function isModernRequest(message: Message): boolean {
  const { _meta } = paramsOf(message)
  return isRecord(_meta) && typeof _meta[VERSION_OF_REQUEST] === 'string'
}

/** A result as the era of its request wants it. */
export function finished({ isModern }: OpenRequest, result: unknown): unknown {
  return isModern && isRecord(result) && result.resultType === undefined
    ? { ...result, resultType: 'complete' }
    : result
}

export function openRequest(message: Message): OpenRequest {
  const { start, end } = message.members.get('id') as Span
  const { _meta } = paramsOf(message)
  const token = isRecord(_meta) ? _meta.progressToken : undefined
  const { promise, resolve } = Promise.withResolvers<void>()
  return {
    message,
    rawId: message.text.slice(start, end),
    token: typeof token === 'string' || typeof token === 'number' ? JSON.stringify(token) : null,
    isModern: isModernRequest(message),
    abort: new AbortController(),
    left: promise,
    leave: resolve,
    isCancelled: false,
    upstreamId: null,
    call: null,
  }
}
