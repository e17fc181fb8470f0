import { join } from 'node:path'
import { journalSize } from '@lictor/guard/journal'
import { keyPrefixOf } from '@lictor/guard/key-prefix'
import { type InForce, readInForce } from './check/contracts.ts'
import { readIfThere } from './install/file.ts'
import { claudeFolder, codexFolder, type Places } from './install/places.ts'
import { isObject, readSettingsFile } from './install/settings-file.ts'
import { INSTALLABLE, type Installable, targets } from './install/targets.ts'
import { settingsPath } from './place.ts'
import { readSeen, type Seen } from './record/seen.ts'

export interface GateStatus {
  readonly settings: { readonly path: string; readonly problem: string | null }
  readonly contracts: readonly ContractsStatus[]
  readonly console: { readonly url: string; readonly agentId: string; readonly waiting: number } | null
  readonly assistants: readonly AssistantStatus[]
  /** What is in the contracts and cannot be held by a gate. */
  readonly notHeld: readonly string[]
}

interface ContractsStatus {
  readonly path: string
  readonly count: number | null
  readonly hash: string | null
  readonly problem: string | null
}

export interface AssistantStatus {
  readonly assistant: Installable
  readonly installed: readonly string[]
  /** Why the gate is not in force although it is installed. */
  readonly off: readonly string[]
  readonly lastCall: Seen | null
}

/** What is really in force: settings, contracts, and each assistant at every level of its settings. */
export async function gateStatus(places: Places): Promise<GateStatus> {
  const path = settingsPath(places)
  let inForce: InForce | null = null
  let problem: string | null = null
  try {
    inForce = await readInForce(places, null)
  } catch (error) {
    problem = error instanceof Error ? error.message : String(error)
  }
  return {
    settings: { path, problem },
    contracts: await Promise.all((inForce?.settings.contracts ?? []).map((one) => contractsStatus(one, places))),
    console: consoleStatus(inForce),
    assistants: INSTALLABLE.map((assistant) => assistantStatus(assistant, places)),
    notHeld: notHeld(inForce),
  }
}

async function contractsStatus(path: string, places: Places): Promise<ContractsStatus> {
  const { contracts, problem } = await readInForce(places, [path])
  if (contracts === null) return { path, count: null, hash: null, problem: problem ?? 'not found' }
  return { path, count: contracts.document.contracts.length, hash: contracts.hash, problem: null }
}

function consoleStatus(inForce: InForce | null): GateStatus['console'] {
  const console = inForce?.settings.console
  if (!inForce || !console) return null
  const { agentId } = inForce.settings
  const owner = { keyPrefix: keyPrefixOf(console.apiKey, console.environment), agentId }
  return { url: console.url, agentId, waiting: journalSize(owner).events }
}

function notHeld(inForce: InForce | null): readonly string[] {
  const contracts = inForce?.contracts?.document.contracts ?? []
  const ids = (type: string) => contracts.filter((one) => one.type === type && one.enabled).map(({ id }) => id)
  const posts = ids('post')
  const sessions = ids('session')
  const after = contracts.flatMap((one) =>
    one.type === 'pre' && one.enabled && one.after !== undefined ? [one.id] : [],
  )
  return [
    ...(posts.length > 0
      ? [`contracts over outputs, because the gate is asked before a call alone: ${posts.join(', ')}`]
      : []),
    ...(sessions.length > 0
      ? [`limits of a session, because each check stands for itself: ${sessions.join(', ')}`]
      : []),
    ...(after.length > 0
      ? [`what came before a call, which the gate does not know, so that these fire always: ${after.join(', ')}`]
      : []),
  ]
}

function assistantStatus(assistant: Installable, places: Places): AssistantStatus {
  const { user, managed } = targets[assistant]
  const off: string[] = []
  const installed = [user(places), ...(managed ? [managed(places)] : [])].flatMap((target) => {
    try {
      return target.isInstalled() ? [target.path] : []
    } catch (error) {
      off.push((error as Error).message.replace(' Nothing was changed.', ' The assistant may read none of it.'))
      return []
    }
  })
  for (const level of levels[assistant]?.(places) ?? []) off.push(...whyOff(level))
  return {
    assistant,
    installed,
    off: installed.length === 0 ? off.filter((one) => one.includes('may read none')) : off,
    lastCall: readSeen(places, assistant),
  }
}

/** A file that may switch hooks off, and how. */
interface Level {
  readonly path: string
  readonly switches: readonly Switch[]
}
type Switch = (settings: Readonly<Record<string, unknown>>) => string | null

const isTrue =
  (key: string, told: string): Switch =>
  (settings) =>
    settings[key] === true ? told : null
const ALL_OFF = isTrue('disableAllHooks', "'disableAllHooks' switches every hook off")
const MANAGED_ONLY = isTrue(
  'allowManagedHooksOnly',
  "'allowManagedHooksOnly' lets run the hooks of administrators alone: install with --managed",
)
/** Gemini and what grew out of it. */
const CONFIGURED: Switch = ({ hooksConfig }) => {
  if (!isObject(hooksConfig)) return null
  if (hooksConfig.enabled === false) return "'hooksConfig.enabled' is false"
  const disabled = Array.isArray(hooksConfig.disabled) ? (hooksConfig.disabled as unknown[]) : []
  return disabled.some((name) => typeof name === 'string' && /lictor/.test(name))
    ? "'hooksConfig.disabled' names the gate"
    : null
}

const each = (paths: readonly string[], switches: readonly Switch[]): readonly Level[] =>
  paths.map((path) => ({ path, switches }))

const levels: Partial<Readonly<Record<Installable, (places: Places) => readonly Level[]>>> = {
  'claude-code': (places) => [
    ...each([join(places.etc, 'claude-code', 'managed-settings.json')], [ALL_OFF, MANAGED_ONLY]),
    ...each(
      [
        join(claudeFolder(places), 'settings.json'),
        join(places.project, '.claude', 'settings.json'),
        join(places.project, '.claude', 'settings.local.json'),
      ],
      [ALL_OFF],
    ),
  ],
  gemini: ({ etc, home, project }) =>
    each(
      [
        join(etc, 'gemini-cli', 'settings.json'),
        join(home, '.gemini', 'settings.json'),
        join(project, '.gemini', 'settings.json'),
      ],
      [CONFIGURED],
    ),
  qwen: ({ home, project }) =>
    each([join(home, '.qwen', 'settings.json'), join(project, '.qwen', 'settings.json')], [ALL_OFF, CONFIGURED]),
  codex: (places) => [{ path: join(codexFolder(places), 'config.toml'), switches: [] }],
}

function whyOff({ path, switches }: Level): readonly string[] {
  const text = readIfThere(path)
  if (text === null) return []
  if (path.endsWith('.toml')) {
    return /^\s*(?:hooks|codex_hooks)\s*=\s*false\b/m.test(text) ? [`${path}: the feature 'hooks' is off`] : []
  }
  try {
    const { value } = readSettingsFile(path)
    return switches.flatMap((told) => told(value) ?? []).map((why) => `${path}: ${why}`)
  } catch (error) {
    return [(error as Error).message.replace(' Nothing was changed.', ' The assistant may read none of it.')]
  }
}
