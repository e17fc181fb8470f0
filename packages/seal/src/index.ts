import { type SEALClientOptions, SealGatewayClient } from './client/client.ts'
import { checkEnvelope, notVerified, type VerifyOptions } from './envelope/checks.ts'
import { draftEnvelope } from './envelope/create.ts'
import type { SealEnvelope } from './envelope/parse.ts'
import type { ReplayStore } from './envelope/replay.ts'
import { Ed25519Key, verifyEd25519 } from './keys/node.ts'

export * from './shared.ts'
export { verifySecurityToken } from './token/node.ts'
export { Ed25519Key }

type Payload = Readonly<Record<string, unknown>>

/**
 * Sign an MCP message.
 * @param securityToken the JWT of the attestation
 * @param mcpPayload an object with members; follows `JSON.stringify`
 * @throws TypeError for a payload that has no form in JSON
 */
export function createSealEnvelope(
  securityToken: string,
  mcpPayload: unknown,
  privateKey: Ed25519Key,
  options: { readonly now?: () => number } = {},
): SealEnvelope {
  const draft = draftEnvelope(securityToken, mcpPayload, (options.now ?? Date.now)())
  return draft.seal(privateKey.signBase64(draft.message))
}

/**
 * Verify an envelope and give back its payload, whole numbers beyond 2^53 as `bigint`.
 * @param envelope its text or bytes as received, which keep the spelling of numbers that was signed; or an object
 * @param publicKey 32 bytes, or any spelling of them
 * @param options largest age in seconds (30), or the age with a clock and a replay store
 * @returns the payload; a promise of it where the replay store answers by one
 * @throws SEALError with the first check that failed
 */
export function verifySealEnvelope(
  envelope: unknown,
  publicKey: Uint8Array | string,
  options: VerifyOptions & { readonly replayStore: ReplayStore<Promise<boolean>> },
): Promise<Payload>
export function verifySealEnvelope(
  envelope: unknown,
  publicKey: Uint8Array | string,
  options?: number | VerifyOptions<boolean>,
): Payload
export function verifySealEnvelope(
  envelope: unknown,
  publicKey: Uint8Array | string,
  options?: number | VerifyOptions,
): Payload | Promise<Payload>
export function verifySealEnvelope(
  envelope: unknown,
  publicKey: Uint8Array | string,
  options: number | VerifyOptions = {},
): Payload | Promise<Payload> {
  const asked: VerifyOptions = typeof options === 'number' ? { maxAgeSeconds: options } : options
  const { parsed, key, signature, remember } = checkEnvelope(envelope, publicKey, asked)
  if (!parsed.messages().some((message) => verifyEd25519(key, message, signature))) throw notVerified()
  const remembered = asked.replayStore && remember(asked.replayStore)
  return remembered instanceof Promise ? remembered.then(() => parsed.payload) : parsed.payload
}

/** A client of a SEAL gateway. Makes a key and a request only when asked to `attest`. */
export class SEALClient extends SealGatewayClient<Ed25519Key> {
  /**
   * @param gatewayUrl address of the gateway, with its prefix where it has one
   * @param securityScope name of the security context
   */
  constructor(gatewayUrl: string, workloadId: string, securityScope: string, options: SEALClientOptions = {}) {
    super(gatewayUrl, workloadId, securityScope, options, {
      generate: () => Ed25519Key.generate(),
      seal: (token, payload, key, now) => createSealEnvelope(token, payload, key, { now }),
    })
  }
}
