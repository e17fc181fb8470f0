import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { Network } from 'lucide-react'
import { PaletteEntry, PaletteGroup } from '../../app/palette-group.tsx'
import { swarmQueries } from './queries.ts'
import { nameOf } from './swarm.ts'
import { swarmLabel } from './swarm-badge.tsx'

/** The latest swarms, to go to. */
export function Commands() {
  const navigate = useNavigate()
  const rows = useQuery({ ...swarmQueries.list(undefined, 0, 10), refetchInterval: false }).data?.rows ?? []
  if (rows.length === 0) return null
  return (
    <PaletteGroup heading="Swarms">
      {rows.map((one) => (
        <PaletteEntry
          key={one.id}
          label={`Swarm of ${nameOf(one)}, ${swarmLabel(one.status).toLowerCase()}`}
          keywords={[one.id]}
          icon={Network}
          onSelect={() => void navigate({ to: '/swarms/$id', params: { id: one.id } })}
        />
      ))}
    </PaletteGroup>
  )
}
