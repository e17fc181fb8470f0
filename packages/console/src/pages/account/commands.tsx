import { useNavigate } from '@tanstack/react-router'
import { CircleUser, ShieldCheck } from 'lucide-react'
import { PaletteEntry, PaletteGroup } from '../../app/palette-group.tsx'

export function Commands() {
  const navigate = useNavigate()
  return (
    <PaletteGroup heading="Your account">
      <PaletteEntry
        label="Your account"
        keywords={['profile', 'password sessions tenant switch']}
        icon={CircleUser}
        onSelect={() => void navigate({ to: '/account' })}
      />
      <PaletteEntry
        label="Set up a second factor"
        keywords={['totp', '2fa mfa authenticator']}
        icon={ShieldCheck}
        onSelect={() => void navigate({ to: '/account', search: { factor: true } })}
      />
    </PaletteGroup>
  )
}
