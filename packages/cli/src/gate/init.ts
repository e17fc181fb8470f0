import { mkdirSync, readFileSync } from 'node:fs'
import { templates } from '@lictor/contracts/templates'
import { CliError } from '../errors.ts'
import { loadLayers } from './check/load-layers.ts'
import { readIfThere, replaceFile } from './install/file.ts'
import { baseContracts, type GatePlace, gateFolder, settingsPath } from './place.ts'
import { readSettings } from './settings.ts'
import { clientOf, storeBundle } from './sync.ts'

export interface InitOptions {
  /** Bundle to begin with; null takes the template `coding-assistant-base`. */
  readonly contracts: string | null
  readonly server: string | null
  readonly apiKey: string | null
  /** Bundle of the console to follow. */
  readonly bundle: string | null
  readonly allowInsecure: boolean
}

export interface Initialised {
  readonly settings: string
  readonly contracts: string
  readonly count: number
  readonly from: string
  /** Contracts that were there and stayed. */
  readonly isKept: boolean
  readonly console: string | null
}

/** Makes settings and contracts. The key is tried before anything is written. @throws CliError */
export async function initGate(place: GatePlace, options: InitOptions): Promise<Initialised> {
  const { server, apiKey, bundle, allowInsecure } = options
  if (server !== null && apiKey === null)
    throw new CliError('usage', '--server needs --api-key, made in the console for an agent.', { exitCode: 2 })
  if (bundle !== null && server === null) throw new CliError('usage', '--bundle needs --server.', { exitCode: 2 })
  const text = settingsText({ server, apiKey, bundle, allowInsecure }, place)
  const settings = readSettings(text, place)
  const path = baseContracts(place)
  const there = readIfThere(path)
  let isKept = false
  let from = options.contracts ?? 'the template coding-assistant-base'
  if (settings.console !== null) await checkKey(settings.console, settings.agentId)
  if (settings.console !== null && bundle !== null) {
    const client = clientOf(settings.console, settings.agentId)
    await storeBundle(client, bundle, settings.console.signingKeys, place)
      .catch((error: unknown) => {
        throw new CliError('no_bundle', `The bundle ${bundle} was not fetched: ${(error as Error).message}.`, {
          cause: error,
        })
      })
      .finally(() => client.close())
    from = `the bundle ${bundle} of ${server}`
  } else if (options.contracts !== null) {
    const bytes = readFile(options.contracts)
    loadLayers([{ path: options.contracts, bytes }])
    replaceFile(path, Buffer.from(bytes).toString('utf8'), 0o600)
  } else if (there === null) {
    replaceFile(path, templates.get('coding-assistant-base') ?? '', 0o600)
  } else {
    isKept = true
    from = path
  }
  mkdirSync(gateFolder(place), { recursive: true, mode: 0o700 })
  replaceFile(settingsPath(place), text, 0o600)
  const { document } = loadLayers([{ path, bytes: readFileSync(path) }])
  return {
    settings: settingsPath(place),
    contracts: path,
    count: document.contracts.length,
    from,
    isKept,
    console: server,
  }
}

async function checkKey(
  console: NonNullable<ReturnType<typeof readSettings>['console']>,
  agentId: string,
): Promise<void> {
  const client = clientOf(console, agentId)
  try {
    await client.get('/api/v1/events', { query: { limit: 1 } })
  } catch (error) {
    const status = (error as { statusCode?: number }).statusCode
    const why = status === 401 || status === 403 ? 'the API key is not accepted there' : (error as Error).message
    throw new CliError('no_console', `${console.url} cannot be used: ${why}. Nothing was written.`, { cause: error })
  } finally {
    client.close()
  }
}

function readFile(path: string): Uint8Array {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new CliError('file', `${path} cannot be read: ${(error as Error).message}.`, { exitCode: 2, cause: error })
  }
}

/** JSON texts are YAML texts, whatever they hold. */
function settingsText(
  { server, apiKey, bundle, allowInsecure }: Omit<InitOptions, 'contracts'>,
  place: GatePlace,
): string {
  const quoted = JSON.stringify
  const console = [
    'console:',
    `  url: ${quoted(server)}`,
    `  api_key: ${quoted(apiKey)}`,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: placeholders of the file, which the gate fills in
    '  agent_id: "${hostname}-${user}"',
    ...(bundle === null ? [] : [`  bundle: ${quoted(bundle)}`]),
    ...(allowInsecure ? ['  allow_insecure: true'] : []),
  ]
  return [
    `contracts: [${quoted(baseContracts(place))}]`,
    ...(server === null ? [] : console),
    'audit:',
    '  enabled: true',
    'fail_open: false',
    '',
  ].join('\n')
}
