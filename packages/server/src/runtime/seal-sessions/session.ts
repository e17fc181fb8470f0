import type { Environment } from '../../identity/keys.ts'
import type { Micros } from '../../storage/instants.ts'
import type { SecurityContext } from '../contexts/security-contexts.ts'

/** Seconds that a session, and the token that names it, is good for. */
export const SESSION_SECONDS = 3600
/** No token lives longer, whoever asks for it. */
export const LONGEST_TOKEN_MS = 86_400_000

export type SessionStatus = 'Active' | 'Expired' | 'Revoked'

/** A public key that was attested, and what calls signed with it may do. */
export interface SealSession {
  /** Also the `jti` of its token. */
  readonly id: string
  readonly tenantId: string
  readonly agentId: string
  /** By which contracts are assigned. */
  readonly agentName: string
  readonly executionId: string
  readonly env: Environment
  /** Raw, 32 bytes, base64. */
  readonly publicKey: string
  /** SHA-256 of the token, hex. */
  readonly tokenHash: string
  /** As it was when the session began: a later change of the context does not reach it. */
  readonly securityContext: SecurityContext
  readonly allowedToolPatterns: readonly string[]
  /** What the attestation rested on. A later one with the same proof takes this session's place; no other does. */
  readonly proof: string
  readonly principal: string | null
  readonly userId: string | null
  readonly workloadId: string | null
  readonly zaruTier: string | null
  readonly status: SessionStatus
  readonly revokedReason: string | null
  readonly createdAt: Micros
  readonly expiresAt: Micros
  readonly endedAt: Micros | null
}

/** A program outside this server that may attest by the address it was given. */
export interface Workload {
  readonly id: string
  readonly tenantId: string
  readonly workloadId: string
  /** SHA-256 of the token in its address, hex. */
  readonly tokenHash: string
  readonly allowedContexts: readonly string[]
  readonly agentId: string
  readonly agentName: string
  /** Stays the same over its sessions, and its files with it. */
  readonly executionId: string
  readonly env: Environment
  readonly createdBy: string
  readonly createdAt: Micros
  readonly expiresAt: Micros | null
  readonly revokedAt: Micros | null
}

/** A key that security tokens are signed with. */
export interface SealTokenKey {
  /** The `kid` of tokens signed with it. */
  readonly id: string
  readonly publicPem: string
  /** PKCS #8 as PEM, sealed. */
  readonly sealedPrivateKey: Uint8Array
  readonly createdAt: Micros
}

/** Whether calls match what the session was given, before its context is asked. */
export function patternAllows(pattern: string, tool: string): boolean {
  if (pattern === '*') return true
  const star = pattern.indexOf('*')
  if (star < 0) return pattern === tool
  const [before, after] = [pattern.slice(0, star), pattern.slice(star + 1)]
  return tool.length >= before.length + after.length && tool.startsWith(before) && tool.endsWith(after)
}
