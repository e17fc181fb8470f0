import { type DomainError, SealRefused } from '../errors.ts'

/** Whether failures of this route are told as SEAL's clients read them. */
export const isSealRoute = (route: string): boolean =>
  /^(?:\/x\/[^/]+)?\/v1\/(?:seal\/(?:invoke|attest|tools)|invoke)$/.test(route)

/** The code of what failed before SEAL had its say: a body that is too large, a database that is away. */
function codeOf(status: number): { sealCode: number; rpcCode: number } {
  if (status === 400 || status === 413 || status === 415) return { sealCode: 1000, rpcCode: -32_600 }
  if (status === 401) return { sealCode: 1005, rpcCode: -32_000 }
  if (status === 422) return { sealCode: 4000, rpcCode: -32_602 }
  if (status === 429) return { sealCode: 2005, rpcCode: -32_005 }
  if (status === 404 || status === 405) return { sealCode: 4004, rpcCode: -32_001 }
  if (status < 500) return { sealCode: 4003, rpcCode: -32_000 }
  return status === 502 || status === 503 ? { sealCode: 4502, rpcCode: -32_000 } : { sealCode: 4500, rpcCode: -32_603 }
}

/**
 * A failure of SEAL in one body for clients of every generation: one raises only at `"status": "error"`, one reads `error.message`,
 * one the top-level `message`, and MCP callers the JSON-RPC error in `payload`.
 */
export function sealErrorBody(failure: {
  status: number
  message: string
  error: DomainError | null
  requestId: string
  /** Milliseconds since 1970. */
  at: number
}): Readonly<Record<string, unknown>> {
  const { status, message, error, requestId, at } = failure
  const refused = error instanceof SealRefused ? error : null
  const { sealCode, rpcCode } = refused ?? codeOf(status)
  const id = refused?.requestId ?? null
  return {
    protocol: 'seal/v1',
    status: 'error',
    error_code: sealCode,
    message,
    error: {
      code: sealCode,
      message,
      timestamp: new Date(at).toISOString(),
      request_id: id === null ? requestId : String(id),
      ...(refused?.details ? { details: refused.details } : {}),
    },
    payload: { jsonrpc: '2.0', id, error: { code: rpcCode, message, data: null } },
  }
}
