import type { AuditSink } from '../audit/sinks.ts'
import { systemClock } from '../clock.ts'
import { checkDuration } from '../durations.ts'
import { configError } from '../errors.ts'
import type { GuardClass } from '../factories.ts'
import type { Guard } from '../guard.ts'
import { consoleLogger, errorText } from '../logger.ts'
import type { EdictumOptions, ServerGuardOptions } from '../options.ts'
import { createAcknowledge } from './acknowledge.ts'
import { ServerApprovalBackend } from './approval-backend.ts'
import { ServerAuditSink } from './audit-sink.ts'
import { fetchCurrentBundle, openDelivery } from './bundle.ts'
import { EdictumServerClient } from './client.ts'
import { ServerContractSource } from './contract-source.ts'
import { closeOnExit, forgetOnExit } from './exit.ts'
import { type OpenedGates, openGates } from './gates.ts'
import { checkIdentifier } from './identifiers.ts'
import { createSigningKeys } from './signing-keys.ts'
import { ServerBackend } from './storage-backend.ts'
import { watchBundles } from './watcher.ts'

const ASSIGNMENT_TIMEOUT_MS = 30_000

export interface ServerGuard<Made extends Guard = Guard> {
  readonly guard: Made
  readonly client: EdictumServerClient
  close(): Promise<void>
}

/**
 * Connects a guard to the console: fetches its bundle, or waits for the assignment of one, and keeps
 * it current over the agent stream. Rejects with `EdictumConfigError`, within a bounded time, when that fails; nothing is
 * left open then.
 */
export async function connect<Made extends Guard>(
  options: ServerGuardOptions,
  Made: GuardClass<Made>,
): Promise<ServerGuard<Made>> {
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
  const assignmentTimeout = options.assignmentTimeout ?? ASSIGNMENT_TIMEOUT_MS
  checkDuration('assignmentTimeout', assignmentTimeout, 1)
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
  const acknowledge = createAcknowledge({ client, logger })
  const pinned = typeof signingPublicKey === 'string' ? [signingPublicKey] : signingPublicKey
  const keys = createSigningKeys(pinned !== null && pinned.length > 0 ? pinned : null, async () => {
    if (client.bundleName === null) return null
    return fetchCurrentBundle(client, client.bundleName).catch(() => null)
  })
  const approvals = new ServerApprovalBackend(client, {
    ...shared,
    ...redaction,
    ...(options.approvalPollInterval === undefined ? {} : { pollInterval: options.approvalPollInterval }),
    redactApprovalArgs: options.redactApprovalArgs ?? false,
    signingKeys: keys,
  })
  const auditSink: AuditSink | readonly AuditSink[] =
    options.auditSink ?? new ServerAuditSink(client, { ...shared, ...redaction, spool: options.spool ?? true })
  // The key and the address stay with the client: a guard that is printed must not show them.
  const { url: _url, apiKey: _apiKey, fetch: _fetch, ...lent } = options
  const guardOptions: EdictumOptions = {
    ...lent,
    environment: client.env,
    // An explicit `mode: undefined` asks for the bundle's own default.
    mode: 'mode' in options ? options.mode : 'enforce',
    auditSink,
    approvalBackend: options.approvalBackend ?? approvals,
    backend: options.storageBackend ?? new ServerBackend(client, { clock, logger }),
  }

  const ownGates = options.gates ?? null
  let guard: Made
  let gatesRevision: string | null = null
  try {
    guard = new Made(guardOptions)
    if (bundleName !== null) {
      const loaded = await loadNamedBundle(client, guard, bundleName, verifySignatures ? pinned : null)
      keys.learn(loaded.delivery)
      guard.adoptGates(loaded.gates ?? ownGates)
      gatesRevision = loaded.revision
      acknowledge(bundleName, guard.policyVersion)
    }
  } catch (error) {
    client.close()
    throw error
  }

  const source = new ServerContractSource(client, { ...shared })
  source.currentRevision = guard.policyVersion
  source.currentGates = gatesRevision
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

  let assignedNow: () => void = () => {}
  let failed: (error: unknown) => void = () => {}
  const assigned = new Promise<void>((resolve, reject) => {
    assignedNow = resolve
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
    signingKeys: verifySignatures ? pinned : null,
    ownGates,
    learnKey: keys.learn,
    onAdopted: acknowledge,
    onWatchError: options.onWatchError ?? null,
    onAssigned: () => assignedNow(),
    logger,
  }).catch((error: unknown) => {
    logger.error(`the contract watcher ended: ${errorText(error)}`)
    failed(error)
  })
  if (bundleName === null) {
    const timer = clock.setTimer(
      () => failed(new Error(`the server pushed no assignment within ${assignmentTimeout / 1000} s`)),
      assignmentTimeout,
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
  guard: Guard,
  bundleName: string,
  signingKeys: readonly string[] | null,
): Promise<OpenedGates & { readonly delivery: Record<string, unknown> }> {
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
  try {
    const bundle = openDelivery(delivery, signingKeys)
    const opened = await openGates(delivery, signingKeys)
    guard.reload(bundle.bytes)
    return { ...opened, delivery }
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
    // A callback's own failure must not end the watcher.
  }
}

function serverGuard<Made extends Guard>(guard: Made, client: EdictumServerClient): ServerGuard<Made> {
  return { guard, client, close: () => guard.close() }
}
