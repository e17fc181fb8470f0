import { useNavigate } from '@tanstack/react-router'
import { UserPlus } from 'lucide-react'
import { PaletteEntry, PaletteGroup } from '../../app/palette-group.tsx'
import { useRefusal } from '../../app/permission.ts'

export function Commands() {
  const navigate = useNavigate()
  if (useRefusal('administer')) return null
  return (
    <PaletteGroup heading="Members">
      <PaletteEntry
        label="Invite somebody"
        keywords={['member', 'invitation people user add']}
        icon={UserPlus}
        onSelect={() => void navigate({ to: '/settings/members', search: { invite: true } })}
      />
    </PaletteGroup>
  )
}
