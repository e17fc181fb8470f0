import { join } from 'node:path'

/** Whose gate this is: settings, contracts and records lie below the home folder. */
export interface GatePlace {
  readonly home: string
  readonly environment: Readonly<Record<string, string | undefined>>
}

export const gateFolder = ({ home }: GatePlace): string => join(home, '.lictor', 'gate')
export const settingsPath = ({ home }: GatePlace): string => join(home, '.lictor', 'gate.yaml')
export const baseContracts = ({ home }: GatePlace): string => join(home, '.lictor', 'contracts', 'base.yaml')
