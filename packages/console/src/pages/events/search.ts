import { scalar } from '../../app/search.ts'

/** Names of the address are names of the API, so a link reads as the question it asks. */
export interface EventSearch {
  readonly agent_id?: string
  readonly tool_name?: string
  readonly verdict?: string
  readonly mode?: string
  readonly contract?: string
  readonly env?: string
  readonly policy_version?: string
  readonly search?: string
  /** A length of time back from now (`15m`, `24h`, `7d`), as everywhere in the API. */
  readonly since?: string
  /** The end of a stretch that was chosen; its begin is then an instant too. */
  readonly until?: string
  readonly event?: string
  /** Time of the event that is linked to; the list starts there. */
  readonly ts?: string
  /** `call` or `session`: one row for all events of one. */
  readonly group?: string
  /** Key of the group that is open. */
  readonly open?: string
}

const NAMES = [
  'agent_id',
  'tool_name',
  'verdict',
  'mode',
  'contract',
  'env',
  'policy_version',
  'search',
  'since',
  'until',
  'event',
  'ts',
  'group',
  'open',
] as const

export const eventSearch = (search: Record<string, unknown>): EventSearch =>
  Object.fromEntries(NAMES.flatMap((name) => (scalar(search[name]) ? [[name, scalar(search[name])]] : [])))
