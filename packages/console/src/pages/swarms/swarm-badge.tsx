import { Badge } from '../../ui/badge.tsx'
import type { Tone } from '../../ui/verdict.ts'
import type { SwarmStatus } from './queries.ts'

const LOOKS: Readonly<Record<SwarmStatus, { readonly tone: Tone; readonly label: string }>> = {
  active: { tone: 'observe', label: 'Active' },
  dissolving: { tone: 'ask', label: 'Dissolving' },
  dissolved: { tone: 'neutral', label: 'Dissolved' },
}

export const swarmLabel = (status: SwarmStatus): string => LOOKS[status].label

/** How a swarm stands. */
export function SwarmBadge({ status }: { status: SwarmStatus }) {
  return <Badge tone={LOOKS[status].tone}>{LOOKS[status].label}</Badge>
}
