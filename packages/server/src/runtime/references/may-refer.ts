import type { AgentManifestDocument } from '@lictor/aegis'
import { Forbidden, InsufficientScope } from '../../errors.ts'
import type { TokenCaller, UserCaller } from '../../identity/caller.ts'
import { schemeOf } from './reference.ts'

/**
 * An agent prints what it was handed wherever it likes, and its webhook sends it where the manifest says: who deploys one that refers
 * to a secret must be allowed to read it.
 * @throws InsufficientScope, Forbidden
 */
export function requireMayRefer(
  caller: TokenCaller | UserCaller,
  { env = {}, output_handler: handler }: AgentManifestDocument['spec'],
): void {
  const headers = handler?.type === 'webhook' ? (handler.headers ?? {}) : {}
  const texts = [...Object.values(env), ...Object.values(headers)]
  if (!texts.some((text) => schemeOf(text).named.startsWith('secret:'))) return
  if (caller.kind === 'token' && !caller.scopes.has('secret:read')) throw new InsufficientScope('secret:read')
  if (caller.kind === 'user' && !caller.isAdmin)
    throw new Forbidden("The manifest refers to a secret ('secret:…'), which only administrators may hand to an agent.")
}
