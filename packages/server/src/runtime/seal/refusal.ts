import type { SEALError } from '@lictor/seal'
import { SealRefused } from '../../errors.ts'
import type { ViolationKind } from '../tools/judge-by-context.ts'

/** The protocol's registry, as far as this server says it: code, HTTP status, and the code of JSON-RPC beside them. */
const registry = {
  malformed: [1000, 400, -32_600],
  token_expired: [1003, 401, -32_000],
  token_invalid: [1004, 401, -32_000],
  session_not_found: [1005, 401, -32_000],
  session_inactive: [1006, 401, -32_000],
  tool_not_allowed: [2000, 403, -32_000],
  tool_denied: [2001, 403, -32_000],
  path_not_allowed: [2002, 403, -32_000],
  command_not_allowed: [2003, 403, -32_000],
  domain_not_allowed: [2004, 403, -32_000],
  rate_limit_exceeded: [2005, 429, -32_005],
  no_matching_capability: [2006, 403, -32_000],
  workload_unknown: [3000, 401, -32_000],
  execution_not_found: [3000, 404, -32_000],
  scope_not_found: [3001, 401, -32_000],
  scope_not_permitted: [3001, 403, -32_000],
  attestation_malformed: [3002, 400, -32_600],
  attestation_unauthorized: [3002, 401, -32_000],
  tenant_mismatch: [3002, 403, -32_000],
  too_many_attestations: [3002, 429, -32_005],
  invalid_arguments: [4000, 422, -32_602],
  denied_by_contract: [4031, 403, -32_000],
  foreign_tenant: [4003, 403, -32_000],
  tool_not_found: [4004, 404, -32_001],
  context_not_found: [4004, 404, -32_001],
  upstream_unavailable: [4502, 502, -32_000],
  internal: [4500, 500, -32_603],
} as const

export type SealFault = keyof typeof registry

/** A refusal of SEAL by its name. */
export function refusal(
  fault: SealFault,
  message: string,
  more: { details?: Readonly<Record<string, unknown>>; retryAfter?: number } = {},
): SealRefused {
  const [sealCode, status, rpcCode] = registry[fault]
  return new SealRefused(status, fault, message, { sealCode, rpcCode, ...more })
}

/** What the library refused, as the wire says it. */
export function refusalOf(error: SEALError): SealRefused {
  const { reason, message, code, httpStatus } = error
  return new SealRefused(httpStatus ?? 401, reason, message, {
    sealCode: code ?? 1004,
    rpcCode: httpStatus === 400 ? -32_600 : -32_000,
  })
}

/** Which fault a violation of a security context is. */
export function faultOf(kind: ViolationKind): SealFault {
  switch (kind) {
    case 'ToolExplicitlyDenied':
      return 'tool_denied'
    case 'PathOutsideBoundary':
    case 'PathTraversalAttempt':
      return 'path_not_allowed'
    case 'CommandNotAllowed':
    case 'SubcommandNotAllowed':
    case 'MissingRequiredArgument':
    case 'VariableNotAllowed':
      return 'command_not_allowed'
    case 'TenantMismatch':
      return 'foreign_tenant'
    case 'JudgeRefused':
      return 'denied_by_contract'
    case 'DomainNotAllowed':
      return 'domain_not_allowed'
    case 'RateLimitExceeded':
    case 'ConcurrentExecLimitExceeded':
      return 'rate_limit_exceeded'
    case 'OutputSizeLimitExceeded':
    case 'TimeoutExceeded':
    case 'ExecTimeoutCeilingExceeded':
      return 'no_matching_capability'
    default:
      return 'tool_not_allowed'
  }
}
