import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { BotMessageSquare, Play, Upload } from 'lucide-react'
import { PaletteEntry, PaletteGroup } from '../../app/palette-group.tsx'
import { useRefusal } from '../../app/permission.ts'
import { visible } from '../../ui/visible.ts'
import { managedAgentQueries } from './queries.ts'

export function Commands() {
  const navigate = useNavigate()
  const mayWork = useRefusal('work') === null
  const agents = useQuery(managedAgentQueries.all()).data ?? []
  return (
    <PaletteGroup heading="Managed agents">
      {mayWork && (
        <PaletteEntry
          label="Deploy an agent"
          keywords={['manifest', 'create new']}
          icon={Upload}
          onSelect={() => void navigate({ to: '/managed-agents/new' })}
        />
      )}
      {agents.map(({ id, name, description }) => (
        <PaletteEntry
          key={id}
          label={visible(name)}
          keywords={[id, `managed agent ${description}`]}
          icon={BotMessageSquare}
          onSelect={() => void navigate({ to: '/managed-agents/$id', params: { id } })}
        />
      ))}
      {mayWork &&
        agents.map(({ id, name }) => (
          <PaletteEntry
            key={`run ${id}`}
            label={`Run ${visible(name)}`}
            keywords={[`run ${id}`, 'execute start']}
            icon={Play}
            onSelect={() => void navigate({ to: '/managed-agents/$id', params: { id }, search: { run: true } })}
          />
        ))}
    </PaletteGroup>
  )
}
