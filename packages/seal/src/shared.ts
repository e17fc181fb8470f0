/** What both entries have: everything that neither signs nor verifies. */
export type { AttestationResult, SEALClientOptions, SealTool } from './client/client.ts'
export { MAX_AGE_SECONDS, type VerifyOptions } from './envelope/checks.ts'
export { encodeSealEnvelope } from './envelope/create.ts'
export {
  createCanonicalMessage,
  type ParsedEnvelope,
  parseSealEnvelope,
  SEAL_PROTOCOL,
  type SealEnvelope,
} from './envelope/parse.ts'
export { MemoryReplayStore, type ReplayStore } from './envelope/replay.ts'
export { SEALError, type SEALReason, sealReasons } from './error.ts'
export { stableStringify } from './json/canonical.ts'
export { parsePublicKey } from './keys/public-key.ts'
export type { SecurityTokenClaims, TokenAlgorithm } from './token/claims.ts'
