import type { BundleDocument } from '@lictor/contracts'
import { silentLogger } from '@lictor/guard'
import { fetchCurrentBundle, openDelivery } from '@lictor/guard/bundle'
import { type AgentManifest, deliverJournal } from '@lictor/guard/journal'
import { EdictumServerClient } from '@lictor/guard/server'
import { CliError } from '../errors.ts'
import { readInForce } from './check/contracts.ts'
import { loadLayers } from './check/load-layers.ts'
import { readIfThere, replaceFile } from './install/file.ts'
import { baseContracts, type GatePlace } from './place.ts'
import type { ConsoleSettings } from './settings.ts'

export interface Synced {
  /** Events that the server has now. */
  readonly delivered: number
  /** False while the server is away: the rest waits. */
  readonly isComplete: boolean
  readonly bundle: 'unchanged' | 'updated' | null
  /** Why the bundle could not be fetched; the contracts that are there go on holding. */
  readonly bundleProblem: string | null
}

/** Sends what was recorded to the console, and fetches the bundle that the settings name. */
export async function syncGate(place: GatePlace): Promise<Synced> {
  const { settings, contracts } = await readInForce(place, null)
  const { console, agentId } = settings
  if (console === null)
    throw new CliError('no_console', 'The settings of the gate name no console.', {
      hint: 'Run `lictor gate init --server URL --api-key KEY`.',
    })
  const client = clientOf(console, agentId)
  try {
    const manifest = contracts && manifestOf(agentId, contracts.hash, contracts.document)
    const { delivered, isComplete } = await deliverJournal({ client, logger: silentLogger, manifest })
    const { bundle, bundleProblem } = await fetchBundle(client, console, place)
    return { delivered, isComplete, bundle, bundleProblem }
  } finally {
    client.close()
  }
}

export function clientOf(console: ConsoleSettings, agentId: string): EdictumServerClient {
  const { url, apiKey, environment, bundle, allowInsecure } = console
  return new EdictumServerClient({
    baseUrl: url,
    apiKey,
    agentId,
    env: environment,
    bundleName: bundle,
    allowInsecure,
    logger: silentLogger,
  })
}

async function fetchBundle(
  client: EdictumServerClient,
  { bundle, signingKeys }: ConsoleSettings,
  place: GatePlace,
): Promise<Pick<Synced, 'bundle' | 'bundleProblem'>> {
  if (bundle === null) return { bundle: null, bundleProblem: null }
  try {
    return {
      bundle: (await storeBundle(client, bundle, signingKeys, place)) ? 'updated' : 'unchanged',
      bundleProblem: null,
    }
  } catch (error) {
    return { bundle: null, bundleProblem: error instanceof Error ? error.message : String(error) }
  }
}

/**
 * Puts what the console deployed in the place of the base contracts, once it is known to load.
 * @returns whether it is another one than before
 */
export async function storeBundle(
  client: EdictumServerClient,
  name: string,
  signingKeys: readonly string[],
  place: GatePlace,
): Promise<boolean> {
  const { bytes } = openDelivery(await fetchCurrentBundle(client, name), signingKeys.length > 0 ? signingKeys : null)
  const path = baseContracts(place)
  const { hash } = loadLayers([{ path: `bundle ${name}`, bytes }])
  const text = Buffer.from(bytes).toString('utf8')
  const isNew = readIfThere(path) !== text
  if (isNew) replaceFile(path, text, 0o600)
  await client.post('/api/v1/agents/ack', { bundle_name: name, policy_version: hash }).catch(() => {})
  return isNew
}

function manifestOf(agentId: string, policyVersion: string, document: BundleDocument): AgentManifest {
  const contracts = document.contracts.map((contract) => ({
    id: contract.id,
    type: contract.type,
    tool: contract.type === 'sandbox' ? contract.tools.join(', ') : contract.type === 'session' ? '*' : contract.tool,
    mode: contract.mode ?? document.defaultMode,
  }))
  return { agent_id: agentId, policy_version: policyVersion, contracts }
}
