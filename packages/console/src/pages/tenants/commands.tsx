import { useNavigate } from '@tanstack/react-router'
import { Building2 } from 'lucide-react'
import { PaletteEntry, PaletteGroup } from '../../app/palette-group.tsx'
import { useRefusal } from '../../app/permission.ts'

export function Commands() {
  const navigate = useNavigate()
  if (useRefusal('operate')) return null
  return (
    <PaletteGroup heading="Tenants">
      <PaletteEntry
        label="Make a tenant"
        keywords={['create', 'new organisation customer']}
        icon={Building2}
        onSelect={() => void navigate({ to: '/settings/tenants', search: { create: true } })}
      />
    </PaletteGroup>
  )
}
