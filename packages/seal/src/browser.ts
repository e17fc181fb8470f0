import { type SEALClientOptions, SealGatewayClient } from './client/client.ts'
import { checkEnvelope, notVerified, type VerifyOptions } from './envelope/checks.ts'
import { draftEnvelope } from './envelope/create.ts'
import type { SealEnvelope } from './envelope/parse.ts'
import { Ed25519Key, verifyEd25519 } from './keys/web.ts'

export * from './shared.ts'
export { verifySecurityToken } from './token/web.ts'
export { Ed25519Key }

/** As in Node, by a promise: browsers sign asynchronously. */
export async function createSealEnvelope(
  securityToken: string,
  mcpPayload: unknown,
  privateKey: Ed25519Key,
  options: { readonly now?: () => number } = {},
): Promise<SealEnvelope> {
  const draft = draftEnvelope(securityToken, mcpPayload, (options.now ?? Date.now)())
  return draft.seal(await privateKey.signBase64(draft.message))
}

/** As in Node, by a promise: browsers verify asynchronously. */
export async function verifySealEnvelope(
  envelope: unknown,
  publicKey: Uint8Array | string,
  options: number | VerifyOptions = {},
): Promise<Readonly<Record<string, unknown>>> {
  const asked: VerifyOptions = typeof options === 'number' ? { maxAgeSeconds: options } : options
  const { parsed, key, signature, remember } = checkEnvelope(envelope, publicKey, asked)
  let isVerified = false
  for (const message of parsed.messages()) isVerified ||= await verifyEd25519(key, message, signature)
  if (!isVerified) throw notVerified()
  if (asked.replayStore) await remember(asked.replayStore)
  return parsed.payload
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
