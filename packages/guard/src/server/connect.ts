import type { AuditSink } from '../audit/sinks.ts'
import { systemClock } from '../clock.ts'
import type { Edictum } from '../edictum.ts'
import { configError } from '../errors.ts'
import { consoleLogger, errorText } from '../logger.ts'
import type { EdictumOptions, ServerGuardOptions } from '../options.ts'
import { ServerApprovalBackend } from './approval-backend.ts'
import { ServerAuditSink } from './audit-sink.ts'
import { type DeliveredBundle, fetchCurrentBundle, openDelivery } from './bundle.ts'
import { EdictumServerClient } from './client.ts'
import { ServerContractSource } from './contract-source.ts'
import { closeOnExit, forgetOnExit } from './exit.ts'
import { checkIdentifier } from './identifiers.ts'
import { ServerBackend } from './storage-backend.ts'
import { watchBundles } from './watcher.ts'

const ASSIGNMENT_TIMEOUT_MS = 30_000

export interface ServerGuard {
  readonly guard: Edictum
  readonly client: EdictumServerClient
  close(): Promise<void>
}

/** What `connect` makes guards with; handed in, because the guard's module knows this one. */
export type GuardClass = new (options: EdictumOptions) => Edictum

/**
 * Connects a guard to the console (edictum-sdk §14.7): fetches its bundle, or waits for the assignment of one, and keeps
 * it current over the agent stream. Rejects with `EdictumConfigError`, within a bounded time, when that fails; nothing is
 * left open then.
 */
export async function connect(options: ServerGuardOptions, Guard: GuardClass): Promise<ServerGuard> {
  const { bundleName = null, autoWatch = true, verifySignatures = false, signingPublicKey = null } = options
  const clock = options.clock ?? systemClock
  const logger = options.logger ?? consoleLogger
  if (bundleName === null && !autoWatch) {
    throw configError('Without bundleName the server assigns the bundle over the stream: autoWatch must stay true.')
  }
  if (verifySignatures && (signingPublicKey === null || signingPublicKey.length === 0)) {
    throw configError('verifySignatures needs signingPublicKey, the hex Ed25519 key of the console.')
  }
  checkIdentifier(options.agentId, 'agentId')
  const signingKeys =
    verifySignatures && signingPublicKey !== null
      ? typeof signingPublicKey === 'string'
        ? [signingPublicKey]
        : signingPublicKey
      : null
  const shared = { clock, logger, ...(options.newId ? { newId: options.newId } : {}) }
  const client = new EdictumServerClient({
    ...shared,
    baseUrl: options.url,
    apiKey: options.apiKey,
    agentId: options.agentId,
    env: options.env ?? options.environment ?? 'production',
    bundleName,
    tags: options.tags ?? null,
    ...(options.timeout === undefined ? {} : { timeout: options.timeout }),
    ...(options.maxRetries === undefined ? {} : { maxRetries: options.maxRetries }),
    allowInsecure: options.allowInsecure ?? false,
    ...(options.fetch ? { fetch: options.fetch } : {}),
  })
  const redaction = options.redaction ? { redaction: options.redaction } : {}
  const approvals = new ServerApprovalBackend(client, {
    ...shared,
    ...redaction,
    ...(options.approvalPollInterval === undefined ? {} : { pollInterval: options.approvalPollInterval }),
    redactApprovalArgs: options.redactApprovalArgs ?? false,
  })
  const auditSink: AuditSink | readonly AuditSink[] =
    options.auditSink ?? new ServerAuditSink(client, { ...shared, ...redaction })
  // The key and the address stay with the client: a guard that is printed must not show them.
  const { url: _url, apiKey: _apiKey, fetch: _fetch, ...lent } = options
  const guardOptions: EdictumOptions = {
    ...lent,
    environment: client.env,
    // An explicit `mode: undefined` asks for the bundle's own default (decision Q4).
    mode: 'mode' in options ? options.mode : 'enforce',
    auditSink,
    approvalBackend: options.approvalBackend ?? approvals,
    backend: options.storageBackend ?? new ServerBackend(client),
  }

  let guard: Edictum
  try {
    guard = new Guard(guardOptions)
    if (bundleName !== null) await loadNamedBundle(client, guard, bundleName, signingKeys)
  } catch (error) {
    client.close()
    throw error
  }

  const source = new ServerContractSource(client, { ...shared })
  source.currentRevision = guard.policyVersion
  source.onApprovalDecided = (approvalId) => approvals.wake(approvalId)
  let watching: Promise<void> = Promise.resolve()
  guard.onClose(
    async () => {
      source.close()
      await watching
    },
    () => {
      client.close()
      forgetOnExit(guard)
    },
  )
  closeOnExit(guard)
  if (!autoWatch) return serverGuard(guard, client)

  let applied: () => void = () => {}
  let failed: (error: unknown) => void = () => {}
  const assigned = new Promise<void>((resolve, reject) => {
    applied = resolve
    failed = reject
  })
  assigned.catch(() => {})
  source.onRefused = (error) => {
    failed(error)
    reportWatchError(options, { type: 'fetch_error', message: error.message })
  }
  watching = watchBundles({
    client,
    source,
    guard,
    signingKeys,
    onWatchError: options.onWatchError ?? null,
    onApplied: () => applied(),
    logger,
  }).catch((error: unknown) => {
    logger.error(`the contract watcher ended: ${errorText(error)}`)
    failed(error)
  })
  if (bundleName === null) {
    const limit = options.assignmentTimeout ?? ASSIGNMENT_TIMEOUT_MS
    const timer = clock.setTimer(
      () => failed(new Error(`the server pushed no assignment within ${limit / 1000} s`)),
      limit,
    )
    try {
      await assigned
    } catch (error) {
      await guard.close()
      throw configError(
        `Agent ${client.agentId} got no bundle: ${errorText(error)}. Assign one in the console, or pass bundleName.`,
        { code: 'server_assignment', cause: error },
      )
    } finally {
      timer.cancel()
    }
  }
  return serverGuard(guard, client)
}

async function loadNamedBundle(
  client: EdictumServerClient,
  guard: Edictum,
  bundleName: string,
  signingKeys: readonly string[] | null,
): Promise<void> {
  let delivery: Record<string, unknown>
  try {
    delivery = await fetchCurrentBundle(client, bundleName)
  } catch (error) {
    throw configError(
      `Failed to fetch contracts from server: bundle ${bundleName} for ${client.env}: ${errorText(error)}`,
      {
        code: 'server_fetch',
        cause: error,
      },
    )
  }
  let bundle: DeliveredBundle
  try {
    bundle = openDelivery(delivery, signingKeys)
    guard.reload(bundle.bytes)
  } catch (error) {
    throw configError(`Failed to parse server contracts: bundle ${bundleName}: ${errorText(error)}`, {
      code: 'server_bundle',
      cause: error,
    })
  }
}

function reportWatchError(options: ServerGuardOptions, error: { type: 'fetch_error'; message: string }): void {
  try {
    options.onWatchError?.(error)
  } catch {
    // A callback's own failure must not end the watcher (edictum-sdk §14.7).
  }
}

function serverGuard(guard: Edictum, client: EdictumServerClient): ServerGuard {
  return { guard, client, close: () => guard.close() }
}
