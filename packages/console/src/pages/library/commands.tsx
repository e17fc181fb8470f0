import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { FileInput, FilePlus2, LibraryBig } from 'lucide-react'
import { PaletteEntry, PaletteGroup } from '../../app/palette-group.tsx'
import { useRefusal } from '../../app/permission.ts'
import { libraryQueries } from './queries.ts'

export function Commands() {
  const navigate = useNavigate()
  const contracts = useQuery(libraryQueries.all()).data ?? []
  const mayWrite = useRefusal('work') === null
  return (
    <PaletteGroup heading="Library">
      {contracts.map(({ contract_id, name }) => (
        <PaletteEntry
          key={contract_id}
          label={name}
          keywords={[contract_id, 'library contract']}
          icon={LibraryBig}
          onSelect={() => void navigate({ to: '/library/$id', params: { id: contract_id } })}
        />
      ))}
      {mayWrite && (
        <>
          <PaletteEntry
            label="Write a contract"
            keywords={['library', 'new create']}
            icon={FilePlus2}
            onSelect={() => void navigate({ to: '/library/new' })}
          />
          <PaletteEntry
            label="Import contracts"
            keywords={['library', 'bundle template yaml']}
            icon={FileInput}
            onSelect={() => void navigate({ to: '/library', search: { import: true } })}
          />
        </>
      )}
    </PaletteGroup>
  )
}
