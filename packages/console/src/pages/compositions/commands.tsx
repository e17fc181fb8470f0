import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { Blocks } from 'lucide-react'
import { PaletteEntry, PaletteGroup } from '../../app/palette-group.tsx'
import { useRefusal } from '../../app/permission.ts'
import { compositionQueries } from './queries.ts'

export function Commands() {
  const navigate = useNavigate()
  const compositions = useQuery(compositionQueries.all()).data ?? []
  const mayWrite = useRefusal('work') === null
  return (
    <PaletteGroup heading="Compositions">
      {compositions.map(({ name }) => (
        <PaletteEntry
          key={name}
          label={name}
          keywords={['composition', 'library']}
          icon={Blocks}
          onSelect={() => void navigate({ to: '/compositions/$name', params: { name } })}
        />
      ))}
      {mayWrite && (
        <PaletteEntry
          label="Make a composition"
          keywords={['compositions', 'new create library']}
          icon={Blocks}
          onSelect={() => void navigate({ to: '/compositions', search: { create: true } })}
        />
      )}
    </PaletteGroup>
  )
}
