import { AmbiguousText, folded, isRecord, membersOf, type Span } from './json-text.ts'

/** A message of JSON-RPC as it came, with the places of what it is made of. */
export interface Message {
  readonly kind: 'request' | 'notification' | 'response'
  readonly text: string
  readonly members: ReadonlyMap<string, Span>
  readonly value: Readonly<Record<string, unknown>>
  /** Empty for a response. */
  readonly method: string
  /** The id in one spelling; null where there is none. */
  readonly id: string | null
}

/** What is wrong with a text that is no message, in the words and by the code of JSON-RPC. */
export class NoMessage extends Error {
  override readonly name = 'NoMessage'
  readonly code: number
  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

export const PARSE_ERROR = -32_700
export const INVALID_REQUEST = -32_600
export const METHOD_NOT_FOUND = -32_601
export const INVALID_PARAMS = -32_602
export const INTERNAL_ERROR = -32_603
/** This gateway's own: a contract, a limit or a person said no to what is no call of a tool. */
export const REFUSED = -32_010

/**
 * Some readers end a line where others do not, at a carriage return or at a separator of Unicode, and would see a message in the
 * middle of another one. In JSON the first can only be a blank, the others only part of a text.
 */
function inOneLine(text: string): string {
  return /[\r\u2028\u2029]/.test(text)
    ? text.replaceAll('\r', ' ').replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')
    : text
}

/** What a message is made of. Some servers read names whatever their case, and would see another message. */
const MEMBERS = new Map(['jsonrpc', 'id', 'method', 'params', 'result', 'error'].map((name) => [folded(name), name]))

/** @throws NoMessage */
export function readLine(line: string): Message {
  const text = inOneLine(line)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new NoMessage(PARSE_ERROR, 'This is no JSON.')
  }
  if (Array.isArray(value))
    throw new NoMessage(INVALID_REQUEST, 'Several messages in one are not taken: send each alone.')
  if (!isRecord(value)) throw new NoMessage(INVALID_REQUEST, 'A message is a JSON object.')
  let members: ReadonlyMap<string, Span>
  try {
    members = membersOf(text)
  } catch (error) {
    if (!(error instanceof AmbiguousText)) throw error
    throw new NoMessage(INVALID_REQUEST, error.message)
  }
  for (const name of members.keys()) {
    const meant = MEMBERS.get(folded(name))
    if (meant !== undefined && meant !== name)
      throw new NoMessage(INVALID_REQUEST, `The member ${JSON.stringify(name)} is written '${meant}'.`)
  }
  const idSpan = members.get('id')
  const id = idSpan === undefined ? null : idOf(text, idSpan)
  const base = { text, members, value, id }
  if (typeof value.method === 'string') {
    if (idSpan === undefined) return { ...base, kind: 'notification', method: value.method }
    if (id === null) throw new NoMessage(INVALID_REQUEST, 'An id is a text or a whole number.')
    return { ...base, kind: 'request', method: value.method }
  }
  if (id !== null && (isRecord(value.error) || value.result !== undefined))
    return { ...base, kind: 'response', method: '' }
  throw new NoMessage(INVALID_REQUEST, 'This is neither a request nor a notification nor an answer.')
}

/** An id by which answers are told apart: texts in one spelling, numbers in all their digits. Null for what is none. */
export function idOf(text: string, { start, end }: Span): string | null {
  const raw = text.slice(start, end)
  if (raw.startsWith('"')) return JSON.stringify(JSON.parse(raw))
  return /^-?\d+$/.test(raw) ? raw : null
}

export function paramsOf({ value }: Message): Readonly<Record<string, unknown>> {
  return isRecord(value.params) ? value.params : {}
}

/** The text of an answer. `id` is JSON text. */
export function answerText(id: string, answer: { readonly result: unknown } | { readonly error: RpcFailure }): string {
  const [kind, content] = 'result' in answer ? ['result', answer.result] : ['error', answer.error]
  return `{"jsonrpc":"2.0","id":${id},"${kind}":${JSON.stringify(content)}}`
}

export interface RpcFailure {
  readonly code: number
  readonly message: string
  readonly data?: unknown
}
