/** Messages of JSON-RPC 2.0, as MCP uses them. */
export type RequestId = string | number

export interface RpcRequest {
  readonly kind: 'request'
  readonly id: RequestId
  readonly method: string
  readonly params: unknown
}
export interface RpcNotification {
  readonly kind: 'notification'
  readonly method: string
  readonly params: unknown
}
export interface RpcResult {
  readonly kind: 'result'
  readonly id: RequestId
  readonly result: unknown
}
export interface RpcFailure {
  readonly kind: 'failure'
  /** Null where the other side could not tell what it answers. */
  readonly id: RequestId | null
  readonly error: RpcError
}
export interface RpcError {
  readonly code: number
  readonly message: string
  readonly data?: unknown
}
export type RpcMessage = RpcRequest | RpcNotification | RpcResult | RpcFailure

/** What a text says; null for one that is no message, such as a banner. */
export function readMessage(text: string): RpcMessage | null {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  const { id, method, params, result, error } = value as Record<string, unknown>
  const isId = typeof id === 'string' || typeof id === 'number'
  if (typeof method === 'string')
    return isId ? { kind: 'request', id, method, params } : { kind: 'notification', method, params }
  if (typeof error === 'object' && error !== null) {
    const { code, message, data } = error as Record<string, unknown>
    return {
      kind: 'failure',
      id: isId ? id : null,
      error: {
        code: typeof code === 'number' ? code : 0,
        message: typeof message === 'string' ? message : 'an error without a message',
        ...(data === undefined ? {} : { data }),
      },
    }
  }
  return isId && result !== undefined ? { kind: 'result', id, result } : null
}

export const METHOD_NOT_FOUND = -32_601
export const INVALID_REQUEST = -32_600
