import { useNavigate } from '@tanstack/react-router'
import { BotMessageSquare } from 'lucide-react'
import { PaletteEntry, PaletteGroup } from '../../app/palette-group.tsx'
import { useRefusal } from '../../app/permission.ts'

export function Commands() {
  const navigate = useNavigate()
  const refusals = { accounts: useRefusal('administer'), keys: useRefusal('work') }
  return (
    <PaletteGroup heading="Service accounts">
      {!refusals.accounts && (
        <PaletteEntry
          label="Create a service account"
          keywords={['new', 'program machine client']}
          icon={BotMessageSquare}
          onSelect={() => void navigate({ to: '/service-accounts', search: { create: true } })}
        />
      )}
      {!refusals.keys && (
        <PaletteEntry
          label="Create a key of your own"
          keywords={['runtime', 'new token personal']}
          icon={BotMessageSquare}
          onSelect={() => void navigate({ to: '/service-accounts', search: { tab: 'keys', create: true } })}
        />
      )}
    </PaletteGroup>
  )
}
