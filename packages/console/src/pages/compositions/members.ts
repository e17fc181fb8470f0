import type { Composition, Mode, Settings, Strategy } from './queries.ts'

/** One contract of a composition while it is being changed. */
export interface Member {
  readonly id: string
  /** Null: as the contract says, or the composition. */
  readonly mode: Mode | null
  readonly enabled: boolean
}

/** A composition while it is being changed; members in their order. */
export interface Draft {
  readonly description: string
  readonly mode: Mode
  readonly strategy: Strategy
  readonly members: readonly Member[]
}

const isMode = (text: string | null): text is Mode => text === 'enforce' || text === 'observe'

export const draftOf = (composition: Composition): Draft => ({
  description: composition.description ?? '',
  mode: isMode(composition.defaults_mode) ? composition.defaults_mode : 'enforce',
  strategy: STRATEGIES.find(({ value }) => value === composition.update_strategy)?.value ?? 'manual',
  members: composition.contracts.map(({ contract_id, mode_override, enabled }) => ({
    id: contract_id,
    mode: isMode(mode_override) ? mode_override : null,
    enabled,
  })),
})

export const STRATEGIES: readonly { readonly value: Strategy; readonly label: string }[] = [
  { value: 'manual', label: 'Nothing by itself' },
  { value: 'auto_deploy', label: 'It is deployed' },
  { value: 'observe_first', label: 'It is observed first' },
]

/** Between two places, so that something else can be put there later. */
const STEP = 10

export const settingsOf = ({ description, mode, strategy, members }: Draft): Settings => ({
  description: description.trim(),
  defaults_mode: mode,
  update_strategy: strategy,
  contracts: members.map(({ id, mode: override, enabled }, index) => ({
    contract_id: id,
    position: (index + 1) * STEP,
    mode_override: override,
    enabled,
  })),
})

/** The same members with one of them further up or down; as they were where it cannot go further. */
export function moved(members: readonly Member[], id: string, by: 1 | -1): readonly Member[] {
  const at = members.findIndex((one) => one.id === id)
  const [one, other] = [members[at], members[at + by]]
  if (!one || !other) return members
  return members.map((member) => (member === one ? other : member === other ? one : member))
}

/** Reads what was kept of a draft; null for what is none. */
export function draftIn(text: string | null): Draft | null {
  try {
    const found = JSON.parse(text ?? 'null') as Draft | null
    return found && Array.isArray(found.members) && typeof found.description === 'string' ? found : null
  } catch {
    return null
  }
}

export const isSame = (one: Draft, other: Draft): boolean => JSON.stringify(one) === JSON.stringify(other)
