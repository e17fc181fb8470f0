import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { KeyRound } from 'lucide-react'
import { PaletteEntry, PaletteGroup } from '../../app/palette-group.tsx'
import { session } from '../../app/session.ts'

export function Commands() {
  const navigate = useNavigate()
  const isAdmin = useQuery(session.me()).data?.is_admin ?? false
  if (!isAdmin) return null
  return (
    <PaletteGroup heading="API keys">
      <PaletteEntry
        label="Create an API key"
        keywords={['new', 'token secret']}
        icon={KeyRound}
        onSelect={() => void navigate({ to: '/keys', search: { create: true } })}
      />
    </PaletteGroup>
  )
}
