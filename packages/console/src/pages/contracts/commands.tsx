import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { FileCheck2, FilePlus2 } from 'lucide-react'
import { PaletteEntry, PaletteGroup } from '../../app/palette-group.tsx'
import { bundleQueries } from './queries.ts'

export function Commands() {
  const navigate = useNavigate()
  const bundles = useQuery(bundleQueries.all()).data ?? []
  return (
    <PaletteGroup heading="Contracts">
      {bundles.map(({ name }) => (
        <PaletteEntry
          key={name}
          label={name}
          keywords={['bundle', 'contracts']}
          icon={FileCheck2}
          onSelect={() => void navigate({ to: '/contracts/$name', params: { name } })}
        />
      ))}
      <PaletteEntry
        label="Upload a bundle"
        keywords={['new', 'create contracts yaml']}
        icon={FilePlus2}
        onSelect={() => void navigate({ to: '/contracts/new' })}
      />
    </PaletteGroup>
  )
}
