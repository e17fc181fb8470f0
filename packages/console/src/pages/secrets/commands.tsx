import { useNavigate } from '@tanstack/react-router'
import { LockKeyhole } from 'lucide-react'
import { PaletteEntry, PaletteGroup } from '../../app/palette-group.tsx'
import { useRefusal } from '../../app/permission.ts'

export function Commands() {
  const navigate = useNavigate()
  if (useRefusal('administer')) return null
  return (
    <PaletteGroup heading="Secrets">
      <PaletteEntry
        label="Write a secret"
        keywords={['new', 'create password value']}
        icon={LockKeyhole}
        onSelect={() => void navigate({ to: '/secrets', search: { write: true } })}
      />
    </PaletteGroup>
  )
}
