import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { CalendarClock, Plus } from 'lucide-react'
import { PaletteEntry, PaletteGroup } from '../../app/palette-group.tsx'
import { useRefusal } from '../../app/permission.ts'
import { scheduleQueries } from './queries.ts'

export function Commands() {
  const navigate = useNavigate()
  const schedules = useQuery({ ...scheduleQueries.all(), refetchInterval: false }).data ?? []
  const mayWrite = useRefusal('work') === null
  if (schedules.length === 0 && !mayWrite) return null
  return (
    <PaletteGroup heading="Schedules">
      {schedules.map(({ name }) => (
        <PaletteEntry
          key={name}
          label={name}
          keywords={['schedule', 'cron clock']}
          icon={CalendarClock}
          onSelect={() => void navigate({ to: '/schedules', search: { name } })}
        />
      ))}
      {mayWrite && (
        <PaletteEntry
          label="Set a schedule"
          keywords={['new', 'create cron clock']}
          icon={Plus}
          onSelect={() => void navigate({ to: '/schedules', search: { create: true } })}
        />
      )}
    </PaletteGroup>
  )
}
