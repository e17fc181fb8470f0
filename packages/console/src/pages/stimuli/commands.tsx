import { useNavigate } from '@tanstack/react-router'
import { Send, Webhook } from 'lucide-react'
import { PaletteEntry, PaletteGroup } from '../../app/palette-group.tsx'
import { useRefusal } from '../../app/permission.ts'

export function Commands() {
  const navigate = useNavigate()
  if (useRefusal('work')) return null
  return (
    <PaletteGroup heading="Stimuli">
      <PaletteEntry
        label="Register a source of webhooks"
        keywords={['new', 'create stimulus secret']}
        icon={Webhook}
        onSelect={() => void navigate({ to: '/stimuli', search: { tab: 'sources', create: true } })}
      />
      <PaletteEntry
        label="Send a stimulus"
        keywords={['test', 'webhook delivery']}
        icon={Send}
        onSelect={() => void navigate({ to: '/stimuli', search: { send: '' } })}
      />
    </PaletteGroup>
  )
}
