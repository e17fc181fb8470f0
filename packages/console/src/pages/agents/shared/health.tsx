import { Badge } from '../../../ui/badge.tsx'
import type { Tone } from '../../../ui/verdict.ts'

type Health = 'drift' | 'unknown' | 'current' | 'offline'

export const HEALTH: Readonly<Record<Health, { tone: Tone; label: string; meaning: string }>> = {
  current: { tone: 'allow', label: 'Current', meaning: 'runs the deployed version' },
  drift: { tone: 'ask', label: 'Drift', meaning: 'runs another version than the deployed one' },
  unknown: { tone: 'neutral', label: 'No version', meaning: 'reported no version, or nothing is deployed' },
  offline: { tone: 'neutral', label: 'Offline', meaning: 'has no open connection' },
}

export function HealthBadge({ health }: { health: Health }) {
  const { tone, label, meaning } = HEALTH[health]
  return (
    <span className="flex" title={`${label}: ${meaning}`}>
      <Badge tone={tone}>{label}</Badge>
    </span>
  )
}
