import type { SessionGates } from '../gates.ts'
import { errorText, type Logger } from '../logger.ts'
import { type DeliveredBundle, fetchCurrentBundle, openDelivery } from './bundle.ts'
import type { EdictumServerClient } from './client.ts'
import type { ServerContractSource } from './contract-source.ts'
import { type OpenedGates, openGates } from './gates.ts'

export interface WatchError {
  readonly type: 'signature_rejected' | 'parse_error' | 'fetch_error' | 'reload_error'
  readonly message: string
  readonly bundleName?: string
}

/** What the watcher needs of a guard. */
export interface ReloadableGuard {
  readonly policyVersion: string | null
  reload(content: Uint8Array): void
  adoptGates(gates: SessionGates | null): void
}

export interface WatcherDependencies {
  readonly client: EdictumServerClient
  readonly source: ServerContractSource
  readonly guard: ReloadableGuard
  /** Null: signatures are not checked. */
  readonly signingKeys: readonly string[] | null
  /** The agent's own gates, which hold where the server has none for its bundle. */
  readonly ownGates: SessionGates | null
  readonly onWatchError: ((error: WatchError) => void) | null
  /** Told of the key each bundle is delivered with. */
  readonly learnKey: (delivery: Readonly<Record<string, unknown>>) => void
  /** Called after each bundle that came into force. */
  readonly onAdopted: (bundleName: string, policyVersion: string | null) => void
  /** Called after each assignment whose bundle came into force. */
  readonly onAssigned: () => void
  readonly logger: Logger
}

/**
 * Keeps a guard on the bundle its agent is assigned. Whatever is wrong with an update, the
 * contracts in force stay in force. Returns when the source is closed.
 */
export async function watchBundles(dependencies: WatcherDependencies): Promise<void> {
  const { client, source } = dependencies
  for await (const item of source.watch()) {
    switch (item.type) {
      case 'contract_update': {
        const { bundle_name: name } = item.update
        // Without a filter the server forwards every bundle of the tenant; only the assigned one is ours.
        if (client.bundleName === null || (typeof name === 'string' && name !== client.bundleName)) break
        apply(dependencies, item.update, client.bundleName)
        break
      }
      case 'assignment_changed': {
        // The name is committed after the reload only, so that the same event, sent again, is tried again.
        if (await follow(dependencies, item.bundleName)) {
          client.bundleName = item.bundleName
          source.reopen()
          dependencies.onAssigned()
        }
        break
      }
      case 'reconnected': {
        if (client.bundleName === null) break
        await follow(dependencies, client.bundleName)
        break
      }
      case 'gates_update': {
        if (client.bundleName === null || item.bundleName !== client.bundleName) break
        await follow(dependencies, client.bundleName)
        break
      }
    }
  }
}

/** Fetches a bundle with its gates and puts both into force, or neither; whether it did. */
async function follow(dependencies: WatcherDependencies, bundleName: string): Promise<boolean> {
  const { client, guard, signingKeys, source, ownGates } = dependencies
  const delivery = await fetchBundle(dependencies, bundleName)
  if (delivery === null) return false
  let opened: OpenedGates
  try {
    opened = await openGates(delivery, signingKeys)
  } catch (error) {
    reject(dependencies, { type: rejectionOf(error), message: errorText(error), bundleName })
    return false
  }
  const isInForce = bundleName === client.bundleName && delivery.revision_hash === guard.policyVersion
  if (!isInForce && !apply(dependencies, delivery, bundleName)) return false
  guard.adoptGates(opened.gates ?? ownGates)
  source.currentGates = opened.revision
  return true
}

const rejectionOf = (error: unknown) =>
  error instanceof Error && error.name === 'BundleVerificationError' ? 'signature_rejected' : 'parse_error'

async function fetchBundle(
  dependencies: WatcherDependencies,
  bundleName: string,
): Promise<Record<string, unknown> | null> {
  try {
    return await fetchCurrentBundle(dependencies.client, bundleName)
  } catch (error) {
    if (!dependencies.source.closed)
      reject(dependencies, { type: 'fetch_error', message: errorText(error), bundleName })
    return null
  }
}

function apply(
  dependencies: WatcherDependencies,
  delivery: Readonly<Record<string, unknown>>,
  bundleName: string,
): boolean {
  const { source, guard, signingKeys } = dependencies
  let bundle: DeliveredBundle
  try {
    bundle = openDelivery(delivery, signingKeys)
  } catch (error) {
    reject(dependencies, { type: rejectionOf(error), message: errorText(error), bundleName })
    return false
  }
  try {
    guard.reload(bundle.bytes)
  } catch (error) {
    reject(dependencies, { type: 'reload_error', message: errorText(error), bundleName })
    return false
  }
  source.currentRevision = guard.policyVersion
  dependencies.learnKey(delivery)
  dependencies.onAdopted(bundleName, guard.policyVersion)
  return true
}

function reject({ logger, onWatchError }: WatcherDependencies, error: WatchError): void {
  logger.warn(
    `update of bundle ${error.bundleName} ignored, the contracts in force stay (${error.type}: ${error.message})`,
  )
  try {
    onWatchError?.(error)
  } catch (thrown) {
    logger.warn(`onWatchError threw: ${errorText(thrown)}`)
  }
}
