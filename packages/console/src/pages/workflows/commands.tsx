import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { Upload, Workflow } from 'lucide-react'
import { PaletteEntry, PaletteGroup } from '../../app/palette-group.tsx'
import { useRefusal } from '../../app/permission.ts'
import { visible } from '../../ui/visible.ts'
import { workflowQueries } from './queries.ts'

export function Commands() {
  const navigate = useNavigate()
  const mayWork = useRefusal('work') === null
  const workflows = useQuery(workflowQueries.all()).data ?? []
  return (
    <PaletteGroup heading="Workflows">
      {mayWork && (
        <PaletteEntry
          label="Register a workflow"
          keywords={['manifest', 'create new deploy']}
          icon={Upload}
          onSelect={() => void navigate({ to: '/workflows/new' })}
        />
      )}
      {workflows.map(({ id, name, description }) => (
        <PaletteEntry
          key={id}
          label={visible(name)}
          keywords={[id, `workflow ${description}`]}
          icon={Workflow}
          onSelect={() => void navigate({ to: '/workflows/$id', params: { id } })}
        />
      ))}
    </PaletteGroup>
  )
}
