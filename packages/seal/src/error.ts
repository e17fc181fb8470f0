/**
 * Why something of SEAL was refused, as a word that stays, and how it is told on the wire: the code of the protocol's registry and
 * the HTTP status. Numbers of other servers differ; branch on `reason`.
 */
export const sealReasons = {
  malformed_envelope: { code: 1000, httpStatus: 400 },
  unsupported_protocol: { code: 1000, httpStatus: 400 },
  invalid_timestamp: { code: 1000, httpStatus: 400 },
  invalid_signature_encoding: { code: 1000, httpStatus: 400 },
  invalid_signature: { code: 1001, httpStatus: 401 },
  invalid_public_key: { code: 1001, httpStatus: 401 },
  weak_public_key: { code: 1001, httpStatus: 401 },
  stale_timestamp: { code: 1003, httpStatus: 401 },
  future_timestamp: { code: 1003, httpStatus: 401 },
  replay_detected: { code: 1003, httpStatus: 401 },
  token_expired: { code: 1003, httpStatus: 401 },
  token_invalid: { code: 1004, httpStatus: 401 },
  session_not_found: { code: 1005, httpStatus: 401 },
  session_revoked: { code: 1006, httpStatus: 401 },
  /** The client, not the server, says these; where the server sent a code or a status, the error carries those. */
  not_attested: { code: null, httpStatus: null },
  attestation_failed: { code: null, httpStatus: null },
  gateway_rejected: { code: null, httpStatus: null },
  gateway_error: { code: null, httpStatus: null },
  tool_error: { code: null, httpStatus: null },
} as const satisfies Record<string, { code: number | null; httpStatus: number | null }>

export type SEALReason = keyof typeof sealReasons

/** What SEAL refuses: an envelope, a token, a key, or a call that the gateway did not make. */
export class SEALError extends Error {
  override readonly name = 'SEALError'
  readonly reason: SEALReason
  /** Code of the protocol's registry, 1000 to 3999; null where there is none. */
  readonly code: number | null
  /** HTTP status that a server answers, or answered; null where there is none. */
  readonly httpStatus: number | null

  constructor(
    reason: SEALReason,
    message: string,
    options: { code?: number | null; httpStatus?: number | null; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.reason = reason
    this.code = options.code === undefined ? sealReasons[reason].code : options.code
    this.httpStatus = options.httpStatus === undefined ? sealReasons[reason].httpStatus : options.httpStatus
  }
}
