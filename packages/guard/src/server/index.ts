/** The console connection: everything `Edictum.fromServer` is made of. */
import { Edictum } from '../edictum.ts'
import type { ServerGuardOptions } from '../options.ts'
import { connect, type ServerGuard } from './connect.ts'

export { ServerApprovalBackend, type ServerApprovalBackendOptions } from './approval-backend.ts'
export { ServerAuditSink, type ServerAuditSinkOptions } from './audit-sink.ts'
export {
  EdictumServerClient,
  type EdictumServerClientOptions,
  type Fetch,
  type JsonText,
  type RequestOptions,
} from './client.ts'
export type { ServerGuard } from './connect.ts'
export { type ContractSourceItem, ServerContractSource, type ServerContractSourceOptions } from './contract-source.ts'
export { ApprovalReceiptError, BundleVerificationError, EdictumConnectionError, EdictumServerError } from './errors.ts'
export { SAFE_IDENTIFIER_RE } from './identifiers.ts'
export { verifyBundleSignature } from './signature.ts'
export type { SpoolMode } from './spool.ts'
export { type ServerSentEvent, SseOverflowError, SseParser } from './sse.ts'
export { ServerBackend } from './storage-backend.ts'
export type { WatchError } from './watcher.ts'
export type { ServerGuardOptions }

/** As `Edictum.fromServer`, with the client beside the guard. */
export function createServerGuard(options: ServerGuardOptions): Promise<ServerGuard<Edictum>> {
  return connect(options, Edictum)
}
