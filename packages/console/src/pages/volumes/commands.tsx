import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { HardDrive, Plus } from 'lucide-react'
import { PaletteEntry, PaletteGroup } from '../../app/palette-group.tsx'
import { useRefusal } from '../../app/permission.ts'
import { visible } from '../../ui/visible.ts'
import { volumeQueries } from './queries.ts'

/** The volumes, to go to, and making one. */
export function Commands() {
  const navigate = useNavigate()
  const volumes = useQuery({ ...volumeQueries.all(), refetchInterval: false }).data ?? []
  const mayWrite = useRefusal('work') === null
  if (volumes.length === 0 && !mayWrite) return null
  return (
    <PaletteGroup heading="Volumes">
      {volumes.map(({ id, label }) => (
        <PaletteEntry
          key={id}
          label={visible(label)}
          keywords={[id, 'volume files']}
          icon={HardDrive}
          onSelect={() => void navigate({ to: '/volumes/$id', params: { id } })}
        />
      ))}
      {mayWrite && (
        <PaletteEntry
          label="Make a volume"
          keywords={['new', 'create files storage']}
          icon={Plus}
          onSelect={() => void navigate({ to: '/volumes', search: { create: true } })}
        />
      )}
    </PaletteGroup>
  )
}
