import { Activity, Bot, Cable, FileCheck2, Hand, KeyRound, LayoutDashboard, type LucideIcon } from 'lucide-react'

export interface Place {
  readonly to: '/' | '/approvals' | '/events' | '/agents' | '/contracts' | '/keys' | '/connect'
  readonly label: string
  readonly icon: LucideIcon
  /** Second key after `g`. */
  readonly key: string
}

/** The rooms of the console, in the order of the sidebar. */
export const MONITOR: readonly Place[] = [
  { to: '/', label: 'Overview', icon: LayoutDashboard, key: 'o' },
  { to: '/approvals', label: 'Approvals', icon: Hand, key: 'i' },
  { to: '/events', label: 'Events', icon: Activity, key: 'e' },
  { to: '/agents', label: 'Agents', icon: Bot, key: 'a' },
]
export const MANAGE: readonly Place[] = [
  { to: '/contracts', label: 'Contracts', icon: FileCheck2, key: 'c' },
  { to: '/keys', label: 'API keys', icon: KeyRound, key: 'k' },
  { to: '/connect', label: 'Connect an agent', icon: Cable, key: 'n' },
]
export const PLACES: readonly Place[] = [...MONITOR, ...MANAGE]
