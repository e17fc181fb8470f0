import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { Play } from 'lucide-react'
import { PaletteEntry, PaletteGroup } from '../../app/palette-group.tsx'
import { visible } from '../../ui/visible.ts'
import { executionQueries } from './queries.ts'
import { statusLabel } from './shared/status.tsx'

/** The latest runs, to go to. */
export function Commands() {
  const navigate = useNavigate()
  const rows = useQuery({ ...executionQueries.list({}, 0, 10), refetchInterval: false }).data?.rows ?? []
  if (rows.length === 0) return null
  return (
    <PaletteGroup heading="Executions">
      {rows.map((one) => (
        <PaletteEntry
          key={one.id}
          label={`${visible(one.agent_name)}, ${statusLabel(one.status).toLowerCase()}`}
          keywords={[one.id, 'execution run']}
          icon={Play}
          onSelect={() => void navigate({ to: '/executions/$id', params: { id: one.id } })}
        />
      ))}
    </PaletteGroup>
  )
}
