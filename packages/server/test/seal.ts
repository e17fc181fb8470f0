import { createSealEnvelope, Ed25519Key, encodeSealEnvelope } from '@lictor/seal'
import type { TestServer } from './harness.ts'

/** A client of SEAL for tests, whose clock is the server's: real keys, real envelopes, no network. */
export interface SealHand {
  readonly key: Ed25519Key
  readonly token: string
  readonly sessionId: string
  /** A signed envelope as the text of a body. */
  envelope(payload: object, at?: number): string
  /** Send a body to `invoke`. */
  send(body: string | Buffer, headers?: Record<string, string>): ReturnType<TestServer['request']>
  /** Call a tool, signed. */
  call(name: string, args?: object): ReturnType<TestServer['request']>
}

let calls = 0

/** A JSON-RPC message that calls a tool, with an id of its own. */
export const toolCall = (name: string, args: object = {}) => ({
  jsonrpc: '2.0',
  id: `req-${++calls}`,
  method: 'tools/call',
  params: { name, arguments: args },
})

export const json = { 'content-type': 'application/json' }

/** Show a new key to `attest`; what it answered. */
export function attest(
  t: TestServer,
  body: object,
  options: { prefix?: string; headers?: Record<string, string> } = {},
) {
  return t.request({
    method: 'POST',
    url: `${options.prefix ?? ''}/v1/seal/attest`,
    headers: { ...json, ...options.headers },
    payload: JSON.stringify(body),
  })
}

/** Attest, and hold the session that comes of it. */
export async function sealHand(
  t: TestServer,
  body: object,
  options: { prefix?: string; headers?: Record<string, string>; key?: Ed25519Key } = {},
): Promise<SealHand> {
  const key = options.key ?? Ed25519Key.generate()
  const answer = await attest(t, { public_key: key.getPublicKeyBase64(), ...body }, options)
  if (answer.statusCode !== 200) throw new Error(answer.body)
  const { security_token, session_id } = answer.json<{ security_token: string; session_id: string }>()
  return handOf(t, key, security_token, session_id, options.prefix)
}

export function handOf(t: TestServer, key: Ed25519Key, token: string, sessionId: string, prefix = ''): SealHand {
  const send: SealHand['send'] = (body, headers = {}) =>
    t.request({
      method: 'POST',
      url: `${prefix}/v1/seal/invoke`,
      headers: { ...json, ...headers },
      payload: body,
    })
  const envelope: SealHand['envelope'] = (payload, at = t.clock.now()) =>
    encodeSealEnvelope(createSealEnvelope(token, payload, key, { now: () => at }))
  return {
    key,
    token,
    sessionId,
    envelope,
    send,
    call: (name, args) => send(envelope(toolCall(name, args))),
  }
}

/** Register a workload; the path that its address begins with. */
export async function workloadPrefix(
  t: TestServer,
  headers: Record<string, string>,
  body: object,
): Promise<{ prefix: string; executionId: string }> {
  const answer = await t.request({ method: 'POST', url: '/v1/seal/workloads', headers, payload: body })
  if (answer.statusCode !== 200) throw new Error(answer.body)
  const { gateway_url, execution_id } = answer.json<{ gateway_url: string; execution_id: string }>()
  return { prefix: new URL(gateway_url).pathname, executionId: execution_id }
}
