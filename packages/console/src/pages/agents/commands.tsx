import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { Bot } from 'lucide-react'
import { PaletteEntry, PaletteGroup } from '../../app/palette-group.tsx'
import { agentQueries } from './queries.ts'

/** Each connected agent once, whatever the number of its connections; it leads to what the agent did. */
export function Commands() {
  const navigate = useNavigate()
  const agents = useQuery(agentQueries.connected()).data ?? []
  if (agents.length === 0) return null
  return (
    <PaletteGroup heading="Agents">
      {[...new Set(agents.map(({ agent_id }) => agent_id))].map((agent_id) => (
        <PaletteEntry
          key={agent_id}
          label={agent_id}
          keywords={['agent', 'events']}
          icon={Bot}
          onSelect={() => void navigate({ to: '/events', search: { agent_id } })}
        />
      ))}
    </PaletteGroup>
  )
}
